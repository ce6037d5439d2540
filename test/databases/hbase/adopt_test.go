package hbase

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	sinks "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
)

// base is the second at which others wrote the rows of these tests.
const base = 1_700_000_000

var timeForms = map[sinks.Form]func(seconds int64) []byte{
	sinks.FormTextSeconds: func(s int64) []byte { return strconv.AppendInt(nil, s, 10) },
	sinks.FormTextMillis:  func(s int64) []byte { return strconv.AppendInt(nil, s*1000, 10) },
	sinks.FormTextMicros:  func(s int64) []byte { return strconv.AppendInt(nil, s*1_000_000, 10) },
	sinks.FormTextDate:    func(s int64) []byte { return []byte(time.Unix(s, 0).UTC().Format("2006-01-02 15:04:05")) },
	sinks.FormLongSeconds: func(s int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(s)) },
	sinks.FormLongMillis:  func(s int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(s*1000)) },
	sinks.FormLongMicros:  func(s int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(s*1_000_000)) },
	sinks.FormIntSeconds:  func(s int64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(s)) },
}

var offsetForms = map[sinks.Form]func(offset uint64) []byte{
	sinks.FormNone: func(uint64) []byte { return nil },
	sinks.FormText: func(o uint64) []byte { return strconv.AppendUint(nil, o, 10) },
	sinks.FormFile: func(o uint64) []byte { return fmt.Appendf(nil, "mysql-bin.000001:%d", o) },
	sinks.FormLong: func(o uint64) []byte { return binary.BigEndian.AppendUint64(nil, o) },
	sinks.FormInt:  func(o uint64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(o)) },
	sinks.FormOurs: func(o uint64) []byte { return change.Position{File: 1, Offset: o, Row: 2}.Append(nil) },
}

// foreignPosition is the position that an offset of a form is adopted with.
func foreignPosition(form sinks.Form, offset uint64) change.Position {
	switch form {
	case sinks.FormNone:
		return change.Position{}
	case sinks.FormFile:
		return change.Position{File: 1, Offset: offset}
	case sinks.FormOurs:
		return change.Position{File: 1, Offset: offset, Row: 2}
	}
	return change.Position{Offset: offset}
}

// foreign is a row as others wrote it, with the timestamps that they chose.
func foreign(key []byte, id int64, execute, offset []byte, timestamp uint64) client.Op {
	cells := []client.Cell{
		{Family: family, Qualifier: []byte("id"), Value: strconv.AppendInt(nil, id, 10), Timestamp: timestamp},
		{Family: family, Qualifier: []byte("note"), Value: []byte("theirs"), Timestamp: timestamp},
		{Family: family, Qualifier: []byte("state"), Value: []byte("theirs"), Timestamp: timestamp},
	}
	if offset != nil {
		cells = append(cells, client.Cell{Family: info, Qualifier: []byte("binlog_offset"), Value: offset, Timestamp: timestamp})
	}
	if execute != nil {
		cells = append(cells, client.Cell{Family: info, Qualifier: []byte("execute_time"), Value: execute, Timestamp: timestamp})
	}
	return client.Op{Row: key, Steps: []client.Step{{Mutations: []client.Mutation{{Cells: cells}}}}}
}

func putAll(t testing.TB, c *client.Client, table string, ops []client.Op) {
	t.Helper()
	if err := c.Batch(t.Context(), table, ops); err != nil {
		t.Fatal(err)
	}
	for i := range ops {
		if ops[i].Err != nil {
			t.Fatal(ops[i].Err)
		}
	}
}

// saltedKey is the text of an id behind its salt.
func saltedKey(id int64, salt int) []byte {
	key := strconv.AppendInt(nil, id, 10)
	if salt == 0 {
		return key
	}
	h := fnv.New32a()
	_, _ = h.Write(key)
	return append([]byte{byte(h.Sum32() % uint32(salt))}, key...)
}

