package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/internal/server/memnet"
)

// load is a group of members, each in a goroutine of its own, that reads what a producer writes all the time.
type load struct {
	*bed
	parts    int
	assignor assign.Assignor

	stop, done chan struct{} // of the producer

	*account
	members map[int]*worker
}

// worker is one member.
type worker struct {
	id    int
	c     *consumer.Consumer
	log   notes
	links links
	end   context.CancelFunc
	gone  chan struct{}
}

// links are a member's connections. Those to a node that is cut off stand, and carry nothing.
type links struct {
	dialer func(ctx context.Context, network, address string) (net.Conn, error)

	mu  sync.Mutex
	cut map[string]bool
	all map[string][]*memnet.Conn
}

func (l *links) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dialer(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := conn.(*memnet.Conn)
	l.all[address] = append(l.all[address], c)
	if l.cut[address] {
		c.Freeze()
		c.Other().Freeze()
	}
	return conn, nil
}

// hold freezes the links to a node, or thaws them.
func (l *links) hold(address string, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[address] = on
	for _, c := range l.all[address] {
		if on {
			c.Freeze()
			c.Other().Freeze()
		} else {
			c.Thaw()
			c.Other().Thaw()
		}
	}
}

// underLoad runs events on a cluster of three nodes while a group of members reads, and accounts for every record then.
func underLoad(t *testing.T, members int, events func(*load)) {
	for name, a := range map[string]assign.Assignor{"range": assign.Range(), "cooperative-sticky": assign.CooperativeSticky()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 3, func(b *bed) {
				l := &load{bed: b, parts: 6, assignor: a, stop: make(chan struct{}), done: make(chan struct{}), account: newAccount(), members: map[int]*worker{}}
				b.topic("orders", int32(l.parts))
				for id := range members {
					l.join(id)
				}
				go l.write()
				time.Sleep(10 * time.Second)
				events(l)
				time.Sleep(10 * time.Second)
				l.quiet()
				l.settle()
			})
		})
	}
}

// write produces to all partitions in turn, and counts what is acknowledged.
func (l *load) write() {
	defer close(l.done)
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		case <-time.After(10 * time.Millisecond):
		}
		l.producer.Produce(l.Context(), &kgo.Record{Topic: "orders", Partition: int32(i % l.parts), Value: fmt.Append(nil, i)}, func(r *kgo.Record, err error) {
			if err != nil {
				l.note("produce: %v", err)
				return
			}
			l.acknowledged(r.Partition, r.Offset)
		})
	}
}

// quiet ends the producer, when everything that it gave away is acknowledged.
func (l *load) quiet() {
	l.Helper()
	close(l.stop)
	select {
	case <-l.done:
	case <-time.After(produceMost):
		l.Fatal("the producer has no room for another record")
	}
	ctx, cancel := context.WithTimeout(l.Context(), produceMost)
	defer cancel()
	if err := l.producer.Flush(ctx); err != nil {
		l.Fatalf("%d records are not acknowledged: %v", l.producer.BufferedProduceRecords(), err)
	}
}

func (l *load) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault(format, args...)
}

// join adds a member.
func (l *load) join(id int) {
	l.Helper()
	w := &worker{id: id, gone: make(chan struct{}), links: links{dialer: l.node.Dial, cut: map[string]bool{}, all: map[string][]*memnet.Conn{}}}
	listener := consumer.Listener{
		Assigned: func(_ context.Context, c *consumer.Consumer, added []consumer.TopicPartition) {
			if g := c.GroupMetadata().Generation; g >= 0 {
				for _, p := range added {
					l.assigned(id, g, p.Partition)
				}
			}
		},
	}
	c, err := consumer.New(l.Context(),
		consumer.Brokers(l.node.Bootstraps()...), consumer.Transport(kgo.Dialer(w.links.dial)), consumer.ResetTo(consumer.Earliest), w.log.option(),
		consumer.Group("g"), consumer.Assignors(l.assignor), consumer.AutoCommit(500*time.Millisecond), consumer.Listen(listener),
		consumer.SessionTimeout(6*time.Second), consumer.HeartbeatInterval(time.Second), consumer.PollIntervalMax(15*time.Second),
		consumer.Timeouts(3*time.Second, time.Minute))
	l.must(err)
	l.must(c.Subscribe("orders"))
	ctx, end := context.WithCancel(l.Context())
	w.c, w.end = c, end
	l.members[id] = w
	go l.run(ctx, w)
}

// run polls until the member is told to end; it leaves the group then.
func (l *load) run(ctx context.Context, w *worker) {
	defer close(w.gone)
	for ctx.Err() == nil {
		records, err := w.c.Poll(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, consumer.ErrRetriable) {
			l.note("member %d: poll: %v", w.id, err)
		}
		for r := range records.All() {
			l.delivered(w.id, r)
		}
	}
	closing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	began := time.Now()
	if err := w.c.Close(closing); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		l.note("member %d: close: %v", w.id, err)
	}
	if took := time.Since(began); took > 11*time.Second {
		l.note("member %d: Close took %v", w.id, took)
	}
}

