package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/source"
)

const electedFile = `name: shop
brokers: {addresses: "x:1"}
topics: {partitions: 2}
source: {connector: mariadb, address: "x:1", user: u, server-id: 7, tables: ["shop.*"]}
`

var electedTable = &change.Table{Database: "shop", Name: "stock", Key: []int{0}, Columns: []change.Column{{Name: "id", Type: change.BigInt}}}

// script is a binlog of n transactions, each of one change, read from a place on. It waits at its end.
type script struct {
	at, n  int
	inside bool
	pace   func(ctx context.Context) error
}

func (s *script) State() source.State {
	return source.State{Position: binlog.Position{File: "bin.000001", Offset: uint64(s.at), Epoch: 1, Server: "1/a"}}
}

func (s *script) Next(ctx context.Context) (binlog.Event, error) {
	if err := s.pace(ctx); err != nil {
		return binlog.Event{}, err
	}
	if s.at == s.n {
		<-ctx.Done()
		return binlog.Event{}, context.Cause(ctx)
	}
	if s.inside = !s.inside; !s.inside {
		s.at++
		return binlog.Event{Kind: binlog.Commit}, nil
	}
	v := change.Version{Epoch: 1, ExecuteTime: 1000 + int64(s.at), Position: change.Position{File: 1, Offset: uint64(s.at) + 4}}
	return binlog.Event{Kind: binlog.Row, Change: &change.Change{Op: change.Create, Table: electedTable, Version: v, After: change.Row{change.IntValue(int64(s.at % 20))}}}, nil
}

// candidate is a process that is there to run the source.
type candidate struct {
	*sourcePart
	net    *network
	end    context.CancelFunc
	ended  chan error
	turns  atomic.Int64
	turn   atomic.Pointer[lease] // the last
	events atomic.Int64
}

// race is a bed with several of them.
type race struct {
	*bed
	n    int
	mu   sync.Mutex
	all  []*candidate
	work func(ctx context.Context, c *candidate, turn *lease) error
}

func (r *race) join() *candidate {
	r.Helper()
	c := &candidate{net: newNetwork(r.node.Dial), ended: make(chan error, 1)}
	to, err := openCluster(r.c, kgo.Dialer(c.net.dial))
	if err != nil {
		r.Fatal(err)
	}
	o := Options{}
	o.fill()
	c.sourcePart = newSourcePart(r.c, &o, to)
	ctx, end := context.WithCancel(context.Background())
	c.end = end
	go func() {
		var err error
		for ctx.Err() == nil { // as supervise does after an error that passes
			if err = elect(ctx, c.sourcePart, func(ctx context.Context, turn *lease) error { return r.work(ctx, c, turn) }); err != nil {
				_ = sleep(ctx, time.Second)
			}
		}
		to.close()
		c.ended <- err
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, c)
	return c
}

// candidates are those that are there now.
func (r *race) candidates() []*candidate {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// feed is a turn of a candidate: what a pipeline does, with a script instead of a server.
func (r *race) feed(ctx context.Context, c *candidate, turn *lease) error {
	c.turns.Add(1)
	c.turn.Store(turn)
	to, err := FeedConfig(r.c)
	if err != nil {
		return err
	}
	to.Transport, to.PositionEvery, to.Counts = turn.transport(c.to), 500*time.Millisecond, &c.counts
	asking, cancel := context.WithTimeout(ctx, time.Minute)
	at, _, err := perceptor.Resume(asking, to)
	cancel()
	if err != nil {
		return err
	}
	c.set(Running, "")
	s := &script{at: int(at.Offset), n: r.n}
	s.pace = func(ctx context.Context) error {
		if sleep(ctx, 50*time.Millisecond) != nil {
			return context.Cause(ctx)
		}
		if !turn.holds() {
			return perceptor.ErrSuperseded
		}
		for _, other := range r.candidates() {
			if other != c && other.holds() {
				return fmt.Errorf("two candidates may read at the same time")
			}
		}
		c.events.Add(1)
		return nil
	}
	err = perceptor.Feed(ctx, s, to)
	if err != nil && turn.holds() && !errors.Is(err, perceptor.ErrSuperseded) {
		r.Errorf("a turn ended with %v", err)
	}
	return err
}

func (c *candidate) holds() bool {
	turn := c.turn.Load()
	return turn != nil && turn.holds()
}

// active is the one that runs the source, as soon as one does.
func (r *race) active() (active *candidate) {
	r.Helper()
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		for _, c := range r.candidates() {
			if before := c.events.Load(); c.holds() && before > 0 {
				if time.Sleep(time.Second); c.events.Load() > before && c.holds() {
					return c
				}
			}
		}
		if time.Now().After(deadline) {
			r.Fatal("nobody runs the source")
		}
	}
}

