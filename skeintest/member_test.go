package skeintest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
	"github.com/skein-io/skein/skeintest"
)

// machine is where one client runs: its connections can stop carrying anything.
type machine struct {
	node *skeintest.Node

	mu    sync.Mutex
	conns []net.Conn
	dead  bool
}

var errDead = errors.New("this machine reaches nobody")

func (m *machine) dial(ctx context.Context, network, address string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return nil, errDead
	}
	conn, err := m.node.Dial(ctx, network, address)
	if err == nil {
		m.conns = append(m.conns, conn)
	}
	return conn, err
}

// freeze lets everything that the client sends from now on go nowhere, while its connections stand: the broker hears
// nothing of it any more, and nobody hears of that.
func (m *machine) freeze() {
	m.each(func(c net.Conn) { c.(interface{ Freeze() }).Freeze() })
}

// cut resets the connections, and none can be made again.
func (m *machine) cut() {
	m.each(func(c net.Conn) { c.(interface{ Cut() }).Cut() })
}

func (m *machine) each(do func(net.Conn)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	for _, c := range m.conns {
		do(c)
	}
}

// ownership is who has which partition, as the members' callbacks say. No two have one at a time, but for those that are
// cut off and do not know.
type ownership struct {
	mu      sync.Mutex
	owners  map[int32]string
	clashes []string
}

func (o *ownership) take(name string, partitions []int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range partitions {
		if other := o.owners[p]; other != "" && other != name {
			o.clashes = append(o.clashes, fmt.Sprintf("partition %d is given to %s while %s has it", p, name, other))
		}
		o.owners[p] = name
	}
}

func (o *ownership) give(name string, partitions []int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range partitions {
		if o.owners[p] == name {
			delete(o.owners, p)
		}
	}
}

// forget frees everything that a dead member had.
func (o *ownership) forget(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for p, owner := range o.owners {
		if owner == name {
			delete(o.owners, p)
		}
	}
}

