package herd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/internal/herd/measure"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/wiretap"
)

// groupSide is consumers of today, in one group of a node of this process.
type groupSide struct {
	o       Options
	dir     string
	node    *skein.Node
	fill    *kgo.Client
	diary   *diary
	cancel  context.CancelFunc
	running sync.WaitGroup
	members []*groupMember
	over    atomic.Bool
}

// openGroup starts a node with Kafka's defaults and the topic.
func openGroup(ctx context.Context, o Options, d *diary) (_ side, err error) {
	s := &groupSide{o: o, diary: d}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "skein-herd-"); err != nil {
		return nil, err
	}
	if s.node, err = skein.Open(skein.Config{DataDir: s.dir, Listen: "127.0.0.1:0", Logger: o.Log,
		Set: []string{fmt.Sprintf("group.min.session.timeout.ms=%d", min(6*time.Second, o.Session).Milliseconds())}}); err != nil {
		return nil, err
	}
	if s.fill, err = kgo.NewClient(kgo.SeedBrokers(s.node.Bootstrap()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics()); err != nil {
		return nil, err
	}
	made, err := kadm.NewClient(s.fill).CreateTopic(ctx, int32(o.Members[0]), 1, nil, topicName)
	if err == nil {
		err = made.Err
	}
	return s, err
}

// fillEvery is how often the partitions grow.
const fillEvery = 200 * time.Millisecond

func (s *groupSide) join(ctx context.Context, n int) error {
	ctx, s.cancel = context.WithCancel(ctx)
	s.running.Go(func() { s.grow(ctx, n) })
	for i := range n {
		m := &groupMember{number: i, side: s, links: map[*wiretap.Mutable]struct{}{}, read: map[int32][2]int64{}, ended: make(chan struct{})}
		c, err := consumer.New(ctx, consumer.Brokers(s.node.Bootstrap()), consumer.ClientID(fmt.Sprintf("c%04d", i)), consumer.Group(groupName), consumer.Assignors(assign.Range()),
			consumer.SessionTimeout(s.o.Session), consumer.HeartbeatInterval(s.o.Session/3), consumer.AutoCommit(commitInterval), consumer.ResetTo(consumer.Earliest),
			consumer.Transport(kgo.Dialer(m.dial)), consumer.Listen(consumer.Listener{Assigned: m.assigned, Revoked: m.revoked}))
		if err != nil {
			return err
		}
		m.consumer = c
		if err := c.Subscribe(topicName); err != nil {
			return err
		}
		s.members = append(s.members, m)
		own, end := context.WithCancel(ctx)
		m.end = end
		s.running.Go(func() { m.run(own) })
	}
	return nil
}

// grow writes into each partition what the clock says that it must have.
func (s *groupSide) grow(ctx context.Context, partitions int) {
	written := int64(0)
	for pause(ctx, fillEvery) == nil {
		due := int64(s.diary.now()/time.Millisecond) * s.o.PerSecond / 1000
		for ; written < due; written++ {
			for p := range partitions {
				s.fill.Produce(ctx, &kgo.Record{Topic: topicName, Partition: int32(p), Value: []byte("order")}, nil)
			}
		}
	}
}

func (s *groupSide) leave(ctx context.Context, member int) error {
	m := s.members[member]
	m.end()
	select {
	case <-m.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *groupSide) mute(member int)   { s.members[member].mute(true) }
func (s *groupSide) unmute(member int) { s.members[member].mute(false) }

func (s *groupSide) note() {} // what is read is noted by each Poll

func (s *groupSide) close() {
	s.over.Store(true)
	if s.cancel != nil {
		s.cancel()
	}
	s.running.Wait()
	if s.fill != nil {
		s.fill.Close()
	}
	if s.node != nil {
		_ = s.node.Close()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// groupMember is one consumer and the goroutine that polls.
type groupMember struct {
	number   int
	side     *groupSide
	consumer *consumer.Consumer
	end      context.CancelFunc
	ended    chan struct{}
	read     map[int32][2]int64 // of this Poll

	mu    sync.Mutex
	muted bool
	links map[*wiretap.Mutable]struct{}
}

// run polls until its context ends, and closes the consumer in good order.
func (m *groupMember) run(ctx context.Context) {
	defer close(m.ended)
	for ctx.Err() == nil {
		records, err := m.consumer.Poll(ctx)
		if g, ended := errors.AsType[*consumer.GroupError](err); ended {
			m.side.diary.fail(fmt.Errorf("member %d has ended: %w", m.number, g))
			break
		}
		clear(m.read)
		for r := range records.All() {
			span, some := m.read[r.Partition]
			if !some {
				span[0] = r.Offset
			}
			span[1] = r.Offset + 1
			m.read[r.Partition] = span
		}
		for p, span := range m.read {
			m.take(measure.Event{Kind: measure.Read, Partition: p, Offset: span[0], End: span[1]}, false)
		}
	}
	// A herd that is over need not leave one by one; who leaves while it goes on does.
	limit := 10 * time.Second
	if m.side.over.Load() {
		limit = 0
	}
	closing, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_ = m.consumer.Close(closing)
}

func (m *groupMember) assigned(_ context.Context, _ *consumer.Consumer, partitions []consumer.TopicPartition) {
	for _, p := range partitions {
		m.take(measure.Event{Kind: measure.Started, Partition: p.Partition}, true)
	}
}

func (m *groupMember) revoked(_ context.Context, _ *consumer.Consumer, partitions []consumer.TopicPartition) {
	for _, p := range partitions {
		m.take(measure.Event{Kind: measure.Stopped, Partition: p.Partition}, true)
	}
}

func (m *groupMember) take(e measure.Event, busy bool) {
	e.Member = m.number
	m.side.diary.take(e, busy)
}

// counted are the requests that have to do with the group, and those that find out what there is to share.
var counted = wiretap.Groups

// dial makes a connection that is listened to.
func (m *groupMember) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	link := &wiretap.Mutable{Conn: raw}
	m.mu.Lock()
	m.links[link] = struct{}{}
	m.mu.Unlock()
	return &heldLink{wiretap.New(link, counted, func(key protocol.Key) { m.sent(link, key) }, m.heard), m, link}, nil
}

// sent notes a request, which is lost if the coordinator is muted.
func (m *groupMember) sent(link *wiretap.Mutable, key protocol.Key) {
	m.mu.Lock()
	muted := m.muted
	m.mu.Unlock()
	if muted && wiretap.ForCoordinator[key] {
		link.Silence()
	}
	m.take(measure.Event{Kind: measure.Asked}, key == protocol.KeyJoinGroup || key == protocol.KeySyncGroup)
}

// heard notes what the coordinator tells by the answer to a heartbeat.
func (m *groupMember) heard(x wiretap.Exchange) {
	if beaten, ok := x.Response.(*protocol.HeartbeatResponse); ok && beaten.ErrorCode != protocol.None {
		m.take(measure.Event{Kind: measure.Notified}, true)
	}
}

// mute cuts the member off from its coordinator, or lets it come back: connections on which something was lost are ended.
func (m *groupMember) mute(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.muted = on
	for link := range m.links {
		if !on && link.Silent() {
			_ = link.Close()
		}
	}
}

// heldLink is forgotten when it is closed.
type heldLink struct {
	net.Conn
	member *groupMember
	link   *wiretap.Mutable
}

func (l *heldLink) Close() error {
	l.member.mu.Lock()
	delete(l.member.links, l.link)
	l.member.mu.Unlock()
	return l.Conn.Close()
}
