package tour

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
)

// fetchWaitMax is the long poll of the tour's consumers.
const fetchWaitMax = 250 * time.Millisecond

// member is a consumer of the scene's group: franz-go's, with its partitions given by range. It reads at once what
// comes, and commits when it is told to.
type member struct {
	*actor
	act    *Act
	client *kgo.Client
	stop   context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	owns     map[int32]bool
	first    map[int32]int64 // offset of the first record since the partition was given to it
	position map[int32]int64 // after the last record that was read and not committed
}

// memberOptions are what scenes set differently.
type memberOptions struct {
	session time.Duration
	beat    time.Duration
	// balance, if set, is called before the consumer leader assigns.
	balance func(members int)
}

// join starts a consumer.
func (a *Act) join(name string, o memberOptions) (*member, error) {
	m := &member{actor: newActor(name, a.broker.Dial), act: a, done: make(chan struct{}), owns: map[int32]bool{}, first: map[int32]int64{}, position: map[int32]int64{}}
	m.lag = a.broker.Lag
	a.mark(name, lane.Begin, "begin", name)
	lost := func(_ context.Context, _ *kgo.Client, topics map[string][]int32) { m.give(topics[a.topic]) }
	client, err := kgo.NewClient(kgo.SeedBrokers(a.broker.Bootstrap), kgo.Dialer(m.connect), kgo.ClientID(name), kgo.DisableClientMetrics(),
		kgo.ConsumerGroup(a.group), kgo.ConsumeTopics(a.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.Balancers(&slowBalancer{kgo.RangeBalancer(), o.balance}), kgo.SessionTimeout(o.session), kgo.RebalanceTimeout(o.session),
		kgo.HeartbeatInterval(o.beat), kgo.FetchMaxWait(fetchWaitMax), kgo.RetryBackoffFn(retryAfter), kgo.RequestTimeoutOverhead(5*time.Second),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, topics map[string][]int32) { m.take(topics[a.topic]) }),
		kgo.OnPartitionsRevoked(lost), kgo.OnPartitionsLost(lost))
	if err != nil {
		return nil, err
	}
	m.client = client
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	go m.work(ctx)
	a.closing = append(a.closing, m.die)
	return m, nil
}

// slowBalancer is a consumer leader that takes its time.
type slowBalancer struct {
	kgo.GroupBalancer
	before func(members int)
}

func (b *slowBalancer) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	if b.before != nil {
		b.before(len(members))
	}
	return b.GroupBalancer.MemberBalancer(members)
}

func (m *member) work(ctx context.Context) {
	defer close(m.done)
	for ctx.Err() == nil && m.gate() == nil {
		polled := m.client.PollRecords(ctx, 100)
		if m.gate() != nil {
			return
		}
		m.mu.Lock()
		polled.EachRecord(func(r *kgo.Record) {
			if _, some := m.first[r.Partition]; !some {
				m.first[r.Partition] = r.Offset
			}
			m.position[r.Partition] = r.Offset + 1
		})
		m.mu.Unlock()
	}
}

func (m *member) take(partitions []int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range partitions {
		m.owns[p] = true
		delete(m.first, p)
		delete(m.position, p)
	}
}

func (m *member) give(partitions []int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range partitions {
		delete(m.owns, p)
		delete(m.position, p)
	}
}

// partitions are those that it was given.
func (m *member) partitions() []int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.owns))
}

// read is the position in each partition.
func (m *member) read() map[int32]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.position)
}

// began is where it began to read each partition.
func (m *member) began() map[int32]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.first)
}

// commit commits what was read, and gives the answer's error code. It does not use the client's own call, which holds a
// lock while it waits: in a test time stands still behind a lock.
func (m *member) commit(ctx context.Context) (protocol.Code, error) {
	id, generation := m.client.GroupMetadata()
	positions := m.read()
	if len(positions) == 0 {
		return protocol.None, nil
	}
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.MemberID, request.Generation = m.act.group, id, generation
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = m.act.topic, m.act.topicID
	for _, p := range slices.Sorted(maps.Keys(positions)) {
		partition := kmsg.NewOffsetCommitRequestTopicPartition()
		partition.Partition, partition.Offset = p, positions[p]
		t.Partitions = append(t.Partitions, partition)
	}
	request.Topics = append(request.Topics, t)
	response, err := request.RequestWith(ctx, m.client)
	if err != nil {
		return 0, err
	}
	for _, t := range response.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return protocol.Code(p.ErrorCode), nil
			}
		}
	}
	return protocol.None, nil
}

// fetched is what the coordinator answered to the member's last OffsetFetch for each partition.
func (m *member) fetched() map[int32]int64 {
	offsets := map[int32]int64{}
	for _, x := range exchanges[*protocol.OffsetFetchRequest, *protocol.OffsetFetchResponse](m.actor) {
		for _, g := range x.response.Groups {
			for _, t := range g.Topics {
				for _, p := range t.Partitions {
					offsets[p.PartitionIndex] = p.CommittedOffset
				}
			}
		}
		for _, t := range x.response.Topics {
			for _, p := range t.Partitions {
				offsets[p.PartitionIndex] = p.CommittedOffset
			}
		}
	}
	return offsets
}

// leave ends the consumer as its Close does: with LeaveGroup.
func (m *member) leave() {
	m.stop()
	<-m.done
	m.client.Close()
	m.kill()
}

// die ends it without a word.
func (m *member) die() {
	m.kill()
	m.stop()
	<-m.done
	m.client.Close()
}
