package verify

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/perceptor/verify"
)

// plantedRows are rows of their own in the table of all types, the id and the columns that are not NULL.
var plantedRows = map[int]string{
	5001: "v='x'", 5002: "v='gone'", 5003: "c=NULL", 5004: "c=''", 5005: "v='trailing  '", 5006: "v='A'", 5008: "d=0e0", 5009: "n=1.5",
	5010: "t6='12:34:56.789012'", 5011: "v='no epoch'", 5012: "v='bad version'", 5013: "v='other time'", 5014: "v='said to be deleted'", 5015: "bl=0x00ff",
	5016: "v='no version at all'", 5017: "uu='123e4567-e89b-12d3-a456-426655440000'", 5018: "tx='long'", 5019: "js='[1]'",
}

// plant is one mistake: what is to be found, and how it comes about in each sink. A nil cells is not for HBase, an empty sql
// not for MySQL.
type plant struct {
	id    int
	found string // kind and columns
	// cells are put into HBase; a nil value deletes the cell.
	cells map[string][]byte
	sql   string // SET of an UPDATE
}

func plants() []plant {
	return []plant{
		{5001, "different v", map[string][]byte{"d:v": []byte("y")}, "v='y'"},
		{5003, "different c", map[string][]byte{"d:c": {}}, "c=''"},
		{5004, "different c", map[string][]byte{"d:c": nil}, "c=NULL"},
		{5005, "different v", map[string][]byte{"d:v": []byte("trailing")}, "v='trailing'"},
		{5006, "different v", map[string][]byte{"d:v": []byte("a")}, "v='a'"},
		{5008, "different d", map[string][]byte{"d:d": []byte("-0")}, ""}, // MariaDB has no such zero
		{5009, "different n", map[string][]byte{"d:n": []byte("1.5")}, "n=1.5000000001"},
		{5010, "different t6", map[string][]byte{"d:t6": []byte("12:34:56.789011")}, "t6='12:34:56.789011'"},
		{5011, "version ", map[string][]byte{"update_info:epoch": nil}, "source_epoch=NULL"},
		{5012, "version ", map[string][]byte{"update_info:version": []byte("broken")}, "binlog_position=NULL"},
		{5013, "version ", map[string][]byte{"update_info:execute_time": {0, 0, 0, 0, 0, 0, 0, 9}}, "execute_time=-1"},
		{5015, "different bl", map[string][]byte{"d:bl": {0, 0xfe}}, "bl=0x00fe"},
		{5016, "version ", map[string][]byte{"update_info:epoch": nil, "update_info:version": nil, "update_info:execute_time": nil, "update_info:binlog_offset": nil}, "execute_time=NULL"},
		{5017, "different uu", map[string][]byte{"d:uu": []byte("123e4567-e89b-12d3-a456-426655440001")}, "uu='123e4567-e89b-12d3-a456-426655440001'"},
		{5018, "different tx", map[string][]byte{"d:tx": []byte("long ")}, "tx='long '"},
		{5019, "different js", map[string][]byte{"d:js": []byte("[1 ]")}, "js='[1 ]'"},
	}
}

// cellsOf changes cells of a row behind the sink's back.
func (c *copies) cellsOf(t testing.TB, table string, key []byte, cells map[string][]byte) {
	t.Helper()
	var put, gone client.Mutation
	gone.Delete = true
	for _, name := range slices.Sorted(maps.Keys(cells)) {
		family, qualifier, _ := strings.Cut(name, ":")
		cell := client.Cell{Family: []byte(family), Qualifier: []byte(qualifier), Value: cells[name]}
		if cells[name] == nil {
			found, err := c.client.Get(t.Context(), table, key, nil)
			if err != nil {
				t.Fatal(err)
			}
			if have := found.Value(cell.Family, cell.Qualifier); have != nil {
				cell.Timestamp = have.Timestamp
				gone.Cells = append(gone.Cells, cell)
			}
			continue
		}
		put.Cells = append(put.Cells, cell)
	}
	for _, m := range []client.Mutation{put, gone} {
		if len(m.Cells) == 0 {
			continue
		}
		if _, err := c.client.Mutate(t.Context(), table, key, nil, m); err != nil {
			t.Fatal(err)
		}
	}
}

