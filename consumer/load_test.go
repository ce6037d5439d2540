package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
)

// load is a group of members, each in a goroutine of its own, that reads what a producer writes all the time.
type load struct {
	*bed
	parts    int
	assignor assign.Assignor

	stop, done chan struct{} // of the producer

	mu        sync.Mutex
	members   map[int]*worker
	produced  map[int32]int64                      // how many were acknowledged, by partition
	seen      map[int32]map[int64]int              // by partition and offset
	owners    map[consumer.TopicPartition]ownership // of a generation
	committed map[int32]int64
	faults    []string
}

type ownership struct {
	generation int32
	member     int
}

// worker is one member.
type worker struct {
	id   int
	c    *consumer.Consumer
	log  notes
	end  context.CancelFunc
	gone chan struct{}
}

// underLoad runs events on a cluster of three nodes while a group of members reads, and accounts for every record then.
func underLoad(t *testing.T, members int, events func(*load)) {
	for name, a := range map[string]assign.Assignor{"range": assign.Range(), "cooperative-sticky": assign.CooperativeSticky()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 3, func(b *bed) {
				l := &load{
					bed: b, parts: 6, assignor: a, stop: make(chan struct{}), done: make(chan struct{}), members: map[int]*worker{},
					produced: map[int32]int64{}, seen: map[int32]map[int64]int{}, owners: map[consumer.TopicPartition]ownership{}, committed: map[int32]int64{},
				}
				b.topic("orders", int32(l.parts))
				for id := range members {
					l.join(id)
				}
				go l.write()
				time.Sleep(10 * time.Second)
				events(l)
				time.Sleep(10 * time.Second)
				close(l.stop)
				<-l.done
				l.account()
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
			if err := l.producer.Flush(l.Context()); err != nil {
				l.fault("flush: %v", err)
			}
			return
		case <-time.After(5 * time.Millisecond):
		}
		l.producer.Produce(l.Context(), &kgo.Record{Topic: "orders", Partition: int32(i % l.parts), Value: fmt.Append(nil, i)}, func(r *kgo.Record, err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if err != nil {
				l.faults = append(l.faults, fmt.Sprint("produce: ", err))
				return
			}
			l.produced[r.Partition] = max(l.produced[r.Partition], r.Offset+1)
		})
	}
}

func (l *load) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// join adds a member.
func (l *load) join(id int) {
	l.Helper()
	w := &worker{id: id, gone: make(chan struct{})}
	listener := consumer.Listener{
		Assigned: func(_ context.Context, c *consumer.Consumer, added []consumer.TopicPartition) { l.assigned(w, c, added) },
	}
	c, err := consumer.New(l.Context(),
		consumer.Brokers(l.node.Bootstraps()...), consumer.Transport(kgo.Dialer(l.node.Dial)), consumer.ResetTo(consumer.Earliest), w.log.option(),
		consumer.Group("g"), consumer.Assignors(l.assignor), consumer.AutoCommit(500*time.Millisecond), consumer.Listen(listener),
		consumer.SessionTimeout(6*time.Second), consumer.HeartbeatInterval(time.Second), consumer.PollIntervalMax(15*time.Second),
		consumer.Timeouts(3*time.Second, time.Minute))
	l.must(err)
	l.must(c.Subscribe("orders"))
	ctx, end := context.WithCancel(l.Context())
	w.c, w.end = c, end
	l.mu.Lock()
	l.members[id] = w
	l.mu.Unlock()
	go l.run(ctx, w)
}

// assigned checks that nobody else was given a partition in the same generation.
func (l *load) assigned(w *worker, c *consumer.Consumer, added []consumer.TopicPartition) {
	generation := c.GroupMetadata().Generation
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range added {
		if o, known := l.owners[p]; known && o.generation == generation && o.member != w.id && generation >= 0 {
			l.faults = append(l.faults, fmt.Sprintf("%v is member %d's and member %d's in generation %d", p, o.member, w.id, generation))
		}
		l.owners[p] = ownership{generation, w.id}
	}
}

// run polls until the member is told to end; it leaves the group then.
func (l *load) run(ctx context.Context, w *worker) {
	defer close(w.gone)
	next := map[consumer.TopicPartition]int64{}
	generations := map[consumer.TopicPartition]int32{}
	for ctx.Err() == nil {
		records, err := w.c.Poll(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, consumer.ErrRetriable) {
			l.fault("member %d: poll: %v", w.id, err)
		}
		l.mu.Lock()
		for r := range records.All() {
			p := r.TopicPartition()
			// In one generation offsets go up by one. A partition that comes back begins where somebody has committed.
			if g := r.Token().Generation; g == generations[p] && next[p] != 0 && r.Offset != next[p] {
				l.faults = append(l.faults, fmt.Sprintf("member %d: %v: offset %d after %d in generation %d", w.id, p, r.Offset, next[p]-1, g))
			} else {
				generations[p] = g
			}
			next[p] = r.Offset + 1
			if l.seen[r.Partition] == nil {
				l.seen[r.Partition] = map[int64]int{}
			}
			l.seen[r.Partition][r.Offset]++
		}
		l.mu.Unlock()
	}
	closing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	began := time.Now()
	if err := w.c.Close(closing); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		l.fault("member %d: close: %v", w.id, err)
	}
	if took := time.Since(began); took > 11*time.Second {
		l.fault("member %d: Close took %v", w.id, took)
	}
}

// leave ends a member.
func (l *load) leave(id int) {
	l.mu.Lock()
	w := l.members[id]
	delete(l.members, id)
	l.mu.Unlock()
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
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range int32(l.parts) {
		if o, ok := offsets.Lookup("orders", p); ok && o.Err == nil {
			if o.At < l.committed[p] {
				l.faults = append(l.faults, fmt.Sprintf("committed of %d went back from %d to %d", p, l.committed[p], o.At))
			}
			l.committed[p] = max(l.committed[p], o.At)
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

// account waits until everything that was acknowledged is read, ends the group, and tells what went wrong.
func (l *load) account() {
	l.Helper()
	missing := func() (n int64) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for p, end := range l.produced {
			for o := range end {
				if l.seen[p][o] == 0 {
					n++
				}
			}
		}
		return n
	}
	for began := time.Now(); missing() > 0 && time.Since(began) < 2*time.Minute; {
		l.pass(time.Second)
	}
	l.pass(2 * time.Second)
	lost := missing()
	logs := ""
	for id, w := range l.members {
		if lost > 0 {
			logs += fmt.Sprintf("member %d: %v", id, w.c.Explain())
		}
		l.leave(id)
	}
	l.watchCommits()
	var all, twice, uncommitted int64
	for p, end := range l.produced {
		all += end
		for _, n := range l.seen[p] {
			twice += int64(n - 1)
		}
		uncommitted += end - l.committed[p]
	}
	l.Logf("%d records, %d of them read again, %d not committed at the end", all, twice, uncommitted)
	if lost > 0 || all < 1000 {
		l.Errorf("%d of %d acknowledged records were not read\n%s", lost, all, logs)
	}
	for i, f := range l.faults {
		if i < 20 {
			l.Error(f)
		}
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
