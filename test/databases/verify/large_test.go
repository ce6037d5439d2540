package verify

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/perceptor/verify"
)

// A table of which one row in 20 differs, with room for half of these at once: all of them are found, and what is held stays
// within what is allowed. SKEIN_ROWS=200000 is the whole proof.
func TestLarge(t *testing.T) {
	rows := int64(40_000)
	if n, err := strconv.ParseInt(os.Getenv("SKEIN_ROWS"), 10, 64); err == nil {
		rows = n
	}
	room := int(rows) / 40
	s := shape{name: "large", key: "id", columns: "id BIGINT NOT NULL, v VARCHAR(20)"}
	c := makeCopies(t, []shape{s}, true)
	exec(t, fmt.Sprintf("INSERT INTO %s.large SELECT seq, CONCAT('v', seq) FROM %[1]s.seq_1_to_%d", c.db, rows))
	exec(t, fmt.Sprintf("INSERT INTO %s.large (id, v, execute_time, binlog_position, source_epoch) SELECT id, IF(id %% 20, v, 'x'), 1, REPEAT(0x00,16), 1 FROM %s.large", c.in, c.db))
	src := source(t, c.db, "large")
	table := src.Table()
	c.fillLarge(t, table, rows)
	p := startCarrier(t, c.db, nil)
	for name, s := range map[string]sink.Reader{"HBase": c.hbase, "MySQL": c.mysql} {
		report, err := verify.Run(t.Context(), verify.Config{Source: src, Sink: s, Progress: p, HeldMax: room, Keep: 10})
		if err != nil {
			t.Fatal(err)
		}
		if report.Rows != rows || report.Sink != rows || report.Different != rows/20 || report.Differing() != rows/20 || report.InFlight != 0 || len(report.Differences) != 10 {
			t.Errorf("%s: %+v", name, report)
		}
		// A range of MySQL's is added to what is held before it is looked at.
		if report.HeldMax > room+rangeRows || report.HeldMax == 0 {
			t.Errorf("%s: %d keys were held, and %d are allowed", name, report.HeldMax, room)
		}
		t.Logf("%s: %s, %d parts, at most %d keys held", name, report.Method, report.Parts, report.HeldMax)
	}
}

const rangeRows = 10_000

// fillLarge writes the rows without the guard, which takes its time: each has the cells of the version that the sink wrote
// with the first one.
func (c *copies) fillLarge(t *testing.T, table *change.Table, rows int64) {
	first := &change.Change{Op: change.Create, Table: table, After: change.Row{change.IntValue(1), change.TextValue([]byte("v1"))}, Version: change.Version{Epoch: 1, ExecuteTime: 1}}
	applyOne(t, c.hbase, first)
	found, err := c.client.Get(t.Context(), c.tables["large"], []byte("1"), client.Columns{{Family: []byte("update_info")}})
	if err != nil {
		t.Fatal(err)
	}
	version := found.Cells
	for i := range version {
		version[i].Timestamp = 0
	}
	const part = 2000
	for from := int64(2); from <= rows; from += part {
		var ops []client.Op
		for id := from; id < min(from+part, rows+1); id++ {
			key := fmt.Append(nil, id)
			cells := []client.Cell{{Family: []byte("d"), Qualifier: []byte("id"), Value: key}}
			if id%20 != 0 {
				cells = append(cells, client.Cell{Family: []byte("d"), Qualifier: []byte("v"), Value: fmt.Appendf(nil, "v%d", id)})
			}
			ops = append(ops, client.Op{Row: key, Steps: []client.Step{{Mutations: []client.Mutation{{Cells: append(cells, version...)}}}}})
		}
		if err := c.client.Batch(t.Context(), c.tables["large"], ops); err != nil {
			t.Fatal(err)
		}
		for i := range ops {
			if ops[i].Err != nil {
				t.Fatal(ops[i].Err)
			}
		}
	}
}
