package hbase

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
)

// later opens a sink on the same table whose clock is an hour ahead: to it every tombstone is old.
func later(t *testing.T, addr, table string) *sinks.Sink {
	t.Helper()
	s, err := sinks.Open(sinks.Options{
		Client: client.Options{ZooKeeper: []string{addr}},
		Tables: map[string]sinks.Table{orders.String(): {Name: table}},
		Now:    func() time.Time { return time.Now().Add(time.Hour) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Tombstones go when they are old enough, whole, and nothing else goes.
func TestHBaseSweep(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	s, table := hbaseSink(t, addr, sinks.Table{})
	var batch []*change.Change
	for id := range int64(500) {
		batch = append(batch, order(change.Create, id, version(1, 1, 1), "x"))
	}
	apply(t, s, batch...)
	for i := range batch {
		if i%2 == 0 {
			batch[i] = order(change.Delete, int64(i), version(1, 2, 2), "x")
		}
	}
	apply(t, s, batch...)
	if _, err := s.Sweep(t.Context(), orders.String(), time.Second); err == nil {
		t.Error("an age of a second was taken")
	}
	if swept, err := s.Sweep(t.Context(), orders.String(), time.Minute); err != nil || swept != (sinks.Swept{Kept: 250}) {
		t.Errorf("too young: %+v, %v", swept, err)
	}
	old := later(t, addr, table)
	if swept, err := old.Sweep(t.Context(), orders.String(), 30*time.Minute); err != nil || swept != (sinks.Swept{Removed: 250}) {
		t.Errorf("%+v, %v", swept, err)
	}
	for id := range int64(500) {
		if id%2 == 1 {
			shows(t, c, table, batch[id])
		} else if left := cells(t, c, table, fmt.Sprint(id)); len(left) != 0 {
			t.Errorf("row %d: %q is left", id, left)
		}
	}
	again := order(change.Create, 0, version(1, 3, 3), "back")
	if o := apply(t, s, again)[0]; o.Verdict != change.Absent {
		t.Errorf("after the sweep: %+v", o)
	}
	shows(t, c, table, again)
}

// A sweeper that never stops does not take away what is put at the same moment.
func TestHBaseSweepWhileWritten(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	s, table := hbaseSink(t, addr, sinks.Table{})
	old := later(t, addr, table)
	ctx, stop := context.WithCancel(t.Context())
	swept := make(chan sinks.Swept, 1)
	go func() {
		var all sinks.Swept
		for ctx.Err() == nil {
			now, err := old.Sweep(ctx, orders.String(), time.Minute)
			if err != nil && ctx.Err() == nil {
				t.Error(err)
				break
			}
			all.Removed, all.Changed = all.Removed+now.Removed, all.Changed+now.Changed
		}
		swept <- all
	}()
	var wait sync.WaitGroup
	for worker := range int64(8) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := range 300 {
				op := []change.Op{change.Create, change.Delete, change.Update, change.Delete, change.Delete, change.Create}[n%6]
				last := order(op, worker, version(1, int64(n+1), 1), "x")
				if o := apply(t, s, last)[0]; !o.Verdict.Puts() {
					t.Errorf("row %d: change %d is %+v", worker, n, o)
					return
				}
				if op != change.Delete {
					shows(t, c, table, last)
				} else if left := cells(t, c, table, fmt.Sprint(worker)); len(left) != 0 && left["update_info:deleted"] == "" {
					t.Errorf("row %d: after a delete %q is left", worker, left)
				}
				// A sweep of such young tombstones is not possible outside of this test. What it deletes hides what is put within the
				// same millisecond, so this waits for the next ones.
				for at := time.Now(); op == change.Delete && time.Since(at) < 5*time.Millisecond; {
					time.Sleep(time.Millisecond)
				}
			}
		}()
	}
	wait.Wait()
	stop()
	if all := <-swept; all.Removed == 0 {
		t.Error("nothing was swept")
	} else {
		t.Logf("%+v", all)
	}
}

// Columns in families of their own, left out or renamed; salted binary keys; values as bytes; NULL as an empty cell.
func TestHBaseMapping(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	s, table := hbaseSink(t, addr, sinks.Table{
		Family: "main", Salt: 8, Key: sinks.KeyBytes, Values: sinks.ValuesBytes, Nulls: sinks.NullsEmpty,
		Columns: map[string]sinks.Column{"note": {Family: "text", Qualifier: "remark"}, "state": {Skip: true}},
	})
	const rows = 400
	var batch []*change.Change
	for id := range int64(rows) {
		note := fmt.Sprint("note ", id)
		if id%10 == 0 {
			note = ""
		}
		batch = append(batch, order(change.Create, id, version(1, 1, 1), note))
	}
	apply(t, s, batch...)
	seen, salts := map[int64]bool{}, map[byte]bool{}
	for row, err := range c.Rows(t.Context(), table, client.Scan{Columns: client.Columns{{Family: []byte("main")}, {Family: []byte("text")}}}) {
		if err != nil {
			t.Fatal(err)
		}
		id := int64(binary.BigEndian.Uint64(row.Key[2:]))
		note := fmt.Sprint("note ", id)
		if id%10 == 0 {
			note = ""
		}
		number, remark := row.Value([]byte("main"), []byte("id")), row.Value([]byte("text"), []byte("remark"))
		if len(row.Cells) != 2 || number == nil || int64(binary.BigEndian.Uint64(number.Value)) != id || remark == nil || string(remark.Value) != note {
			t.Errorf("row %x: %v", row.Key, row.Cells)
		}
		seen[id], salts[row.Key[0]] = true, true
	}
	if len(seen) != rows || len(salts) != 8 {
		t.Errorf("%d rows with %d salts", len(seen), len(salts))
	}
	if err := s.Prepare(t.Context(), false); err != nil {
		t.Error(err)
	}
}
