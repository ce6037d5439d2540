package hbase

import (
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

// Cells are the very ones that are put, with the key of the same row.
func TestCells(t *testing.T) {
	s, err := Open(Options{Client: client.Options{ZooKeeper: []string{"127.0.0.1:1"}}, Tables: map[string]Table{"a.people": {Name: "people", Salt: 7, Key: KeyBytes}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*change.Change{person(change.Create, change.TextValue([]byte("y"))), person(change.Update, change.NullValue()), person(change.Delete, change.NullValue())} {
		var w write
		if err := s.prepare(c, &w, new(arena.Arena)); err != nil {
			t.Fatal(err)
		}
		row, cells, err := s.tables["a.people"].Cells(c)
		want := w.put(0)[0].Cells
		if err != nil || string(row) != string(w.row) || len(cells) != len(want) {
			t.Fatalf("%s: %x, %v, %v", c.Op, row, cells, err)
		}
		for i := range want {
			if g, w := cells[i], want[i]; string(g.Family) != string(w.Family) || string(g.Qualifier) != string(w.Qualifier) || string(g.Value) != string(w.Value) {
				t.Errorf("%s: %s:%s is %x, not %s:%s %x", c.Op, g.Family, g.Qualifier, g.Value, w.Family, w.Qualifier, w.Value)
			}
		}
	}
	for what, c := range map[string]*change.Change{
		"a truncate": {Op: change.Truncate, Table: people}, "no key": {Op: change.Create, Table: people, After: make(change.Row, 3)},
	} {
		if _, cells, err := s.tables["a.people"].Cells(c); err == nil {
			t.Errorf("%s: %v", what, cells)
		}
	}
	if _, _, err := (Table{}).Cells(person(change.Create, change.NullValue())); err == nil {
		t.Error("a table without a name was taken")
	}
}

// What a row is adopted as, and what is left, without a server.
func TestAdoption(t *testing.T) {
	table := &Table{Name: "people"}
	v := change.Version{Epoch: 2, ExecuteTime: 1_700_000_000_000, Position: change.Position{Offset: 5}}
	execute := func(b string, at uint64) client.Cell { return cell(ExecuteTime, []byte(b), at) }
	for _, test := range []struct {
		what     string
		cells    []client.Cell
		time     Form
		mutation int    // 0: nothing is written
		at       uint64 // of what is written
		left     bool
	}{
		{"text", []client.Cell{execute("1700000000", 9), cell(BinlogOffset, []byte("5"), 9)}, FormTextSeconds, 1, 50, false},
		{"data of a later time", []client.Cell{execute("1700000000", 9), cell("x", nil, 1<<60)}, FormTextSeconds, 1, 1<<60 + 1, false},
		{"ours", []client.Cell{execute(string(v.AppendExecuteTime(nil)), 9), cell(VersionName, pack(v, false), 9)}, FormOurs, 0, 0, false},
		{"written over", []client.Cell{execute("1700000001", 9), cell(VersionName, pack(v, false), 8)}, FormOverwritten, 1, 50, false},
		{"written over a tombstone", []client.Cell{execute("1700000001", 9), cell(VersionName, pack(v, true), 8)}, FormOverwritten, 2, 50, false},
		{"a version of others", []client.Cell{execute("1700000001", 9), cell(VersionName, []byte("v2"), 8)}, FormUnread, 0, 0, true},
		{"a version without a time", []client.Cell{cell(VersionName, pack(v, false), 8)}, FormNone, 0, 0, true},
		{"the last timestamp", []client.Cell{execute("1700000000", 1<<63-1)}, FormTextSeconds, 0, 0, true},
		{"no time", []client.Cell{cell("x", nil, 9)}, FormNone, 0, 0, false},
		{"garbage", []client.Cell{execute("x", 9)}, FormUnread, 0, 0, true},
	} {
		o := AdoptOptions{Epoch: 2}
		o.complete()
		a := o.adoption(table, &client.Row{Key: []byte("1"), Cells: test.cells}, 50)
		if a.time != test.time || (a.left != nil) != test.left || (a.step != nil) != (test.mutation > 0) {
			t.Errorf("%s: %s, %+v, %v", test.what, a.time, a.step, a.left)
			continue
		}
		if a.step != nil && (len(a.step.Mutations) != test.mutation || a.step.Mutations[0].Cells[0].Timestamp != test.at || a.step.Condition.Filter == nil) {
			t.Errorf("%s: %+v", test.what, a.step)
		}
	}
	salted := &Table{Name: "people", Salt: 7}
	if err := salted.reachable(append([]byte{9}, "1"...)); err == nil {
		t.Error("a salt that is none was taken")
	}
	if err := (&Table{Key: KeyBytes}).reachable([]byte("x")); err == nil {
		t.Error("a key of another format was taken")
	}
}
