package hbase

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// adoptBed is a table that others wrote, and what is to become of it.
type adoptBed struct {
	table   string
	salt    int
	first   map[int64]change.Version
	newest  map[int64]*change.Change // nil: the adopted row stays
	changes []*change.Change
	garbage int
}

// newAdoptBed writes rows of every form, some of them garbage, and makes changes for them: older than what is there, of the same
// time, newer.
func newAdoptBed(t *testing.T, c *client.Client, r *rand.Rand, table string, salt, rows int) *adoptBed {
	b := &adoptBed{table: table, salt: salt, first: map[int64]change.Version{}, newest: map[int64]*change.Change{}}
	times, offsets := slices.Sorted(maps.Keys(timeForms)), slices.Sorted(maps.Keys(offsetForms))
	var ops []client.Op
	for id := range int64(rows) {
		key := saltedKey(id, salt)
		if id%97 == 0 {
			b.garbage++
			ops = append(ops, foreign(key, id, []byte("garbage"), nil, 0))
			continue
		}
		timeForm, offsetForm := times[r.IntN(len(times))], offsets[r.IntN(len(offsets))]
		at := []uint64{0, base * 1000, base * 1_000_000}[r.IntN(3)]
		ops = append(ops, foreign(key, id, timeForms[timeForm](base), offsetForms[offsetForm](1000), at))
		first := change.Version{Epoch: 1, ExecuteTime: base * 1000, Position: foreignPosition(offsetForm, 1000)}
		b.first[id] = first
		newest, have := first, (*change.Change)(nil)
		for n := range r.IntN(12) {
			v := first
			switch r.IntN(3) {
			case 0:
				v.ExecuteTime += int64(r.IntN(20) - 10)
				v.Position = change.Position{File: 2, Offset: uint64(n)}
			case 1: // the time's bytes are those of a row of long milliseconds
				v.Position.File, v.Position.Offset = 3, uint64(n)
			default:
				v.Position.Offset = uint64(r.IntN(1100))
			}
			op := []change.Op{change.Update, change.Update, change.Create, change.Delete}[r.IntN(4)]
			one := order(op, id, v, []string{"", "note"}[r.IntN(2)])
			if v == newest {
				continue
			}
			if change.Judge(newest, true, v).Puts() {
				newest, have = v, one
			}
			for range 1 + r.IntN(3) {
				b.changes = append(b.changes, one)
			}
		}
		b.newest[id] = have
	}
	r.Shuffle(len(b.changes), func(i, j int) { b.changes[i], b.changes[j] = b.changes[j], b.changes[i] })
	putAll(t, c, table, ops)
	return b
}

// run adopts the table with two adopters that are stopped at random and begin again, while four writers deliver the changes.
// What is refused because its row is not adopted yet is delivered again.
func (b *adoptBed) run(t *testing.T, r *rand.Rand, open func() *sinks.Sink) {
	t.Helper()
	todo := make(chan *change.Change, len(b.changes))
	for _, c := range b.changes {
		todo <- c
	}
	var left, foreign, stops, adopted, changed atomic.Int64
	left.Store(int64(len(b.changes)))
	var all sync.WaitGroup
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			s := open()
			for left.Load() > 0 && t.Context().Err() == nil {
				var batch []*change.Change
				for len(batch) < 50 {
					select {
					case c := <-todo:
						batch = append(batch, c)
						continue
					default:
					}
					break
				}
				outcomes := make([]sink.Outcome, len(batch))
				if err := s.Apply(t.Context(), batch, outcomes); err != nil {
					t.Error(err)
					left.Store(0)
					return
				}
				refused := 0
				for i, o := range outcomes {
					switch {
					case errors.Is(o.Err, sinks.ErrForeign):
						refused++
						foreign.Add(1)
						todo <- batch[i]
					case o.Err != nil:
						t.Errorf("%s: %v", batch[i].Version, o.Err)
						left.Add(-1)
					default:
						left.Add(-1)
					}
				}
				if refused == len(batch) { // nothing can be done until more is adopted
					time.Sleep(time.Millisecond)
				}
			}
		}()
	}
	for adopter := range 2 {
		pause := rand.New(rand.NewPCG(r.Uint64(), uint64(adopter)))
		all.Add(1)
		go func() {
			defer all.Done()
			s := open()
			var from []byte
			for whole := false; !whole; {
				ctx, cancel := context.WithCancel(t.Context())
				batches, most := 0, 1+pause.IntN(8)
				if stops.Load() > 30 {
					most = 1 << 30
				}
				began := from
				got, err := s.Adopt(ctx, orders.String(), sinks.AdoptOptions{Epoch: 1, From: from, Progress: func(sinks.Adopted) {
					if batches++; batches == most {
						cancel()
					}
				}})
				cancel()
				adopted.Add(got.Adopted)
				changed.Add(got.Changed)
				switch {
				case err == nil:
					if got.Next != nil || int(got.Failed) > b.garbage || began == nil && int(got.Failed) != b.garbage || len(got.Left) == 0 {
						t.Errorf("%+v with %d rows of garbage", got, b.garbage)
					}
					whole = true
				case errors.Is(err, context.Canceled) && t.Context().Err() == nil:
					stops.Add(1)
					if from = got.Next; pause.IntN(3) == 0 {
						from = nil
					}
				default:
					t.Error(err)
					whole = true
				}
			}
		}()
	}
	all.Wait()
	t.Logf("%d changes, %d refused for the time being, %d stops of adopters, %d rows adopted, %d changed meanwhile", len(b.changes), foreign.Load(), stops.Load(), adopted.Load(), changed.Load())
	if foreign.Load() == 0 || stops.Load() == 0 || changed.Load() == 0 {
		t.Error("nothing went on at the same time")
	}
	if n := adopted.Load(); n > int64(len(b.first)) { // fewer are possible: of a batch that was cut off the answer is not known
		t.Errorf("%d rows were adopted %d times", len(b.first), n)
	}
}

