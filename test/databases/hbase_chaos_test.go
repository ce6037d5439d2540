package databases

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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

// blind writes without a condition, pair with the two conditions in the order that is asked for.
type planted struct {
	client *client.Client
	table  string
	steps  func(row []byte, c *change.Change, packed []byte) []client.Step
}

func (p *planted) Apply(ctx context.Context, changes []*change.Change, outcomes []sink.Outcome) error {
	var f sink.Folder
	var ops []client.Op
	for _, i := range f.Fold(changes, outcomes, func(dst []byte, c *change.Change) []byte { return c.After[0].AppendText(dst, 0) }) {
		c := changes[i]
		packed := append(c.Version.AppendExecuteTime(c.Version.AppendEpoch([]byte{0})), c.Version.Position.Append(nil)...)
		row := c.After[0].AppendText(nil, 0)
		ops = append(ops, client.Op{Row: row, Steps: p.steps(row, c, packed)})
		outcomes[i].Verdict = change.Newer
	}
	return p.client.Batch(ctx, p.table, ops)
}

func (p *planted) Close() error { return nil }

// mutation is a row as the sink writes it.
func mutation(c *change.Change, packed []byte) []client.Mutation {
	cell := func(family, qualifier string, value []byte) client.Cell {
		return client.Cell{Family: []byte(family), Qualifier: []byte(qualifier), Value: value}
	}
	return []client.Mutation{{Cells: []client.Cell{
		cell("d", "id", c.After[0].AppendText(nil, 0)), cell("d", "note", c.After[2].Raw()), cell("d", "state", c.After[1].Raw()),
		cell("update_info", "binlog_offset", c.Version.Position.Append(nil)), cell("update_info", "epoch", c.Version.AppendEpoch(nil)),
		cell("update_info", "execute_time", c.Version.AppendExecuteTime(nil)), cell("update_info", "version", packed),
	}}}
}

var isAbsent = client.Absent(info, []byte("execute_time"))

func isNewer(packed []byte) *client.Condition {
	return &client.Condition{Family: info, Qualifier: []byte("version"), Compare: client.Greater, Value: packed}
}

// firsts lets eight workers put eight versions of rows that are not there, each row at the same moment, and returns how many
// rows did not end at the newest.
func firsts(t *testing.T, c *client.Client, s sink.Sink, table string, rows int) (lost int) {
	t.Helper()
	for from := int64(0); from < int64(rows); from += 10 {
		var ready, wait sync.WaitGroup
		ready.Add(8)
		for n := range 8 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				var batch []*change.Change
				for id := from; id < from+10; id++ {
					batch = append(batch, order(change.Create, id, version(1, 5, uint64((int64(n)*3+id)%8)), "x"))
				}
				ready.Done()
				ready.Wait()
				if err := s.Apply(t.Context(), batch, make([]sink.Outcome, len(batch))); err != nil {
					t.Error(err)
				}
			}()
		}
		wait.Wait()
	}
	newest := version(1, 5, 7)
	for row, err := range c.Rows(t.Context(), table, client.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		if string(row.Value(info, []byte("binlog_offset")).Value) != string(newest.Position.Append(nil)) ||
			string(row.Value(family, []byte("state")).Value) != newest.String() {
			lost++
		}
	}
	return lost
}

// Several writers find the same row absent. The controls make the mistakes that this test has to find.
func TestHBaseFirstInserts(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	s, table := hbaseSink(t, addr, sinks.Table{})
	if lost := firsts(t, c, s, table, 3000); lost != 0 {
		t.Errorf("%d rows lost their newest version", lost)
	}
	for _, control := range []struct {
		name  string
		steps func(row []byte, c *change.Change, packed []byte) []client.Step
		right bool
	}{
		{"absent, then newer", func(row []byte, c *change.Change, packed []byte) []client.Step {
			return []client.Step{{Condition: isAbsent, Mutations: mutation(c, packed)}, {Condition: isNewer(packed), Mutations: mutation(c, packed)}}
		}, true},
		{"newer, then absent", func(row []byte, c *change.Change, packed []byte) []client.Step {
			return []client.Step{{Condition: isNewer(packed), Mutations: mutation(c, packed)}, {Condition: isAbsent, Mutations: mutation(c, packed)}}
		}, false},
		{"blind", func(row []byte, c *change.Change, packed []byte) []client.Step {
			return []client.Step{{Mutations: mutation(c, packed)}}
		}, false},
	} {
		t.Run(control.name, func(t *testing.T) {
			lost := 0
			for range 10 { // a race may need more than one try to be lost
				_, table := hbaseSink(t, addr, sinks.Table{})
				lost += firsts(t, c, &planted{c, table, control.steps}, table, 3000)
				if lost > 0 || control.right {
					break
				}
			}
			t.Logf("%d rows lost their newest version", lost)
			if control.right != (lost == 0) {
				t.Errorf("%d rows lost their newest version", lost)
			}
		})
	}
}

