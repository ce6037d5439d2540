package sync

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/hbase/client"
)

var ownTable = &change.Table{Database: "shop", Name: "orders", Key: []int{0}, Columns: []change.Column{
	{Name: "id", Type: change.VarChar, Length: 40}, {Name: "note", Type: change.MediumText, Nullable: true}, {Name: "n", Type: change.BigInt, Nullable: true}}}

// own is the record of a change as a source of skein's writes it.
func own(t testing.TB, table *change.Table, at int64, values ...string) *kgo.Record {
	t.Helper()
	e, err := envelope.NewEncoder(envelope.Options{Format: envelope.Debezium, Schemas: true, Connector: "mariadb"})
	if err != nil {
		t.Fatal(err)
	}
	c := &change.Change{Op: change.Create, Table: table, Version: change.Version{Epoch: 1, ExecuteTime: at, Position: change.Position{File: 7, Offset: uint64(at)}}}
	for i, v := range values {
		value := change.TextValue([]byte(v))
		if table.Columns[i].Type == change.BigInt {
			var n int64
			if _, err := fmt.Sscan(v, &n); err != nil {
				t.Fatal(err)
			}
			value = change.IntValue(n)
		}
		c.After = append(c.After, value)
	}
	records, err := e.Encode(nil, c, at)
	if err != nil {
		t.Fatal(err)
	}
	r := &kgo.Record{Key: records[0].Key, Value: records[0].Value}
	for _, h := range records[0].Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
}

// What cannot be read or written ends in the policy that the file says, in either sink, with the record named.
func TestBadRecords(t *testing.T) {
	with := func(column change.Column) *change.Table {
		other := *ownTable
		other.Columns = append(slices.Clone(ownTable.Columns), column)
		return &other
	}
	otherKey := *ownTable
	otherKey.Key = []int{2}
	// Each is of a row of its own: of two with one version a sink may fold one.
	cut := own(t, ownTable, 1000, "row 11", "cut off", "1")
	cut.Value = cut.Value[:len(cut.Value)-30]
	noKey := own(t, ownTable, 1000, "row 12", "no key", "1")
	noKey.Key = nil
	noVersion := own(t, ownTable, 1000, "row 13", "its version is none", "1")
	noVersion.Headers = []kgo.RecordHeader{{Key: envelope.HeaderVersion, Value: []byte("1:2:3")}}
	unplaced := &kgo.Record{Value: []byte(`{"data":[{"id":"1"}],"database":"shop","es":1,"isDdl":false,"mysqlType":{"id":"varchar(40)"},"old":null,"pkNames":["id"],"table":"orders","ts":2,"type":"INSERT"}`)}
	partial := &kgo.Record{Key: []byte(`{"id":"1"}`), Value: []byte(`{"data":[{"id":"1"}],"database":"shop","es":1,"isDdl":false,"mysqlType":{"id":"varchar(40)","note":"text"},"old":null,"pkNames":["id"],"table":"orders","ts":2,"type":"INSERT"}`)}
	f := &foreign{
		format: "auto", read: ", order: position", key: []string{"id"}, columns: "id VARCHAR(40), note TEXT, n TINYINT",
		// A row of HBase whose version somebody else has written, in another form.
		prepare: func(t *testing.T, name string) {
			c := hbaseClient(t)
			if err := c.CreateTable(t.Context(), client.TableSpec{Name: name, Families: []string{"d", "update_info"}}); err != nil {
				t.Fatal(err)
			}
			theirs := client.Cell{Family: []byte("update_info"), Qualifier: []byte("execute_time"), Value: []byte("2024-01-31 10:00:00")}
			if _, err := c.Mutate(t.Context(), name, []byte("theirs"), nil, client.Mutation{Cells: []client.Cell{theirs}}); err != nil {
				t.Fatal(err)
			}
		},
		broken: []broken{
			{what: "broken JSON", says: "broken JSON at byte", record: cut},
			{what: "no JSON", says: "broken JSON at byte 0", record: &kgo.Record{Value: []byte("<xml/>")}},
			{what: "no key", says: "no primary key and none was declared", record: noKey},
			{what: "NULL in the key", says: "NULL", record: &kgo.Record{Key: []byte(`{"id":null}`), Value: []byte(`{"op":"c","before":null,"after":{"id":null,"note":"","n":1},` + debeziumSource + `}`)}},
			{what: "another key", says: "primary key", only: "mysql", record: own(t, &otherKey, 1000, "row 14", "another key", "1")},
			{what: "an unknown column", says: "no column colour", only: "mysql", record: own(t, with(change.Column{Name: "colour", Type: change.VarChar}), 1000, "1", "unknown column", "1", "red")},
			{what: "a number that does not fit", says: "column 'n'", only: "mysql", record: own(t, ownTable, 1000, "row 15", "", "999")},
			{what: "a text that does not fit", says: "column 'note'", only: "mysql", record: own(t, ownTable, 1000, "row 16", strings.Repeat("x", 1<<16), "1")},
			{what: "a cell that does not fit", says: "exceeds limit", record: own(t, ownTable, 1000, "row 17", strings.Repeat("x", 10<<20+1), "1"), saysMySQL: "column 'note'"},
			{what: "a row key that does not fit", says: "larger than HBase takes", record: own(t, ownTable, 1000, strings.Repeat("k", 1<<15), "", "1"), saysMySQL: "column 'id'"},
			{what: "a row without a version that is one", says: "adopted first", only: "hbase", record: own(t, ownTable, 1000, "theirs", "", "1")},
			{what: "a record whose version is none", says: `"1:2:3" is no version`, record: noVersion},
			{what: "a record without a version", says: "it tells no position in the binlog", record: unplaced},
			{what: "a partial row", says: "the row image is partial", record: partial},
		},
		good: own(t, ownTable, 2000, "good", "the record behind", "9"), goodRow: "good|the record behind|9|",
	}
	t.Run("dead letters", func(t *testing.T) { f.proveDeadLetters(t, "bad_letters") })
	t.Run("stop", func(t *testing.T) { f.proveStops(t, "bad_stop") })
}