// leave ends a member.
func (l *load) leave(id int) {
	w := l.members[id]
	delete(l.members, id)
	w.end()
	<-w.gone
}

// watchCommits fails if what is committed goes back. It is asked whenever the test has a moment.
func (l *load) watchCommits() {
	ctx, cancel := context.WithTimeout(l.Context(), 2*time.Second)
	defer cancel()
	offsets, err := kadm.NewClient(l.producer).FetchOffsets(ctx, "g")
	if err != nil {
		return // the coordinator is the one that is gone
	}
	for p := range int32(l.parts) {
		if o, ok := offsets.Lookup("orders", p); ok && o.Err == nil && o.At >= 0 {
			l.sawCommitted(p, o.At)
		}
	}
}

// pass lets time go by, and looks at the commits meanwhile.
func (l *load) pass(d time.Duration) {
	for began := time.Now(); time.Since(began) < d; {
		l.watchCommits()
		time.Sleep(250 * time.Millisecond)
	}
}

// settle waits until everything that was acknowledged is read, ends the group, and tells what went wrong.
func (l *load) settle() {
	l.Helper()
	for began := time.Now(); time.Since(began) < 2*time.Minute; l.pass(time.Second) {
		if missing, _ := l.missing(); missing == 0 {
			break
		}
	}
	l.pass(2 * time.Second)
	missing, again := l.missing()
	for id, w := range l.members {
		if missing > 0 {
			l.Logf("member %d: %v", id, w.c.Explain())
		}
		l.leave(id)
	}
	l.watchCommits()
	var all, uncommitted int64
	for p, end := range l.produced {
		all += end
		uncommitted += end - l.account.committed[p]
	}
	l.Logf("%d records, %d of them read again, %d not committed at the end", all, again, uncommitted)
	if missing > 0 || all < 1000 {
		l.Errorf("%d of %d acknowledged records were not read", missing, all)
	}
	for _, f := range l.faults[:min(len(l.faults), 20)] {
		l.Error(f)
	}
}

// A node hangs for longer than a session: it leads partitions, and coordinates the group.
func TestNodeHangs(t *testing.T) {
	underLoad(t, 3, func(l *load) {
		for _, victim := range []int{l.node.Leader("orders", 0), l.node.Coordinator("g")} {
			l.node.Node(victim).Pause()
			l.pass(20 * time.Second)
			l.node.Node(victim).Resume()
			l.pass(15 * time.Second)
		}
	})
}

// Links between nodes are cut: of the one that coordinates the group, which clients still reach, then of one direction only.
func TestNodesDoNotHearEachOther(t *testing.T) {
	underLoad(t, 3, func(l *load) {
		coordinator := l.node.Coordinator("g")
		l.node.Node(coordinator).Isolate()
		l.pass(20 * time.Second)
		l.node.HealLinks()
		l.pass(15 * time.Second)
		leader := l.node.Leader("orders", 1)
		l.node.CutLink(leader, leader%3+1)
		l.pass(15 * time.Second)
		l.node.HealLinks()
		l.pass(10 * time.Second)
	})
}

// The coordinator is killed again and again while members come and go.
func TestCoordinatorDiesUnderJoins(t *testing.T) {
	underLoad(t, 2, func(l *load) {
		for round := range 4 {
			victim := l.node.Coordinator("g")
			l.join(10 + round)
			l.node.Node(victim).Crash()
			l.pass(time.Second)
			l.join(20 + round)
			l.pass(8 * time.Second)
			l.node.Node(victim).Open()
			l.leave(10 + round)
			l.pass(8 * time.Second)
		}
	})
}

// Each node is stopped and started, one after the other.
func TestRollingRestart(t *testing.T) {
	underLoad(t, 3, func(l *load) {
		for id := 1; id <= 3; id++ {
			l.node.Node(id).Stop()
			l.pass(3 * time.Second)
			l.node.Node(id).Open()
			l.pass(12 * time.Second)
		}
	})
}

// A member does not reach a node for longer than a session: first one that leads and does not coordinate, then the coordinator.
// In the second case its partitions go to the others while it still has them.
func TestMemberCutOff(t *testing.T) {
	underLoad(t, 3, func(l *load) {
		coordinator := l.node.Coordinator("g")
		for _, victim := range []int{coordinator%3 + 1, coordinator} {
			address := l.node.Node(victim).Bootstrap()
			l.members[0].links.hold(address, true)
			l.pass(20 * time.Second)
			l.members[0].links.hold(address, false)
			l.pass(15 * time.Second)
		}
	})
}
