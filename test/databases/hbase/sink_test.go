package hbase

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// orders is the source table of these tests.
var orders = &change.Table{
	Database: "shop", Name: "orders", Key: []int{0},
	Columns: []change.Column{{Name: "id", Type: change.BigInt}, {Name: "state", Type: change.VarChar}, {Name: "note", Type: change.VarChar, Nullable: true}},
}

// order is a change of a row; an empty note is NULL.
func order(op change.Op, id int64, v change.Version, note string) *change.Change {
	image := change.Row{change.IntValue(id), change.TextValue([]byte(v.String())), change.NullValue()}
	if note != "" {
		image[2] = change.TextValue([]byte(note))
	}
	c := &change.Change{Op: op, Table: orders, After: image, Version: v}
	if op == change.Delete {
		c.Before, c.After = image, nil
	}
	return c
}

func version(epoch uint32, time int64, offset uint64) change.Version {
	return change.Version{Epoch: epoch, ExecuteTime: time, Position: change.Position{File: 1, Offset: offset}}
}

// hbaseSink opens a sink for orders, on a table of its own if none is named.
func hbaseSink(t testing.TB, addr string, to sinks.Table) (*sinks.Sink, string) {
	t.Helper()
	if to.Name == "" {
		to.Name = fmt.Sprintf("orders_%d_%d", time.Now().UnixNano(), hbaseTables.Add(1))
	}
	s := openSink(t, addr, to)
	if err := s.Prepare(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return s, to.Name
}

// openSink opens a sink for orders. It may be called from any goroutine.
func openSink(t testing.TB, addr string, to sinks.Table) *sinks.Sink {
	s, err := sinks.Open(sinks.Options{
		Client: client.Options{ZooKeeper: []string{addr}, RetryTimeout: 4 * time.Minute},
		Tables: map[string]sinks.Table{orders.String(): to},
	})
	if err != nil {
		panic(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func apply(t testing.TB, s sink.Sink, changes ...*change.Change) []sink.Outcome {
	t.Helper()
	outcomes := make([]sink.Outcome, len(changes))
	if err := s.Apply(t.Context(), changes, outcomes); err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// cells reads a row as "family:qualifier" to value; versions are read by the columns that the notes name.
func cells(t testing.TB, c *client.Client, table, key string) map[string]string {
	t.Helper()
	row, err := c.Get(t.Context(), table, []byte(key), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, cell := range row.Cells {
		all[string(cell.Family)+":"+string(cell.Qualifier)] = string(cell.Value)
	}
	return all
}

// shows checks a row: its version, and that its data is that version's and whole, or gone with the flag set.
func shows(t testing.TB, c *client.Client, table string, want *change.Change) {
	t.Helper()
	key := string(want.Image()[0].AppendText(nil, 0))
	got := cells(t, c, table, key)
	expect := map[string]string{
		"update_info:execute_time":  string(want.Version.AppendExecuteTime(nil)),
		"update_info:binlog_offset": string(want.Version.Position.Append(nil)),
		"update_info:epoch":         string(want.Version.AppendEpoch(nil)),
	}
	if want.Op == change.Delete {
		expect["update_info:deleted"] = "\x01"
	} else {
		expect["d:id"], expect["d:state"] = key, want.Version.String()
		if note := want.After[2]; !note.IsNull() {
			expect["d:note"] = note.String()
		}
	}
	if len(got["update_info:version"]) != 29 {
		t.Errorf("row %s: update_info:version is %q", key, got["update_info:version"])
	}
	delete(got, "update_info:version")
	if fmt.Sprint(got) != fmt.Sprint(expect) {
		t.Errorf("row %s is\n%q\nnot\n%q", key, got, expect)
	}
}

// The four cases of the rule and what the epoch adds, each on a row of its own, over each kind of row and with each kind of
// change. What HBase did is compared with what change.Judge says.
func TestHBaseFourCases(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	s, table := hbaseSink(t, addr, sinks.Table{})
	was := version(2, 1000, 500)
	nextFile := change.Version{Epoch: 2, ExecuteTime: 1000, Position: change.Position{File: 2, Offset: 4}}
	nextRow := change.Version{Epoch: 2, ExecuteTime: 1000, Position: change.Position{File: 1, Offset: 500, Row: 1}}
	farFile := change.Version{Epoch: 2, ExecuteTime: 1000, Position: change.Position{File: 1000000, Offset: 4}}
	id := int64(0)
	for _, test := range []struct {
		what string
		v    change.Version
		want change.Verdict
	}{
		{"2: older", version(2, 999, 400), change.Stale},
		{"2: older, later in the binlog", version(2, 999, 600), change.ClockBack},
		{"3: newer", version(2, 1001, 600), change.Newer},
		{"3: newer, earlier in the binlog", version(2, 1001, 400), change.Newer},
		{"3: newer by a large step", version(2, 1<<40, 400), change.Newer},
		{"4: same time, smaller offset", version(2, 1000, 499), change.Stale},
		{"4: same time, larger offset", version(2, 1000, 501), change.Newer},
		{"4: same time, an offset with more digits", version(2, 1000, 1<<33), change.Newer},
		{"4: the same", was, change.Duplicate},
		{"4: same time, next file", nextFile, change.Newer},
		{"4: same time, a file with more digits", farFile, change.Newer},
		{"4: same event, next row", nextRow, change.Newer},
		{"older epoch, newer clock", version(1, 5000, 9000), change.Stale},
		{"newer epoch, older clock", version(3, 1, 4), change.Newer},
	} {
		for _, stored := range []change.Op{change.Create, change.Delete} {
			for _, op := range []change.Op{change.Create, change.Update, change.Delete, change.Read} {
				for _, note := range []string{"", "new"} {
					id++
					first, second := order(stored, id, was, "old"), order(op, id, test.v, note)
					if got := apply(t, s, first)[0]; got.Verdict != change.Absent {
						t.Fatalf("1: the row is new: %+v", got)
					}
					got := apply(t, s, second)[0]
					if got.Verdict != test.want || got.Err != nil || !test.want.Puts() && got.Stored != was {
						t.Errorf("%s: %s over %s is %s, not %s (%v)", test.what, op, stored, got.Verdict, test.want, got.Err)
					}
					if judge := change.Judge(was, true, test.v); judge != test.want {
						t.Errorf("%s: the rule says %s", test.what, judge)
					}
					if test.want.Puts() {
						shows(t, c, table, second)
					} else {
						shows(t, c, table, first)
					}
				}
			}
		}
	}
}

// A put right after a delete, in the same millisecond, must not be hidden by it, nor a column that was NULL a moment ago.
func TestHBaseDeletesHideNothingLater(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	s, table := hbaseSink(t, addr, sinks.Table{})
	at := uint64(0)
	for i := range 300 {
		for _, op := range []change.Op{change.Create, change.Delete, change.Update, change.Update, change.Update} {
			at++
			note := ""
			if op == change.Create || at%5 != 4 { // of three updates the middle one has a NULL
				note = fmt.Sprint("note ", at)
			}
			last := order(op, 1, version(1, 7, at), note)
			if got := apply(t, s, last)[0]; !got.Verdict.Puts() {
				t.Fatalf("round %d: %s is %+v", i, op, got)
			}
			shows(t, c, table, last)
		}
		if t.Failed() {
			return
		}
	}
	// The control: deletes whose timestamp the server gives hide what is put in the same millisecond.
	hidden := 0
	info := client.Cell{Family: []byte("update_info"), Qualifier: []byte("version"), Value: []byte("x")}
	note := client.Cell{Family: family, Qualifier: []byte("note"), Value: []byte("y")}
	deletes := []client.Mutation{{Cells: []client.Cell{info}}, {Delete: true, Cells: []client.Cell{{Family: family, Qualifier: note.Qualifier}}}}
	puts := []client.Mutation{{Cells: []client.Cell{note, info}}}
	for i := range 2000 {
		key := fmt.Appendf(nil, "control %d", i%7)
		op := []client.Op{{Row: key, Steps: []client.Step{
			{Condition: &client.Condition{Family: info.Family, Qualifier: []byte("never"), Compare: client.Equal}, Mutations: deletes},
			{Condition: &client.Condition{Family: info.Family, Qualifier: []byte("never"), Compare: client.Equal}, Mutations: puts},
		}}}
		if err := c.Batch(t.Context(), table, op); err != nil {
			t.Fatal(err)
		}
		if cells(t, c, table, string(key))["d:note"] == "" {
			hidden++
		}
	}
	if hidden == 0 {
		t.Error("deletes with the server's timestamp have hidden nothing: this test would not find what it looks for")
	}
	t.Logf("the control lost %d of 2000 puts", hidden)
}

// What is wrong with one row is told of that row; the others are written.
func TestHBaseBadInput(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	s, table := hbaseSink(t, addr, sinks.Table{})
	nullKey := order(change.Update, 1, version(1, 1, 1), "x")
	nullKey.After[0] = change.NullValue()
	missing := order(change.Update, 2, version(1, 1, 1), "x")
	missing.After[2] = change.Value{}
	large := order(change.Create, 3, version(1, 1, 1), strings.Repeat("x", 10<<20+1))
	other := order(change.Create, 4, version(1, 1, 1), "x")
	other.Table = &change.Table{Database: "shop", Name: "other", Columns: orders.Columns, Key: orders.Key}
	truncate := &change.Change{Op: change.Truncate, Table: orders, Version: version(1, 1, 1)}
	early := order(change.Create, 5, version(1, -1, 1), "x")
	foreign := order(change.Update, 6, version(1, 1, 1), "x")
	theirs := client.Cell{Family: info, Qualifier: []byte("execute_time"), Value: []byte("2024-01-31 10:00:00")}
	if _, err := c.Mutate(t.Context(), table, []byte("6"), nil, client.Mutation{Cells: []client.Cell{theirs}}); err != nil {
		t.Fatal(err)
	}
	good := order(change.Update, 7, version(1, 1, 1), "x")
	bad := []*change.Change{nullKey, missing, large, other, truncate, early, foreign}
	outcomes := apply(t, s, append(bad, good)...)
	for i, says := range []string{`column "id" of the key is NULL`, `column "note" is not told`, "exceeds limit", "no HBase table is configured", "a truncate is not a change of a row", "before 1970", "adopted first"} {
		if err := outcomes[i].Err; err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "shop.") && i != 5 || outcomes[i].Verdict != 0 {
			t.Errorf("change %d: %+v, not %q", i, outcomes[i], says)
		}
	}
	if !errors.Is(outcomes[2].Err, client.ErrTooLarge) || !errors.Is(outcomes[6].Err, sinks.ErrForeign) {
		t.Errorf("%v\n%v", outcomes[2].Err, outcomes[6].Err)
	}
	if outcomes[7].Verdict != change.Absent {
		t.Errorf("the good row: %+v", outcomes[7])
	}
	shows(t, c, table, good)

	open := func(to sinks.Table) *sinks.Sink {
		s, err := sinks.Open(sinks.Options{Client: client.Options{ZooKeeper: []string{addr}}, Tables: map[string]sinks.Table{orders.String(): to}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	gone := open(sinks.Table{Name: "not_there"})
	if err := gone.Prepare(t.Context(), false); !errors.Is(err, client.ErrTableNotFound) || !strings.Contains(err.Error(), "not_there") {
		t.Errorf("Prepare without the table: %v", err)
	}
	if o := apply(t, gone, good)[0]; !errors.Is(o.Err, client.ErrTableNotFound) || !strings.Contains(o.Err.Error(), "not_there") {
		t.Errorf("Apply without the table: %+v", o)
	}
	family := open(sinks.Table{Name: table, Columns: map[string]sinks.Column{"note": {Family: "notes"}}})
	if err := family.Prepare(t.Context(), false); !errors.Is(err, client.ErrNoFamily) || !strings.Contains(err.Error(), "notes") {
		t.Errorf("Prepare without the family: %v", err)
	}
	if o := apply(t, family, order(change.Create, 8, version(1, 1, 1), "x"))[0]; !errors.Is(o.Err, client.ErrNoFamily) || !strings.Contains(o.Err.Error(), "notes") {
		t.Errorf("Apply without the family: %+v", o)
	}
}
