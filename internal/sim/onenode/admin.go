package onenode

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// admin creates the topic, and goes on creating others so that the metadata log grows; it deletes records too.
type admin struct {
	*client
	done   int // topics that were created and deletions of records that were confirmed
	serial int
}

func newAdmin(w *world) *admin { return &admin{client: newClient(w, "admin")} }

// start creates the topic of the run and calls then.
func (a *admin) start(then func()) {
	a.create(topicName, a.world.options.Partitions, func() {
		then()
		a.loop()
	})
}

func (a *admin) loop() {
	a.later(200*time.Millisecond, 3*time.Second, func() {
		if a.world.options.DeleteRecords && a.rand.Chance(500) {
			a.deleteRecords(a.loop)
			return
		}
		a.serial++
		a.create("other-"+string(rune('a'+a.serial%26))+time.Duration(a.serial).String(), 1, a.loop)
	})
}

// create tries until the topic is there.
func (a *admin) create(name string, partitions int, then func()) {
	q := protocol.NewCreateTopicsRequest()
	topic := protocol.NewCreateTopicsRequestCreatableTopic()
	topic.Name, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), 1
	q.Topics = []protocol.CreateTopicsRequestCreatableTopic{topic}
	a.ask(q, requestTimeout, func(answer protocol.Message, err error) {
		code := protocol.UnknownServerError
		if err == nil {
			code = answer.(*protocol.CreateTopicsResponse).Topics[0].ErrorCode
		}
		a.world.Notef("create %s: %v %v", name, code, err)
		if code == protocol.None || code == protocol.TopicAlreadyExists {
			a.done++
			then()
			return
		}
		a.later(10*time.Millisecond, 500*time.Millisecond, func() { a.create(name, partitions, then) })
	})
}

// deleteRecords deletes what is before some offset that is known to be committed.
func (a *admin) deleteRecords(then func()) {
	a.ask(listOffsetsRequest(a.world.options.Partitions, -1), requestTimeout, func(answer protocol.Message, err error) {
		var ends []record.Offset
		if err == nil {
			ends = listedOffsets(answer)
		}
		if ends == nil {
			then()
			return
		}
		index := a.rand.IntN(len(ends))
		before := max(ends[index], 0) * record.Offset(a.rand.IntN(100)) / 200
		a.delete(check.Position{Partition: check.Partition{Topic: topicName, Index: int32(index)}, Offset: before}, then)
	})
}

func (a *admin) delete(at check.Position, then func()) {
	q := protocol.NewDeleteRecordsRequest()
	q.TimeoutMs = 1000
	q.Topics = []protocol.DeleteRecordsRequestTopic{{Name: at.Topic,
		Partitions: []protocol.DeleteRecordsRequestPartition{{PartitionIndex: at.Index, Offset: int64(at.Offset)}}}}
	pending := a.world.recorder.Begin(check.Operation{Process: a.name, Kind: check.DeleteRecords, Positions: []check.Position{at}})
	a.ask(q, requestTimeout, func(answer protocol.Message, err error) {
		outcome := check.Info
		if err == nil {
			code := answer.(*protocol.DeleteRecordsResponse).Topics[0].Partitions[0].ErrorCode
			outcome = check.OutcomeOf(code.String())
			a.world.Notef("delete records of %v: %v", at, code)
			if code == protocol.None {
				a.done++
				a.world.reach("records deleted")
			}
		}
		pending.End(outcome, nil)
		then()
	})
}
