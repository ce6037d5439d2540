package clients

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// Admin creates the topic, and goes on creating others so that the metadata log grows; it deletes records too, if it may.
type Admin struct {
	*Client
	deletes bool
	done    int // topics that were created and deletions of records that were confirmed
	serial  int
}

func newAdmin(w *World, deletesRecords bool) *Admin {
	return &Admin{Client: newClient(w, "admin"), deletes: deletesRecords}
}

// start creates the topic of the run and calls then.
func (a *Admin) start(then func()) {
	a.create(a.World.Topic, a.World.Partitions, func() {
		then()
		a.loop()
	})
}

func (a *Admin) loop() {
	a.later(200*time.Millisecond, 3*time.Second, func() {
		if a.deletes && a.rand.Chance(500) {
			a.deleteRecords(a.loop)
			return
		}
		a.serial++
		a.create(fmt.Sprint("other-", a.serial), 1, a.loop)
	})
}

// create tries until the topic is there.
func (a *Admin) create(name string, partitions int, then func()) {
	q := protocol.NewCreateTopicsRequest()
	topic := protocol.NewCreateTopicsRequestCreatableTopic()
	topic.Name, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), a.World.Replicas
	q.Topics = []protocol.CreateTopicsRequestCreatableTopic{topic}
	a.ask(a.any(), q, RequestTimeout, func(answer protocol.Message, err error) {
		code := protocol.UnknownServerError
		if err == nil {
			code = answer.(*protocol.CreateTopicsResponse).Topics[0].ErrorCode
		}
		a.World.Notef("create %s: %v %v", name, code, err)
		if code == protocol.None || code == protocol.TopicAlreadyExists {
			a.done++
			then()
			return
		}
		a.later(10*time.Millisecond, 500*time.Millisecond, func() { a.create(name, partitions, then) })
	})
}

// deleteRecords deletes what is before some offset that is known to be committed.
func (a *Admin) deleteRecords(then func()) {
	a.list(-1, func(ends map[int32]record.Offset) {
		index := int32(a.rand.IntN(a.World.Partitions))
		end, known := ends[index]
		if !known {
			then()
			return
		}
		before := max(end, 0) * record.Offset(a.rand.IntN(100)) / 200
		a.delete(check.Position{Partition: check.Partition{Topic: a.World.Topic, Index: index}, Offset: before}, then)
	})
}

func (a *Admin) delete(at check.Position, then func()) {
	q := protocol.NewDeleteRecordsRequest()
	q.TimeoutMs = 1000
	q.Topics = []protocol.DeleteRecordsRequestTopic{{Name: at.Topic,
		Partitions: []protocol.DeleteRecordsRequestPartition{{PartitionIndex: at.Index, Offset: int64(at.Offset)}}}}
	pending := a.World.Recorder.Begin(check.Operation{Process: a.Name, Kind: check.DeleteRecords, Positions: []check.Position{at}})
	a.ask(a.leader(at.Partition), q, RequestTimeout, func(answer protocol.Message, err error) {
		outcome, code := check.Info, protocol.None
		if err == nil {
			code = answer.(*protocol.DeleteRecordsResponse).Topics[0].Partitions[0].ErrorCode
			outcome = check.OutcomeOf(code.String())
			a.World.Notef("delete records of %v: %v", at, code)
			if code == protocol.None {
				a.done++
				a.World.Reach("records deleted")
			}
		}
		a.misled(at.Partition, code, err)
		pending.End(outcome, nil)
		then()
	})
}