// moveAway moves a region until it is on another server: the master may choose the same.
func moveAway(ctx context.Context, c *client.Client, table string, row []byte) error {
	before, err := c.Server(ctx, table, row)
	if err != nil {
		return err
	}
	for range 50 {
		if err := c.MoveRegion(ctx, table, row); err != nil {
			return err
		}
		if after, err := c.Server(ctx, table, row); err != nil || after != before {
			return err
		}
	}
	return fmt.Errorf("the region of %q stays on %s", row, before)
}

// Regions split and move while changes come.
func TestHBaseSplitAndMove(t *testing.T) {
	dir := t.TempDir()
	server, err := startHBase(filepath.Join(dir, "hbase"), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	c := hbaseClient(t, server.Addr())
	table := "orders"
	if err := c.CreateTable(t.Context(), client.TableSpec{Name: table, Families: []string{"d", "update_info"}, Splits: [][]byte{[]byte("2"), []byte("4")}}); err != nil {
		t.Fatal(err)
	}
	h := shuffled(rand.New(rand.NewPCG(7, 7)), 50, 1000, 20)
	trouble := make(chan struct{}, 100)
	moved := make(chan error, 1)
	go func() {
		var errs []error
		for _, where := range []string{"15", "", "3", "", "45"} {
			<-trouble
			if where == "" {
				errs = append(errs, moveAway(t.Context(), c, table, []byte("1")))
			} else {
				errs = append(errs, c.SplitRegion(t.Context(), table, []byte(where)))
			}
		}
		moved <- errors.Join(errs...)
	}()
	var told atomic.Int64
	h.deliver(t, 7, func() *sinks.Sink { return openSink(t, server.Addr(), sinks.Table{Name: table}) }, func(done int) {
		if int64(done)*6/int64(len(h.deliveries)) > told.Load() {
			told.Add(1)
			trouble <- struct{}{}
		}
	})
	for range 5 { // what was not told, because the end came first
		trouble <- struct{}{}
	}
	if err := <-moved; err != nil {
		t.Fatal(err)
	}
	h.check(t, c, table)
	h.check(t, hbaseClient(t, server.Addr()), table) // one that remembers nothing
}

// HBase is killed in the middle and started again on its data.
func TestHBaseKilled(t *testing.T) {
	// After a kill, HBase waits until its own session of before has run out.
	server, err := startHBase(filepath.Join(t.TempDir(), "hbase"), 1, map[string]string{"zookeeper.session.timeout.localHBaseCluster": "15000"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	c := hbaseClient(t, server.Addr())
	_, table := hbaseSink(t, server.Addr(), sinks.Table{Salt: 4})
	h := shuffled(rand.New(rand.NewPCG(8, 8)), 50, 1000, 20)
	kill := make(chan struct{})
	killed := make(chan error, 1)
	go func() {
		<-kill
		killed <- errors.Join(server.Kill(), server.Start(context.Background()))
	}()
	var once sync.Once
	h.deliver(t, 8, func() *sinks.Sink { return openSink(t, server.Addr(), sinks.Table{Name: table, Salt: 4}) }, func(done int) {
		if done > len(h.deliveries)/3 {
			once.Do(func() { close(kill) })
		}
	})
	once.Do(func() { close(kill) })
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	rows := 0
	for row, err := range c.Rows(t.Context(), table, client.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		id, err := strconv.ParseInt(string(row.Key[1:]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		want := h.newest[id]
		if got := row.Value(info, []byte("binlog_offset")); got == nil || string(got.Value) != string(want.Version.Position.Append(nil)) {
			t.Errorf("row %d is not at its newest version", id)
		}
		if deleted := row.Value(info, []byte("deleted")) != nil; deleted != (want.Op == change.Delete) || deleted == (row.Value(family, []byte("state")) != nil) {
			t.Errorf("row %d: deleted: %v, its newest change is %s", id, deleted, want.Op)
		}
		rows++
	}
	if rows != 50 {
		t.Errorf("%d rows of 50", rows)
	}
}