func (o *ownership) of(name string) []int32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []int32
	for p, owner := range o.owners {
		if owner == name {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all
}

// member is a consumer of the group that commits after each poll.
type member struct {
	*machine
	t        *testing.T
	name     string
	client   *kgo.Client
	recorder *check.Recorder
	owns     *ownership
	stop     context.CancelFunc
	done     chan struct{}

	instance string
	topicID  [16]byte
	commits  int

	reads     sync.Mutex
	read      map[string]int     // value to how often
	positions map[int32]position // read, and not committed
}

// position is the offset after a record that was read, and the record's leader epoch.
type position struct {
	offset record.Offset
	epoch  record.LeaderEpoch
}

const (
	lifeTopic      = "orders"
	lifeGroup      = "readers"
	lifePartitions = 6
	lifeSession    = 10 * time.Second
	beatInterval   = time.Second
	// fetchWaitMax is short because franz-go, where its partitions change without being taken away, asks for new ones
	// only when the long poll that is under way has ended.
	fetchWaitMax = 500 * time.Millisecond
)

// join starts a member. Options choose the protocol.
func (c *cycle) join(name, instance string, options ...kgo.Opt) *member {
	c.t.Helper()
	m := &member{machine: &machine{node: c.node}, t: c.t, name: name, instance: instance, topicID: c.topicID, recorder: c.recorder, owns: c.owns,
		done: make(chan struct{}), read: map[string]int{}, positions: map[int32]position{}}
	changed := func(do func(string, []int32)) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
			m.recorder.Begin(check.Operation{Process: name, Kind: check.Subscribe}).End(check.OK, nil)
			m.forgetPositions(topics[lifeTopic])
			do(name, topics[lifeTopic])
		}
	}
	always := []kgo.Opt{
		kgo.SeedBrokers(c.node.Bootstrap()), kgo.Dialer(m.dial), kgo.ConsumerGroup(lifeGroup), kgo.ConsumeTopics(lifeTopic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.SessionTimeout(lifeSession),
		kgo.RebalanceTimeout(lifeSession), kgo.HeartbeatInterval(beatInterval), kgo.FetchMaxWait(fetchWaitMax), kgo.RequestTimeoutOverhead(5 * time.Second),
		kgo.OnPartitionsAssigned(changed(c.owns.take)), kgo.OnPartitionsRevoked(changed(c.owns.give)), kgo.OnPartitionsLost(changed(c.owns.give)),
	}
	if instance != "" {
		always = append(always, kgo.InstanceID(instance))
	}
	client, err := kgo.NewClient(append(always, options...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	m.client = client
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	go m.work(ctx)
	c.members = append(c.members, m)
	return m
}

func (m *member) work(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil {
		m.poll(ctx)
		m.commit(ctx)
	}
}

func (m *member) poll(ctx context.Context) {
	pending := m.recorder.Begin(check.Operation{Process: m.name, Kind: check.Poll})
	var records []check.Record
	polled := m.client.PollRecords(ctx, 50)
	polled.EachRecord(func(r *kgo.Record) {
		records = append(records, check.Record{Partition: check.Partition{Topic: r.Topic, Index: r.Partition},
			Offset: record.Offset(r.Offset), Value: string(r.Value)})
	})
	pending.End(check.OK, func(o *check.Operation) { o.Records = records })
	m.reads.Lock()
	defer m.reads.Unlock()
	polled.EachRecord(func(r *kgo.Record) {
		m.read[string(r.Value)]++
		m.positions[r.Partition] = position{record.Offset(r.Offset) + 1, record.LeaderEpoch(r.LeaderEpoch)}
	})
}

// has says whether the member has read a value.
func (m *member) has(value string) bool {
	m.reads.Lock()
	defer m.reads.Unlock()
	return m.read[value] > 0
}

// commit commits what was polled, with metadata that nobody has committed before. It does not use the client's own call:
// that holds a lock while it waits, and in a bubble time stands still behind a lock.
func (m *member) commit(ctx context.Context) {
	op, request := m.commitRequest()
	if len(op.Offsets) == 0 {
		return
	}
	pending := m.recorder.Begin(op)
	response, err := request.RequestWith(ctx, m.client)
	if err == nil {
		for _, p := range response.Topics[0].Partitions {
			if err == nil {
				err = kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	if err != nil { // the client retries by itself: what became of it is not known
		pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
		return
	}
	pending.End(check.OK, nil)
	m.reads.Lock()
	defer m.reads.Unlock()
	for _, o := range op.Offsets {
		if m.positions[o.Index].offset == o.Offset {
			delete(m.positions, o.Index)
		}
	}
}

func (m *member) commitRequest() (check.Operation, *kmsg.OffsetCommitRequest) {
	id, generation := m.client.GroupMetadata()
	m.commits++
	metadata := fmt.Sprintf("%s#%d", m.name, m.commits)
	op := check.Operation{Process: m.name, Kind: check.Commit, Group: lifeGroup, Member: id, Instance: m.instance, Generation: generation}
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.MemberID, request.Generation = lifeGroup, id, generation
	if m.instance != "" {
		request.InstanceID = &m.instance
	}
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = lifeTopic, m.topicID
	m.reads.Lock()
	defer m.reads.Unlock()
	for p := range int32(lifePartitions) {
		at, some := m.positions[p]
		if !some {
			continue
		}
		op.Offsets = append(op.Offsets, check.Committed{Partition: check.Partition{Topic: lifeTopic, Index: p}, Offset: at.offset, LeaderEpoch: at.epoch, Metadata: metadata})
		partition := kmsg.NewOffsetCommitRequestTopicPartition()
		partition.Partition, partition.Offset, partition.LeaderEpoch, partition.Metadata = p, int64(at.offset), int32(at.epoch), &metadata
		topic.Partitions = append(topic.Partitions, partition)
	}
	request.Topics = append(request.Topics, topic)
	return op, request
}

// forgetPositions: what is given up is not committed any more.
func (m *member) forgetPositions(partitions []int32) {
	m.reads.Lock()
	defer m.reads.Unlock()
	for _, p := range partitions {
		delete(m.positions, p)
	}
}

// end ends the member's goroutine and client. One that is cut off leaves nobody's group.
func (m *member) end() {
	m.stop()
	<-m.done
	m.client.Close()
}