// theirs checks a row that others wrote and nobody changed since: its version is the adopted one.
func theirs(t testing.TB, c *client.Client, table string, key []byte, id int64, v change.Version, kept map[string]string) {
	t.Helper()
	expect := map[string]string{
		"d:id": strconv.FormatInt(id, 10), "d:note": "theirs", "d:state": "theirs",
		"update_info:execute_time":  string(v.AppendExecuteTime(nil)),
		"update_info:binlog_offset": string(v.Position.Append(nil)),
		"update_info:epoch":         string(v.AppendEpoch(nil)),
		"update_info:version":       "\x00" + string(v.Position.Append(v.AppendExecuteTime(v.AppendEpoch(nil)))),
	}
	maps.Copy(expect, kept)
	if got := cells(t, c, table, string(key)); fmt.Sprint(got) != fmt.Sprint(expect) {
		t.Errorf("row %q is\n%q\nnot\n%q", key, got, expect)
	}
}

// A table of each form of time and offset: the dry run tells the forms and writes nothing, then rows are adopted, and then the
// rule holds.
func TestHBaseAdoptForms(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	for salt, timeForm := range slices.Sorted(maps.Keys(timeForms)) {
		salt %= 3
		s, table := hbaseSink(t, addr, sinks.Table{Salt: salt})
		type row struct {
			id             int64
			offsetForm     sinks.Form
			time, position []byte
		}
		var rows []row
		var ops []client.Op
		for offsetForm, offset := range offsetForms {
			for n := range int64(5) {
				r := row{int64(len(rows)), offsetForm, timeForms[timeForm](base + n), offset(uint64(1000 + n))}
				// Others may use the event's time as timestamp, in microseconds too, which is far in the future.
				at := []uint64{0, base * 1000, base * 1_000_000}[n%3]
				ops = append(ops, foreign(saltedKey(r.id, salt), r.id, r.time, r.position, at))
				rows = append(rows, r)
			}
		}
		putAll(t, c, table, ops)
		some := order(change.Update, rows[0].id, version(9, 9, 9), "x")
		if o := apply(t, s, some)[0]; !errors.Is(o.Err, sinks.ErrForeign) {
			t.Errorf("%s: before it was adopted: %+v", timeForm, o)
		}
		all := int64(len(rows))
		for _, dry := range []bool{true, false} {
			got, err := s.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{DryRun: dry, Epoch: 3, Keep: timeForm != sinks.FormTextMillis})
			if err != nil {
				t.Fatal(err)
			}
			if got.Rows != all || got.Adopted != all || got.Times[timeForm] != all || got.Failed != 0 || got.Next != nil {
				t.Errorf("%s, dry %v: %+v", timeForm, dry, got)
			}
			for form := range offsetForms {
				if got.Offsets[form] != 5 {
					t.Errorf("%s, dry %v: %d offsets are %s", timeForm, dry, got.Offsets[form], form)
				}
			}
			if dry {
				if left := cells(t, c, table, string(saltedKey(0, salt))); left["update_info:version"] != "" || left["update_info:execute_time"] != string(rows[0].time) {
					t.Errorf("%s: a dry run wrote: %q", timeForm, left)
				}
			}
		}
		var changes []*change.Change
		for i, r := range rows {
			v := change.Version{Epoch: 3, ExecuteTime: (base + int64(i%5)) * 1000, Position: foreignPosition(r.offsetForm, uint64(1000+i%5))}
			kept := map[string]string{}
			if timeForm != sinks.FormTextMillis {
				if timeForm != sinks.FormLongMillis {
					kept["update_info:adopted_execute_time"] = string(r.time)
				}
				if r.position != nil && r.offsetForm != sinks.FormOurs {
					kept["update_info:adopted_binlog_offset"] = string(r.position)
				}
			}
			theirs(t, c, table, saltedKey(r.id, salt), r.id, v, kept)
			// The same, one before, one after: same, stale, newer; a delete in every other row.
			before, after := v, v
			before.ExecuteTime, after.Position.Offset = v.ExecuteTime-1, v.Position.Offset+1
			for verdict, one := range map[change.Verdict]change.Version{change.Duplicate: v, change.Stale: before} {
				if o := apply(t, s, order(change.Update, r.id, one, "x"))[0]; o.Verdict != verdict && o.Verdict != change.ClockBack {
					t.Errorf("%s, row %d: %+v", timeForm, r.id, o)
				}
			}
			op, note := change.Update, ""
			if i%2 == 0 {
				op = change.Delete
			}
			last := order(op, r.id, after, note)
			if o := apply(t, s, last)[0]; o.Verdict != change.Newer {
				t.Errorf("%s, row %d: %+v", timeForm, r.id, o)
			}
			changes = append(changes, last)
		}
		for _, last := range changes {
			got := cells(t, c, table, string(saltedKey(last.Image()[0].Int(), salt)))
			_, there := got["d:state"]
			if there == (last.Op == change.Delete) || got["d:note"] != "" || got["update_info:execute_time"] != string(last.Version.AppendExecuteTime(nil)) {
				t.Errorf("%s: after a %s: %q", timeForm, last.Op, got)
			}
		}
		again, err := s.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{Epoch: 4})
		if err != nil || again.Ours != all || again.Adopted != 0 {
			t.Errorf("%s: again: %+v, %v", timeForm, again, err)
		}
	}
}

