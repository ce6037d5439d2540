package hbase

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// truncating opens a sink for orders that applies truncates. It may be called from any goroutine.
func truncating(t testing.TB, addr, table string) *sinks.Sink {
	s, err := sinks.Open(sinks.Options{
		Client:    client.Options{ZooKeeper: []string{addr}, RetryTimeout: 4 * time.Minute},
		Tables:    map[string]sinks.Table{orders.String(): {Name: table}},
		Truncates: table + "_truncates",
	})
	if err != nil {
		panic(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// truncate is what the envelopes make of one: its table has no columns.
func truncate(v change.Version) *change.Change {
	return &change.Change{Op: change.Truncate, Table: &change.Table{Database: "shop", Name: "orders"}, Version: v}
}

func truncated(t testing.TB, s *sinks.Sink, v change.Version) sink.Outcome {
	t.Helper()
	o, err := s.Truncate(t.Context(), truncate(v))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// cutRow checks that a row is a tombstone of a truncate.
func cutRow(t testing.TB, c *client.Client, table string, id int64, v change.Version) {
	t.Helper()
	shows(t, c, table, order(change.Delete, id, v, ""))
}

// Rows older than a truncate go, newer ones stay, and what comes late is judged by it, by writers that know of it and by those
// that do not.
func TestHBaseTruncate(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	table := fmt.Sprintf("cut_%d", time.Now().UnixNano())
	s := truncating(t, addr, table)
	if err := s.Prepare(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	var unawares []*sinks.Sink // each has asked for the truncate's version before there was one
	for range 5 {
		one := truncating(t, addr, table)
		apply(t, one, order(change.Create, 99, version(1, 99, 99), "x"))
		unawares = append(unawares, one)
	}
	unaware := unawares[4]
	at := func(n int64) change.Version { return version(1, n, uint64(n)) }
	newer := order(change.Create, 2, at(60), "newer")
	apply(t, unaware, order(change.Create, 1, at(40), "x"), newer, order(change.Delete, 3, at(30), "x"), order(change.Create, 4, at(40), ""))
	putAll(t, c, table, []client.Op{foreign([]byte("bare"), 0, nil, nil, 0)})
	if o := truncated(t, s, at(50)); o.Verdict != change.Absent {
		t.Errorf("%+v", o)
	}
	for _, id := range []int64{1, 3, 4} {
		cutRow(t, c, table, id, at(50))
	}
	shows(t, c, table, newer)
	if left := cells(t, c, table, "bare"); left["d:id"] != "" || left["update_info:deleted"] == "" {
		t.Errorf("a row without a version: %q", left)
	}

	// Late changes of rows that were never there, and of the tombstone that was older.
	for i, writer := range []*sinks.Sink{unaware, s} { // the first learns of the truncate by asking after it has put
		id := int64(10 + i)
		for _, o := range apply(t, writer, order(change.Create, id, at(49), "late"), order(change.Update, 3, at(45), "late")) {
			if o.Verdict != change.Stale || o.Stored != at(50) {
				t.Errorf("writer %d: %+v", i, o)
			}
		}
		cutRow(t, c, table, id, at(50))
		cutRow(t, c, table, 3, at(50))
	}
	after := order(change.Create, 10, at(51), "after")
	if o := apply(t, unaware, after)[0]; o.Verdict != change.Newer {
		t.Errorf("%+v", o)
	}
	shows(t, c, table, after)

	// A writer put late and died before it asked: its change is delivered again, to one that finds it there, overtaken, or folded.
	// What does not know of truncates writes as such a writer does.
	dead := openSink(t, addr, sinks.Table{Name: table})
	first := func(id int64) *change.Change { return order(change.Create, id, at(20), "first") }
	second := func(id int64) *change.Change { return order(change.Update, id, at(21), "second") }
	apply(t, dead, first(20), first(21), first(22), first(23))
	apply(t, dead, second(21))
	for i, again := range [][]*change.Change{{first(20)}, {first(21)}, {first(22), second(22)}, {second(23), first(23)}} {
		id := again[0].After[0].Int()
		apply(t, unawares[i], again...)
		cutRow(t, c, table, id, at(50))
		apply(t, dead, order(change.Create, 30+id, at(20), "first"))
		apply(t, s, order(change.Create, 30+id, at(20), "first")) // one that knows
		cutRow(t, c, table, 30+id, at(50))
	}

	for _, test := range []struct {
		v    change.Version
		want change.Verdict
	}{{at(50), change.Duplicate}, {at(49), change.Stale}, {at(90), change.Newer}} {
		if o := truncated(t, s, test.v); o.Verdict != test.want {
			t.Errorf("again at %s: %+v", test.v, o)
		}
	}
	cutRow(t, c, table, 2, at(90))
	shows(t, c, table, order(change.Create, 99, version(1, 99, 99), "x"))
	cutRow(t, c, table, 10, at(90))
}

func TestHBaseTruncateRefused(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	off, table := hbaseSink(t, addr, sinks.Table{})
	if o, err := off.Truncate(t.Context(), truncate(version(1, 1, 1))); err != nil || !errors.Is(o.Err, sink.ErrTruncate) {
		t.Errorf("not configured: %+v, %v", o, err)
	}
	s := truncating(t, addr, table)
	if _, err := s.Truncate(t.Context(), truncate(version(1, 1, 1))); !errors.Is(err, client.ErrTableNotFound) {
		t.Errorf("without the table of versions: %v", err)
	}
	if err := s.Apply(t.Context(), []*change.Change{order(change.Create, 1, version(1, 1, 1), "x")}, make([]sink.Outcome, 1)); !errors.Is(err, client.ErrTableNotFound) {
		t.Errorf("without the table of versions: %v", err)
	}
	if err := s.Prepare(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	putAll(t, c, table, []client.Op{foreign([]byte("9"), 9, []byte("1700000000"), nil, 0)})
	if _, err := s.Truncate(t.Context(), truncate(version(1, 1, 1))); !errors.Is(err, sinks.ErrForeign) {
		t.Errorf("over a row of others: %v", err)
	}
	if _, err := s.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{}); err != nil {
		t.Fatal(err)
	}
	if o := truncated(t, s, version(1, 1, 1)); o.Verdict != change.Duplicate {
		t.Errorf("%+v", o)
	}
	cutRow(t, c, table, 9, version(1, 1, 1))
	shared, err := sinks.Open(sinks.Options{
		Client: client.Options{ZooKeeper: []string{addr}}, Truncates: table + "_truncates",
		Tables: map[string]sinks.Table{orders.String(): {Name: table}, "shop.old_orders": {Name: table}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shared.Close() }()
	if o, err := shared.Truncate(t.Context(), truncate(version(2, 1, 1))); err != nil || !errors.Is(o.Err, sink.ErrTruncate) {
		t.Errorf("two tables in one: %+v, %v", o, err)
	}
}

// Many rows are put for the first time while the table is truncated three times, each time by two processes; workers are killed.
func TestHBaseTruncateWhileWritten(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	for seed := range uint64(runs(t, 2)) {
		r := rand.New(rand.NewPCG(seed, 11))
		table := fmt.Sprintf("cuts_%d", time.Now().UnixNano())
		if err := truncating(t, addr, table).Prepare(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		const rows, versions = 3000, 12
		h := shuffled(r, rows, versions, versions)
		truncates := []change.Version{version(1, 1, 102), version(2, 1, 9), version(2, 2, 10)}
		for i := range truncates {
			truncates[i].Position.Row = 1
		}
		last := truncates[2]
		// Two of three rows end before the last truncate.
		kept := h.deliveries[:0]
		for _, d := range h.deliveries {
			if d.Image()[0].Int()%3 == 0 || d.Version.Compare(last) < 0 {
				kept = append(kept, d)
			}
		}
		h.deliveries = kept
		var all sync.WaitGroup
		starts := make([]chan struct{}, len(truncates))
		for i, v := range truncates {
			starts[i] = make(chan struct{})
			for range 2 {
				all.Add(1)
				go func() {
					defer all.Done()
					<-starts[i]
					if o, err := truncating(t, addr, table).Truncate(t.Context(), truncate(v)); err != nil || o.Err != nil {
						t.Errorf("%s: %+v, %v", v, o, err)
					}
				}()
			}
		}
		var once [3]sync.Once
		progress := func(done int) {
			for i := range starts {
				if done >= len(h.deliveries)*(i+1)/5 {
					once[i].Do(func() { close(starts[i]) })
				}
			}
		}
		verdicts := h.deliver(t, seed, func() *sinks.Sink { return truncating(t, addr, table) }, progress)
		progress(len(h.deliveries))
		all.Wait()
		for id, want := range h.newest {
			if id%3 != 0 || want.Version.Compare(last) < 0 {
				cutRow(t, c, table, id, last)
			} else {
				shows(t, c, table, want)
			}
		}
		if verdicts[change.Stale] == 0 || verdicts[change.Absent] == 0 {
			t.Errorf("seed %d: the changes were too tame: %v", seed, verdicts)
		}
		if t.Failed() {
			return
		}
	}
}

// A truncate that comes again, as it does from each partition, does not read the table again once its rows are taken: also by another
// process. One that was cut off does.
func TestHBaseTruncateOnce(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	table := fmt.Sprintf("once_%d", time.Now().UnixNano())
	s := truncating(t, addr, table)
	if err := s.Prepare(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	cut := version(1, 50, 50)
	apply(t, s, order(change.Create, 1, version(1, 10, 10), "x"))
	var all sync.WaitGroup
	var first atomic.Int64
	for range 6 {
		all.Go(func() {
			if o, err := s.Truncate(t.Context(), truncate(cut)); err != nil || o.Err != nil {
				t.Errorf("%+v, %v", o, err)
			} else if o.Verdict == change.Absent {
				first.Add(1)
			}
		})
	}
	all.Wait()
	cutRow(t, c, table, 1, cut)
	if first.Load() != 1 {
		t.Errorf("%d were the first", first.Load())
	}
	// A sink that does not know of truncates puts what one that knows would not: it shows who reads the table.
	unaware := openSink(t, addr, sinks.Table{Name: table})
	late := order(change.Create, 2, version(1, 20, 20), "late")
	apply(t, unaware, late)
	for _, again := range []*sinks.Sink{s, truncating(t, addr, table)} {
		if o := truncated(t, again, cut); o.Verdict != change.Duplicate {
			t.Errorf("again: %+v", o)
		}
	}
	shows(t, c, table, late)
	putAll(t, c, table+"_truncates", []client.Op{{Row: []byte(table), Steps: []client.Step{{
		Mutations: []client.Mutation{{Cells: []client.Cell{{Family: []byte("update_info"), Qualifier: []byte("taken"), Value: []byte("another")}}}}}}}}) // as if it had died meanwhile
	truncated(t, s, cut)
	cutRow(t, c, table, 2, cut)
	apply(t, unaware, order(change.Create, 3, version(1, 20, 20), "late"))
	if o := truncated(t, s, version(1, 60, 60)); o.Verdict != change.Newer {
		t.Errorf("a later one: %+v", o)
	}
	cutRow(t, c, table, 3, version(1, 60, 60))
}
