package nemesis

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

const group = "readers"

// member is a consumer of the group that commits what it polled.
type member struct {
	world  *world
	name   string
	client *kgo.Client
	stop   context.CancelFunc
	done   chan struct{}

	mu        sync.Mutex
	positions map[int32]check.Committed // read and not committed
	commits   int
}

func startMember(w *world, name string) *member {
	ctx, stop := context.WithCancel(context.Background())
	m := &member{world: w, name: name, stop: stop, done: make(chan struct{}), positions: map[int32]check.Committed{}}
	changed := func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
		w.history.Begin(check.Operation{Process: name, Kind: check.Subscribe}).End(check.OK, nil)
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, p := range partitions[topics[0].name] {
			delete(m.positions, p)
		}
	}
	m.client = w.client(name, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topics[0].name), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.SessionTimeout(6*time.Second), kgo.RebalanceTimeout(6*time.Second), kgo.HeartbeatInterval(time.Second),
		kgo.FetchMaxWait(500*time.Millisecond), kgo.OnPartitionsAssigned(changed), kgo.OnPartitionsRevoked(changed), kgo.OnPartitionsLost(changed))
	go m.work(ctx)
	return m
}

func (m *member) work(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil {
		bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
		poll(bounded, m.world, m.name, m.client, func(r *kgo.Record) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.positions[r.Partition] = check.Committed{Partition: check.Partition{Topic: r.Topic, Index: r.Partition},
				Offset: record.Offset(r.Offset) + 1, LeaderEpoch: record.LeaderEpoch(r.LeaderEpoch)}
		})
		cancel()
		m.commit(ctx)
	}
}

// commit commits what was polled, with metadata that nobody has committed before. It does not use the client's own call:
// that holds a lock while it waits, and in a bubble time stands still behind a lock.
func (m *member) commit(ctx context.Context) {
	operation, request := m.commitRequest()
	if len(operation.Offsets) == 0 {
		return
	}
	pending := m.world.history.Begin(operation)
	bounded, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	response, err := request.RequestWith(bounded, m.client)
	if err == nil {
		for _, p := range response.Topics[0].Partitions {
			if err == nil {
				err = kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	if err != nil { // the client retries by itself: what became of it is not known
		pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
		m.world.journal.note("%s: commit: %v", m.name, err)
		sleep(ctx, 200*time.Millisecond)
		return
	}
	pending.End(check.OK, nil)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range operation.Offsets {
		if m.positions[o.Index].Offset == o.Offset {
			delete(m.positions, o.Index)
		}
	}
}

func (m *member) commitRequest() (check.Operation, *kmsg.OffsetCommitRequest) {
	id, generation := m.client.GroupMetadata()
	m.commits++
	metadata := fmt.Sprintf("%s#%d", m.name, m.commits)
	operation := check.Operation{Process: m.name, Kind: check.Commit, Group: group, Member: id, Generation: generation}
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.MemberID, request.Generation = group, id, generation
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = topics[0].name, m.world.ids[topics[0].name]
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range topics[0].partitions {
		at, some := m.positions[p]
		if !some {
			continue
		}
		at.Metadata = metadata
		operation.Offsets = append(operation.Offsets, at)
		partition := kmsg.NewOffsetCommitRequestTopicPartition()
		partition.Partition, partition.Offset, partition.LeaderEpoch, partition.Metadata = p, int64(at.Offset), int32(at.LeaderEpoch), &metadata
		topic.Partitions = append(topic.Partitions, partition)
	}
	request.Topics = append(request.Topics, topic)
	return operation, request
}

func (m *member) end() {
	m.stop()
	<-m.done
	m.client.Close()
}

// auditor fetches what is committed, now and then.
type auditor struct {
	world *world
	stop  context.CancelFunc
	done  chan struct{}
}

func startAuditor(w *world) *auditor {
	ctx, stop := context.WithCancel(context.Background())
	a := &auditor{world: w, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		for n := 0; sleep(ctx, time.Second); n++ {
			client := w.client("auditor") // a new one knows no coordinator that is dead
			_, _ = fetchCommitted(ctx, w, client)
			client.Close()
		}
	}()
	return a
}

// fetchCommitted asks for the group's offsets.
func fetchCommitted(ctx context.Context, w *world, client *kgo.Client) (map[int32]int64, error) {
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	pending := w.history.Begin(check.Operation{Process: "auditor", Kind: check.FetchOffset, Group: group})
	found, err := kadm.NewClient(client).FetchOffsetsForTopics(bounded, group, topics[0].name)
	if err == nil {
		err = found.Error()
	}
	if err != nil {
		pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
		return nil, err
	}
	offsets := map[int32]int64{}
	var list []check.Committed
	found.Each(func(o kadm.OffsetResponse) {
		offsets[o.Partition] = o.At
		list = append(list, check.Committed{Partition: check.Partition{Topic: o.Topic, Index: o.Partition},
			Offset: record.Offset(o.At), LeaderEpoch: record.LeaderEpoch(o.LeaderEpoch), Metadata: o.Metadata})
	})
	pending.End(check.OK, func(o *check.Operation) { o.Offsets = list })
	return offsets, nil
}

func (a *auditor) end() {
	a.stop()
	<-a.done
}