// What cannot be read is told by key, with a bound, and left as it is. Rows without a time may get one of 0; what others wrote
// over an adopted row is adopted again.
func TestHBaseAdoptTrouble(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	s, table := hbaseSink(t, addr, sinks.Table{})
	garbage := [][]byte{[]byte("yesterday"), {}, []byte("-1700000000"), []byte("99"), {1, 2, 3}, make([]byte, 500), []byte("2026-13-01 00:00:00")}
	var ops []client.Op
	for i, execute := range garbage {
		ops = append(ops, foreign([]byte(fmt.Sprint("bad ", i)), int64(i), execute, nil, 0))
	}
	ops = append(ops, foreign([]byte("bad offset"), 1, []byte("1700000000"), []byte("somewhere"), 0), foreign([]byte("bare"), 2, nil, nil, 0), foreign([]byte("good"), 3, []byte("1700000000"), []byte("7"), 0))
	putAll(t, c, table, ops)
	got, err := s.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{LeftMax: 5})
	if err != nil || got.Rows != 10 || got.Failed != 8 || len(got.Left) != 5 || got.Adopted != 1 || got.Unversioned != 1 || string(got.Left[0].Key) != "bad 0" || got.Left[0].Err == nil {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range garbage {
		if left := cells(t, c, table, fmt.Sprint("bad ", i)); left["update_info:execute_time"] != string(garbage[i]) || left["update_info:version"] != "" {
			t.Errorf("row %d: %q", i, left)
		}
	}
	got, err = s.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{Unversioned: true, IgnoreOffsets: true})
	if err != nil || got.Failed != 7 || got.Adopted != 2 || got.Ours != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	theirs(t, c, table, []byte("bare"), 2, change.Version{}, nil)
	theirs(t, c, table, []byte("bad offset"), 1, change.Version{ExecuteTime: base * 1000}, nil)
	// Others write over it, once over a row and once over a tombstone.
	putAll(t, c, table, []client.Op{foreign([]byte("5"), 5, []byte("1700000000"), []byte("7"), 0)})
	if _, err := s.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, op := range []change.Op{change.Update, change.Delete} {
		apply(t, s, order(op, 5, change.Version{Epoch: 1, ExecuteTime: base*1000 + int64(op), Position: change.Position{File: 3}}, "x"))
		putAll(t, c, table, []client.Op{foreign([]byte("5"), 5, []byte("1700000009"), nil, uint64(time.Now().Add(time.Minute).UnixMilli()))})
		if got, err = s.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{}); err != nil || got.Times[sinks.FormOverwritten] != 1 || got.Failed != 7 {
			t.Errorf("over a %s: %+v, %v", op, got, err)
		}
		theirs(t, c, table, []byte("5"), 5, change.Version{ExecuteTime: (base + 9) * 1000}, nil)
	}
	// What is kept goes when the tombstone does.
	putAll(t, c, table, []client.Op{foreign([]byte("6"), 6, []byte("1700000000"), []byte("7"), 0)})
	if _, err := s.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{Keep: true}); err != nil {
		t.Fatal(err)
	}
	apply(t, s, order(change.Delete, 6, version(1, 1, 1), "x"))
	if left := cells(t, c, table, "6"); left["update_info:adopted_execute_time"] == "" || left["d:id"] != "" {
		t.Errorf("after the delete: %q", left)
	}
	if swept, err := later(t, addr, table).Sweep(t.Context(), orders.String(), 30*time.Minute); err != nil || swept.Removed == 0 || len(cells(t, c, table, "6")) != 0 {
		t.Errorf("%+v, %v: %q is left", swept, err, cells(t, c, table, "6"))
	}
	if got, err = s.Adopt(t.Context(), "shop.nothing", sinks.AdoptOptions{}); err == nil {
		t.Errorf("a table that is not configured: %+v", got)
	}
	if got, err = openSink(t, addr, sinks.Table{Name: "nothing"}).Adopt(t.Context(), orders.String(), sinks.AdoptOptions{}); !errors.Is(err, client.ErrTableNotFound) {
		t.Errorf("a table that is not there: %+v, %v", got, err)
	}
	bare := hbaseTable(t, c, client.TableSpec{Families: []string{"d"}})
	if got, err = openSink(t, addr, sinks.Table{Name: bare}).Adopt(t.Context(), orders.String(), sinks.AdoptOptions{}); !errors.Is(err, client.ErrNoFamily) {
		t.Errorf("a table without the family: %+v, %v", got, err)
	}
	wrongSalt := openSink(t, addr, sinks.Table{Name: table, Salt: 4})
	if got, err = wrongSalt.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{DryRun: true}); err != nil || got.Failed != got.Rows {
		t.Errorf("another salt: %+v, %v", got, err)
	}
}

