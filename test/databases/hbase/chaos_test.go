package hbase

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// history is a table's changes, shuffled, and how each row has to end.
type history struct {
	deliveries []*change.Change
	newest     map[int64]*change.Change
}

// shuffled makes so many versions of each of so many rows, four within each millisecond so that offsets decide, across two
// epochs, one in six a delete, with NULLs; each is delivered 1 to 3 times, each time up to so many versions too late. If that
// is all of them, nearly all that comes is stale; if it is few, most of it is newer than what is stored.
func shuffled(r *rand.Rand, rows, versions, late int) *history {
	type delivery struct {
		at int
		c  *change.Change
	}
	var deliveries []delivery
	h := &history{newest: map[int64]*change.Change{}}
	for id := range int64(rows) {
		for n := range versions {
			v := version(1, int64(1+n/4), uint64(100+n))
			if n > versions/2 { // the second server's clock is behind
				v = version(2, int64(1+n/8), uint64(n))
			}
			op, note := change.Update, fmt.Sprint("note ", n)
			switch {
			case n == 0:
				op = change.Create
			case r.IntN(6) == 0:
				op = change.Delete
			case r.IntN(4) == 0:
				note = ""
			}
			c := order(op, id, v, note)
			if have := h.newest[id]; change.Judge(version0(have), have != nil, v).Puts() {
				h.newest[id] = c
			}
			for range 1 + r.IntN(3) {
				deliveries = append(deliveries, delivery{n + r.IntN(late), c})
			}
		}
	}
	r.Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })
	if late < versions {
		slices.SortStableFunc(deliveries, func(d, e delivery) int { return d.at - e.at })
	}
	for _, d := range deliveries {
		h.deliveries = append(h.deliveries, d.c)
	}
	return h
}

func version0(c *change.Change) change.Version {
	if c == nil {
		return change.Version{}
	}
	return c.Version
}

// check compares every row with what it has to be.
func (h *history) check(t testing.TB, c *client.Client, table string) {
	t.Helper()
	for _, want := range h.newest {
		shows(t, c, table, want)
	}
}

// deliver hands the changes to eight workers in batches, each with a sink of its own, as processes have. A worker is killed at
// random in the middle of a batch: its connections go with what is under way on them, or it gives the batch up. The one that
// follows it delivers the batch again, and perhaps the one before, whose offsets were not committed. It returns what became
// of the changes.
func (h *history) deliver(t *testing.T, seed uint64, open func() *sinks.Sink, progress func(done int)) map[change.Verdict]int {
	t.Helper()
	w := &workers{history: h, open: open, progress: progress, verdicts: map[change.Verdict]int{}}
	var all sync.WaitGroup
	for worker := range uint64(8) {
		all.Add(1)
		go func() {
			defer all.Done()
			w.work(t, rand.New(rand.NewPCG(seed, worker)))
		}()
	}
	all.Wait()
	t.Logf("seed %d: %d changes, %d batches cut off, %d workers killed, %v", seed, len(h.deliveries), w.cut.Load(), w.killed.Load(), w.verdicts)
	if w.killed.Load() == 0 || w.cut.Load() == 0 {
		t.Error("nobody was killed")
	}
	return w.verdicts
}

// workers take what has to be delivered from one place.
type workers struct {
	history     *history
	open        func() *sinks.Sink
	progress    func(done int)
	next        atomic.Int64
	cut, killed atomic.Int64

	mu       sync.Mutex
	verdicts map[change.Verdict]int
}

func (w *workers) work(t *testing.T, r *rand.Rand) {
	s := w.open()
	all := w.history.deliveries
	var last []*change.Change
	for {
		size := int64(1 + r.IntN(120))
		from := w.next.Add(size) - size
		if from >= int64(len(all)) {
			return
		}
		batches := [][]*change.Change{all[from:min(from+size, int64(len(all)))]}
		if last != nil && r.IntN(20) == 0 {
			batches = append([][]*change.Change{last}, batches...)
		}
		for len(batches) > 0 {
			ctx, cancel := context.WithCancel(t.Context())
			var trouble *time.Timer
			switch soon := time.Duration(r.IntN(20_000)) * time.Microsecond; r.IntN(20) {
			case 0:
				trouble = time.AfterFunc(soon, cancel)
			case 1:
				dying := s
				trouble = time.AfterFunc(soon, func() { _ = dying.Close() })
			}
			outcomes := make([]sink.Outcome, len(batches[0]))
			err := s.Apply(ctx, batches[0], outcomes)
			cancel()
			if trouble != nil {
				trouble.Stop()
			}
			switch {
			case errors.Is(err, client.ErrClosed):
				w.killed.Add(1)
				s = w.open()
				continue
			case errors.Is(err, context.Canceled) && t.Context().Err() == nil:
				w.cut.Add(1)
				continue
			case err != nil:
				t.Error(err)
				return
			}
			w.count(t, batches[0], outcomes)
			last, batches = batches[0], batches[1:]
		}
		if w.progress != nil {
			w.progress(int(from))
		}
	}
}

func (w *workers) count(t *testing.T, batch []*change.Change, outcomes []sink.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, o := range outcomes {
		w.verdicts[o.Verdict]++
		if o.Err != nil || o.Verdict == 0 {
			t.Errorf("%s: %+v", batch[i].Version, o)
		}
	}
}

// runs is how often a test is repeated: SKEIN_RUNS, or fewer for the gate.
func runs(t *testing.T, gate int) int {
	if n, err := strconv.Atoi(os.Getenv("SKEIN_RUNS")); err == nil {
		return n
	}
	return gate
}

// Whatever the order, however often, and whoever dies: every row ends at its newest version, whole.
func TestHBaseChaos(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	for seed := range uint64(runs(t, 2)) {
		_, table := hbaseSink(t, addr, sinks.Table{})
		h := shuffled(rand.New(rand.NewPCG(seed, 99)), 50, 2000, []int{2000, 10}[seed%2])
		verdicts := h.deliver(t, seed, func() *sinks.Sink { return openSink(t, addr, sinks.Table{Name: table}) }, nil)
		h.check(t, c, table)
		if verdicts[change.Stale] == 0 || verdicts[change.Newer] == 0 || verdicts[change.Duplicate] == 0 || verdicts[change.Folded] == 0 {
			t.Errorf("seed %d: the changes were too tame: %v", seed, verdicts)
		}
		if t.Failed() {
			return
		}
	}
}