// leave takes one away: at once, as when a process is killed, or as one is that is told to end.
func (r *race) leave(c *candidate, killed bool) {
	r.Helper()
	if killed {
		c.net.cut()
	}
	c.end()
	if err := <-c.ended; err != nil && !killed {
		r.Errorf("it ended with %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(r.all, func(one *candidate) bool { return one == c })
}

// records are all of a partition, in order.
func (r *race) records(topic string, partition int32) (all []*kgo.Record) {
	r.Helper()
	k, err := openCluster(r.c, kgo.Dialer(r.node.Dial))
	if err != nil {
		r.Fatal(err)
	}
	defer k.close()
	ends, err := k.admin.ListEndOffsets(r.Context(), topic)
	if err != nil {
		r.Fatal(err)
	}
	end, ok := ends.Lookup(topic, partition)
	if !ok || end.Err != nil || end.Offset == 0 {
		return nil
	}
	err = k.read(r.Context(), map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}, func(record *kgo.Record) bool {
		all = append(all, record)
		return record.Offset+1 >= end.Offset
	})
	if err != nil {
		r.Fatal(err)
	}
	return all
}

// written waits until so many records are in the topic.
func (r *race) written(n int) {
	r.Helper()
	for deadline := time.Now().Add(time.Hour); ; time.Sleep(5 * time.Second) {
		ends, err := kadm.NewClient(r.producer).ListEndOffsets(r.Context(), "skein.shop.stock")
		if err != nil {
			r.Fatal(err)
		}
		sum := int64(0)
		ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
		if sum >= int64(n) {
			return
		}
		if time.Now().After(deadline) {
			r.Fatalf("%d of %d changes are in the topic", sum, n)
		}
	}
}

// check wants each change once, in order, and no position that goes back.
func (r *race) check() (changes int) {
	r.Helper()
	for p := range int32(2) {
		last := change.Version{}
		for _, record := range r.records("skein.shop.stock", p) {
			for _, h := range record.Headers {
				if h.Key != envelope.HeaderVersion {
					continue
				}
				v, err := envelope.ParseVersion(h.Value)
				if err != nil {
					r.Fatal(err)
				}
				if v.Compare(last) <= 0 {
					r.Errorf("partition %d, offset %d: %s after %s", p, record.Offset, v, last)
				}
				last = v
				changes++
			}
		}
	}
	last := binlog.Position{}
	for _, record := range r.records("skein.positions", 0) {
		var k perceptor.Kept
		if err := k.Take(record.Value); err != nil {
			r.Fatal(err)
		}
		if k.State.Before(last) {
			r.Errorf("the position at offset %d goes back from %s to %s", record.Offset, last, k.State.Position)
		}
		last = k.State.Position
	}
	return changes
}

func inRace(t *testing.T, n int, test func(r *race)) {
	inBubble(t, electedFile, func(b *bed) {
		b.topic("skein.shop.stock")
		r := &race{bed: b, n: n}
		r.work = r.feed
		test(r)
		for _, c := range r.candidates() {
			r.leave(c, false)
		}
	})
}

// Of three processes one runs the source at any time, while they are killed, cut off for a while with requests on their way, and ended:
// each change is in the topic once, in order, and no position goes back.
func TestElected(t *testing.T) {
	inRace(t, 250*electedRounds, func(r *race) {
		random := rand.New(rand.NewPCG(5, 8))
		for range 3 {
			r.join()
		}
		kills, stalls := 0, 0
		for round := range electedRounds {
			c := r.active()
			if random.IntN(5) == 0 { // one that stands by
				all := r.candidates()
				c = all[random.IntN(len(all))]
			}
			time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
			switch round % 3 {
			case 0:
				kills++
				r.leave(c, true)
				r.join()
			case 1:
				stalls++
				c.net.stall()
				heal := time.Duration(1+random.IntN(40)) * time.Second
				time.Sleep(heal)
				c.net.heal()
			default:
				r.leave(c, false)
				r.join()
			}
		}
		r.written(r.n)
		time.Sleep(5 * time.Minute) // for what is late
		if n := r.check(); n != r.n {
			t.Errorf("%d changes are in the topic, of %d", n, r.n)
		}
		turns := int64(0)
		for _, c := range r.candidates() {
			turns += c.turns.Load()
		}
		t.Logf("%d killed, %d cut off, %d turns of those that are left", kills, stalls, turns)
	})
}

// One that is to begin anew does not stand by: it would do so at a time that nobody knows.
func TestElectedResnapshot(t *testing.T) {
	inRace(t, 100, func(r *race) {
		r.join()
		r.active()
		to, err := openCluster(r.c, kgo.Dialer(r.node.Dial))
		if err != nil {
			t.Fatal(err)
		}
		defer to.close()
		o := Options{Resnapshot: true}
		o.fill()
		p := newSourcePart(r.c, &o, to)
		err = elect(r.Context(), p, func(context.Context, *lease) error { return errors.New("it runs the source") })
		if !errors.Is(err, errStandsBy) || transient(err) {
			t.Errorf("it ended with %v", err)
		}
	})
}