// Between the look at a row and the write somebody else adopts it and writes it, with the very bytes in execute_time that were
// read.
func TestHBaseAdoptRace(t *testing.T) {
	addr := hbaseAddr(t)
	c := hbaseClient(t, addr)
	other, table := hbaseSink(t, addr, sinks.Table{})
	var ops []client.Op
	var changes []*change.Change
	for id, form := range slices.Sorted(maps.Keys(timeForms)) {
		ops = append(ops, foreign(saltedKey(int64(id), 0), int64(id), timeForms[form](base), []byte("7"), 0))
		v := change.Version{Epoch: 1, ExecuteTime: base * 1000, Position: change.Position{File: 1, Offset: 8}}
		changes = append(changes, order(change.Update, int64(id), v, "x"))
	}
	putAll(t, c, table, ops)
	looks := 0
	slow, err := sinks.Open(sinks.Options{
		Client: client.Options{ZooKeeper: []string{addr}}, Tables: map[string]sinks.Table{orders.String(): {Name: table}},
		Now: func() time.Time {
			if looks++; looks == len(ops) { // all rows are read, none is written
				if _, err := other.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{Epoch: 1}); err != nil {
					t.Error(err)
				}
				for _, o := range apply(t, other, changes...) {
					if o.Verdict != change.Newer {
						t.Errorf("%+v", o)
					}
				}
			}
			return time.Now()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	got, err := slow.Adopt(t.Context(), orders.String(), sinks.AdoptOptions{Epoch: 1})
	if n := int64(len(ops)); err != nil || got.Adopted != 0 || got.Changed != n || got.Ours != n {
		t.Errorf("%+v, %v", got, err)
	}
	for _, want := range changes {
		shows(t, c, table, want)
	}
}