// wholeRow deletes a row of HBase behind the sink's back.
func (c *copies) wholeRow(t testing.TB, table string, key []byte) {
	t.Helper()
	found, err := c.client.Get(t.Context(), table, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, cell := range found.Cells {
		all[string(cell.Family)+":"+string(cell.Qualifier)] = nil
	}
	c.cellsOf(t, table, key, all)
}

// idRow is a row of the table of all types of which only the key is told.
func idRow(t *change.Table, id int) change.Row {
	row := make(change.Row, len(t.Columns))
	for i := range row {
		row[i] = change.NullValue()
	}
	row[0] = change.IntValue(int64(id))
	return row
}

func applyOne(t testing.TB, s sink.Sink, c *change.Change) sink.Outcome {
	t.Helper()
	outcomes := make([]sink.Outcome, 1)
	if err := s.Apply(context.Background(), []*change.Change{c}, outcomes); err != nil {
		t.Fatal(err)
	}
	if outcomes[0].Err != nil {
		t.Fatal(outcomes[0].Err)
	}
	return outcomes[0]
}

func told(report *verify.Report) map[string]string {
	all := map[string]string{}
	for _, d := range report.Differences {
		var columns []string
		for _, c := range d.Columns {
			columns = append(columns, c.Name[strings.IndexByte(c.Name, ':')+1:])
		}
		all[d.Key] += string(d.Kind) + " " + strings.Join(columns, ",")
	}
	return all
}

// Every planted mistake is found in every sink, and nothing else; a repair takes away what the guard lets it, and what is
// left says why.
func TestPlanted(t *testing.T) {
	c := makeCopies(t, shapes(), true)
	p := startCarrier(t, c.db, nil, c.hbase, c.mysql, c.beside)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range c.shapes {
		c.shapes[i].fill(t, c.db, r, 400)
	}
	for _, id := range slices.Sorted(maps.Keys(plantedRows)) {
		exec(t, fmt.Sprintf("INSERT INTO %s.alltypes SET id=%d, %s", c.db, id, plantedRows[id]))
	}
	exec(t, "INSERT INTO "+c.db+".alltypes SET id=5900", "DELETE FROM "+c.db+".alltypes WHERE id=5900") // a tombstone is no difference
	p.caughtUp(t)
	table := source(t, c.db, "alltypes").Table()
	extra := &change.Change{Op: change.Create, Table: table, After: idRow(table, 6000), Version: change.Version{Epoch: 1, ExecuteTime: 5}}
	deleted := &change.Change{Op: change.Delete, Table: table, Before: idRow(table, 5014), Version: change.Version{Epoch: 1, ExecuteTime: 1 << 40, Position: change.Position{File: 1}}}
	// The delete carries the version of the row, a little later.
	looked, err := c.mysql.Look(t.Context(), table, [][]byte{mustKey(t, c.mysql, table, 5014)})
	if err != nil {
		t.Fatal(err)
	}
	deleted.Version = looked[0].Version
	deleted.Version.Position.Row++
	for name, s := range c.readers() {
		want := map[string]string{"6000": "extra ", "5002": "missing ", "5014": "missing "}
		applyOne(t, s, extra)
		applyOne(t, s, deleted)
		schema := mysqlDatabase(c, s)
		if s == sink.Reader(c.hbase) {
			c.wholeRow(t, c.tables["alltypes"], mustKey(t, s, table, 5002))
		} else {
			exec(t, "DELETE FROM "+schema+".alltypes WHERE id=5002")
		}
		for _, plant := range plants() {
			switch {
			case s == sink.Reader(c.hbase):
				c.cellsOf(t, c.tables["alltypes"], mustKey(t, s, table, plant.id), plant.cells)
			case plant.sql == "":
				continue
			case s == sink.Reader(c.beside) && strings.HasPrefix(plant.found, "version"):
				continue // versions of rows that are right are not looked at there
			default:
				exec(t, fmt.Sprintf("UPDATE %s.alltypes SET %s WHERE id=%d", schema, plant.sql, plant.id))
			}
			want[fmt.Sprint(plant.id)] = plant.found
		}
		for _, held := range []int{0, 3} { // in memory at once, or little by little
			report := compare(t, c, "alltypes", s, func(c *verify.Config) { c.Progress, c.HeldMax = p, held })
			if got := told(report); !maps.Equal(got, want) {
				t.Errorf("%s: found %v\nand not %v", name, got, want)
			}
			if report.InFlight != 0 || report.Differing() != int64(len(want)) {
				t.Errorf("%s: %d differ, %d are on their way", name, report.Differing(), report.InFlight)
			}
			t.Logf("%s: %s, %d parts, %d differ, %d rows looked at", name, report.Method, report.Parts, report.PartsDiffer, report.Looked)
		}
		for _, shape := range c.shapes[1:] {
			if report := compare(t, c, shape.name, s, func(c *verify.Config) { c.Progress = p }); report.Differing() != 0 {
				t.Errorf("%s, %s: %+v", name, shape.name, report)
			}
		}
		c.repaired(t, name, s, p, want)
	}
}

// repaired repairs, and compares again.
func (c *copies) repaired(t *testing.T, name string, s sink.Reader, p *carrier, want map[string]string) {
	report := compare(t, c, "alltypes", s, func(c *verify.Config) { c.Progress, c.Repair = p, true })
	left := map[string]string{}
	for _, d := range report.Differences {
		if d.Repair != "repaired" {
			left[d.Key] = want[d.Key]
			t.Logf("%s: %s %s: %s", name, d.Key, d.Kind, d.Repair)
		}
	}
	// What the guard of HBase does not know it does not touch.
	expected := map[string]string{}
	if s == sink.Reader(c.hbase) {
		expected = map[string]string{"5012": "version "}
	}
	if !maps.Equal(left, expected) {
		t.Errorf("%s: not repaired: %v", name, left)
	}
	again := compare(t, c, "alltypes", s, func(c *verify.Config) { c.Progress = p })
	if got := told(again); !maps.Equal(got, expected) {
		t.Errorf("%s: after the repair %v, not %v", name, got, expected)
	}
}

func mustKey(t testing.TB, s sink.Reader, table *change.Table, id int) []byte {
	t.Helper()
	key, err := s.Key(t.Context(), table, idRow(table, id))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// mysqlDatabase is where a MySQL sink writes.
func mysqlDatabase(c *copies, s sink.Reader) string {
	switch s {
	case sink.Reader(c.mysql):
		return c.in
	case sink.Reader(c.beside):
		return c.besideDB
	}
	return ""
}