func (b *adoptBed) check(t *testing.T, c *client.Client) {
	t.Helper()
	stayed := 0
	for id, first := range b.first {
		key := saltedKey(id, b.salt)
		last := b.newest[id]
		if last == nil {
			stayed++
			theirs(t, c, b.table, key, id, first, nil)
			continue
		}
		got := cells(t, c, b.table, string(key))
		_, note := got["d:note"]
		_, deleted := got["update_info:deleted"]
		if got["update_info:binlog_offset"] != string(last.Version.Position.Append(nil)) || got["update_info:execute_time"] != string(last.Version.AppendExecuteTime(nil)) ||
			deleted != (last.Op == change.Delete) || !deleted && (got["d:state"] != last.Version.String() || note == last.After[2].IsNull()) || deleted && got["d:state"] != "" {
			t.Errorf("row %d is\n%q\nnot of %s %s, after %s", id, got, last.Op, last.Version, first)
		}
	}
	if stayed == 0 {
		t.Error("no row stayed as it was adopted")
	}
}

func TestHBaseAdoptWhileWritten(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	for seed := range uint64(runs(t, 2)) {
		r := rand.New(rand.NewPCG(seed, 5))
		salt := int(seed%2) * 5
		_, table := hbaseSink(t, addr, sinks.Table{Salt: salt})
		b := newAdoptBed(t, c, r, table, salt, 4000)
		b.run(t, r, func() *sinks.Sink { return openSink(t, addr, sinks.Table{Name: table, Salt: salt}) })
		b.check(t, c)
		if t.Failed() {
			return
		}
	}
}

// HBase is killed while a table is adopted and written.
func TestHBaseAdoptKilled(t *testing.T) {
	server, err := startHBase(filepath.Join(t.TempDir(), "hbase"), 1, map[string]string{"zookeeper.session.timeout.localHBaseCluster": "15000"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	c := hbaseClient(t, server.Addr())
	r := rand.New(rand.NewPCG(1, 6))
	_, table := hbaseSink(t, server.Addr(), sinks.Table{})
	b := newAdoptBed(t, c, r, table, 0, 6000)
	killed := make(chan error, 1)
	var once sync.Once
	watch := openSink(t, server.Addr(), sinks.Table{Name: table})
	go func() { // once a third is adopted
		_, err := watch.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{Epoch: 1, Progress: func(a sinks.Adopted) {
			if a.Rows > 2000 {
				once.Do(func() { killed <- errors.Join(server.Kill(), server.Start(context.Background())) })
			}
		}})
		if err != nil {
			t.Error(err)
		}
	}()
	b.run(t, r, func() *sinks.Sink { return openSink(t, server.Addr(), sinks.Table{Name: table}) })
	if err := <-killed; err != nil {
		t.Fatal(err)
	}
	b.check(t, c)
}
