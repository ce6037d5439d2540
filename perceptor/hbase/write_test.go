package hbase

import (
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/internal/arena"
	"github.com/skein-io/skein/perceptor/sink"
)

var people = &change.Table{
	Database: "a", Name: "people", Key: []int{0},
	Columns: []change.Column{{Name: "id"}, {Name: "name"}, {Name: "note"}},
}

func person(op change.Op, note change.Value) *change.Change {
	row := change.Row{change.IntValue(1), change.TextValue([]byte("x")), note}
	c := &change.Change{Op: op, Table: people, After: row, Version: change.Version{Epoch: 1, ExecuteTime: 10}}
	if op == change.Delete {
		c.Before, c.After = row, nil
	}
	return c
}

// What is asked of the server for each kind of change over each kind of row, and with which condition.
func TestConditions(t *testing.T) {
	s, err := Open(Options{Client: client.Options{ZooKeeper: []string{"127.0.0.1:1"}}, Tables: map[string]Table{"a.people": {Name: "people"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return time.UnixMilli(50) }
	older := change.Version{Epoch: 1, ExecuteTime: 9}
	row := func(deleted bool, more ...client.Cell) client.Row {
		cells := []client.Cell{cell(ExecuteTime, older.AppendExecuteTime(nil), 100), cell(VersionName, pack(older, deleted), 100)}
		if deleted {
			cells = append(cells, cell(Deleted, []byte{1}, 100))
		}
		return client.Row{Key: []byte("1"), Cells: append(cells, more...)}
	}
	noted := client.Cell{Family: []byte("d"), Qualifier: []byte("note"), Value: []byte("y"), Timestamp: 90}
	text := change.TextValue([]byte("y"))
	for _, test := range []struct {
		what  string
		c     *change.Change
		found client.Row
		first string // what is asked before anything is known
		then  string // and when the row is known
	}{
		{"create, absent", person(change.Create, text), client.Row{}, "absent", "absent, newer"},
		{"read, absent", person(change.Read, change.NullValue()), client.Row{}, "absent", "absent"},
		{"update, absent", person(change.Update, text), client.Row{}, "newer", "absent, newer"},
		{"update to NULL, absent", person(change.Update, change.NullValue()), client.Row{}, "get", "absent"},
		{"delete, absent", person(change.Delete, text), client.Row{}, "get", "absent"},
		{"update, older", person(change.Update, text), row(false, noted), "newer", "newer"},
		{"update to NULL, older", person(change.Update, change.NullValue()), row(false, noted), "get", "unchanged at 101, without note at 90"},
		{"update to NULL, NULL already", person(change.Update, change.NullValue()), row(false), "get", "unchanged at 101"},
		{"delete, older", person(change.Delete, text), row(false, noted), "get", "unchanged at 101, without note at 90"},
		{"update, tombstone", person(change.Update, text), row(true), "newer", "unchanged at 101, without deleted at 100"},
		{"delete, tombstone", person(change.Delete, text), row(true), "get", "unchanged at 101"},
		{"update, a column of others", person(change.Update, text), row(false, cell("theirs", nil, 300)), "newer", "newer"},
	} {
		w := &write{outcome: &sink.Outcome{}}
		if err := s.prepare(test.c, w, new(arena.Arena)); err != nil {
			t.Fatal(err)
		}
		if got := describe(s.op(w)); got != test.first {
			t.Errorf("%s: first %q, not %q", test.what, got, test.first)
		}
		w.step = read
		if w.settle(&client.Op{Found: test.found}) {
			t.Errorf("%s: discarded: %+v", test.what, *w.outcome)
			continue
		}
		if got := describe(s.op(w)); got != test.then {
			t.Errorf("%s: then %q, not %q", test.what, got, test.then)
		}
	}
}

// describe tells conditions and timestamps of an op.
func describe(op client.Op) string {
	if len(op.Steps) == 0 {
		return "get"
	}
	var all []string
	for _, step := range op.Steps {
		says := "unchanged"
		switch {
		case step.Condition == absent:
			says = "absent"
		case step.Condition.Compare == client.Greater:
			says = "newer"
		}
		for _, m := range step.Mutations {
			for i, c := range m.Cells {
				at := " at " + time.UnixMilli(int64(c.Timestamp)).UTC().Format("05.000")
				at = " at " + strings.TrimLeft(strings.ReplaceAll(at[4:], ".", ""), "0")
				switch {
				case m.Delete:
					says += ", without " + string(c.Qualifier) + at
				case i == 0 && c.Timestamp != 0:
					says += at
				case c.Timestamp != m.Cells[0].Timestamp:
					says += ", cells of different times"
				}
			}
		}
		all = append(all, says)
	}
	return strings.Join(all, ", ")
}

// What was put with a timestamp of its own and did not hold is put again without one.
func TestTimestampsAreNotKept(t *testing.T) {
	s, err := Open(Options{Client: client.Options{ZooKeeper: []string{"127.0.0.1:1"}}, Tables: map[string]Table{"a.people": {Name: "people"}}})
	if err != nil {
		t.Fatal(err)
	}
	w := &write{outcome: &sink.Outcome{}}
	if err := s.prepare(person(change.Update, change.TextValue([]byte("y"))), w, new(arena.Arena)); err != nil {
		t.Fatal(err)
	}
	w.put(77)
	for _, c := range w.put(0)[0].Cells {
		if c.Timestamp != 0 {
			t.Errorf("%s has timestamp %d", c.Qualifier, c.Timestamp)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	for says, to := range map[string]Table{
		"holds the row's version": {Name: "t", Columns: map[string]Column{"note": {Family: UpdateInfo, Qualifier: ExecuteTime}}},
		"would both go to d:name": {Name: "t", Columns: map[string]Column{"note": {Qualifier: "name"}}},
	} {
		if _, err := newPlan(people, &to); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, not %q", err, says)
		}
	}
	for says, o := range map[string]Options{
		"no tables":        {},
		"is not told":      {Tables: map[string]Table{"a.b": {}}},
		"salt is 257":      {Tables: map[string]Table{"a.b": {Name: "t", Salt: 257}}},
		"an unknown":       {Tables: map[string]Table{"a.b": {Name: "t", Values: 9}}},
		"needs the addres": {Tables: map[string]Table{"a.b": {Name: "t"}}},
	} {
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, not %q", err, says)
		}
	}
}