// A clock that was set back makes changes that nobody can tell from late ones: they are discarded and counted, whatever the policy, and
// status tells of them.
func TestClockSetBack(t *testing.T) {
	const name = "clock_back"
	f := &foreign{format: "auto", key: []string{"id"}, columns: "id VARCHAR(40), note TEXT, n TINYINT"}
	f.target(t, name)
	topic(t, name, 1)
	back := own(t, ownTable, 5000, "1", "before", "1")
	back.Headers = slices.Clone(back.Headers)
	for i, h := range back.Headers {
		if h.Key == envelope.HeaderVersion {
			back.Headers[i].Value = []byte("1:4000:7:9000:0") // behind in the binlog, and before in time
		}
	}
	path := f.file(t, name, "stop")
	p := runPipeline(t, path)
	for n, r := range []*kgo.Record{own(t, ownTable, 5000, "1", "is newest", "1"), back} {
		produce(t, name, r)
		until(t, "it is taken", func() (string, bool) {
			s := status(t, path).Sinks
			first, second := s[0].Tables["shop.orders"], s[1].Tables["shop.orders"]
			return fmt.Sprintf("%+v", s), s[0].Lag == 0 && s[1].Lag == 0 && first.Put == 1 && second.Put == 1 && first.ClockBack == uint64(n) && second.ClockBack == uint64(n)
		})
	}
	if got := shared.target.rows(t.Context(), "SELECT note FROM "+name+".orders") + cells(t.Context(), hbaseClient(t), name, "d", "note"); got != "is newest\n1|is newest\n" {
		t.Errorf("the targets have %q", got)
	}
	if out, _, _ := skein(t, "sync", "status", path); !strings.Contains(out, "clock") {
		t.Errorf("status does not tell of the clock:\n%s", out)
	}
	p.stop()
}

// A table that is missing: HBase's is asked for before anything is read, and ends the sink; one that goes while it is written makes its
// records bad ones. MySQL's is waited for, as status says, and nothing is lost.
func TestMissingTables(t *testing.T) {
	f := &foreign{format: "auto", key: []string{"id"}, columns: "id VARCHAR(40), note TEXT, n TINYINT"}
	hbase := hbaseClient(t)
	for _, policy := range []string{"stop", "dead-letter"} {
		name := "missing_" + strings.ReplaceAll(policy, "-", "_")
		topic(t, name, 1)
		produce(t, name, own(t, ownTable, 1000, "1", "first", "1"))
		path := f.file(t, name, policy)
		rewrite(t, path, "create: true", "create: false")
		p := runPipeline(t, path, "--only", "hbase")
		if err := p.ended(); err == nil || !strings.Contains(p.log.String(), "the HBase table does not exist: create it with create '"+name+"', 'update_info', 'd'") {
			t.Errorf("%s: without the table: %v\n%s", policy, err, tail(p.log.String(), 2000))
		}
		if err := hbase.CreateTable(t.Context(), client.TableSpec{Name: name, Families: []string{"d", "update_info"}}); err != nil {
			t.Fatal(err)
		}
		p = runPipeline(t, path, "--only", "hbase")
		same(t, "the first row", func() string { return "1|first\n" }, func() string { return cells(t.Context(), hbase, name, "d", "note") })
		through(t, path, "hbase")
		if err := hbase.DeleteTable(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		produce(t, name, own(t, ownTable, 2000, "2", "second", "1"))
		if policy == "stop" {
			if err := p.ended(); err == nil || !strings.Contains(p.log.String(), name+"-0@1") || !strings.Contains(p.log.String(), "the HBase table does not exist") {
				t.Errorf("the table is gone: %v\n%s", err, tail(p.log.String(), 2000))
			}
			continue
		}
		through(t, path, "hbase")
		letters := everything(t, name+".dead-letter")
		if len(letters) != 1 || !strings.Contains(fmt.Sprintf("%s", letters[0].Headers), "the HBase table does not exist") {
			t.Errorf("the dead letters are %+v", letters)
		}
		p.stop()
	}

	const name = "missing_mysql"
	f.target(t, name)
	shared.target.exec(t, "DROP TABLE "+name+".orders")
	topic(t, name, 1)
	produce(t, name, own(t, ownTable, 1000, "1", "first", "1"))
	path := f.file(t, name, "dead-letter")
	p := runPipeline(t, path, "--only", "mysql")
	until(t, "it waits for the table", func() (string, bool) {
		s := status(t, path).Sinks[1]
		return fmt.Sprintf("%+v", s), len(s.Blocked) == 1 && s.Blocked[0].Topic == name && s.Blocked[0].Offset == 0 && strings.Contains(s.Blocked[0].Why, name+".orders")
	})
	f.target(t, name)
	same(t, "the row", func() string { return "1|first\n" }, func() string { return shared.target.rows(t.Context(), "SELECT id, note FROM "+name+".orders") })
	p.stop()
}
