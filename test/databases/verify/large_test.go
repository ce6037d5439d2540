package verify

import (
	"fmt"
	"sync"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/perceptor/verify"
)

// A table of 200,000 rows of which one in 20 differs, with room for 5,000 keys at once: all of them are found, and what is held
// stays within what is allowed.
func TestLarge(t *testing.T) {
	const rows, room = 200_000, 5_000
	s := shape{name: "large", key: "id", columns: "id BIGINT NOT NULL, v VARCHAR(20)"}
	c := makeCopies(t, []shape{s}, true)
	exec(t, fmt.Sprintf("INSERT INTO %s.large SELECT seq, CONCAT('v', seq) FROM %[1]s.seq_1_to_%d", c.db, rows))
	exec(t, fmt.Sprintf("INSERT INTO %s.large (id, v, execute_time, binlog_position, source_epoch) SELECT id, IF(id %% 20, v, 'x'), 1, REPEAT(0x00,16), 1 FROM %s.large", c.in, c.db))
	src := source(t, c.db, "large")
	table := src.Table()
	parts := make(chan int)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for from := range parts {
				var changes []*change.Change
				for id := from; id < from+2000; id++ {
					v := change.TextValue(fmt.Appendf(nil, "v%d", id))
					if id%20 == 0 {
						v = change.NullValue()
					}
					changes = append(changes, &change.Change{Op: change.Create, Table: table, After: change.Row{change.IntValue(int64(id)), v}, Version: change.Version{Epoch: 1, ExecuteTime: 1}})
				}
				if err := c.hbase.Apply(t.Context(), changes, make([]sink.Outcome, len(changes))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for from := 1; from <= rows; from += 2000 {
		parts <- from
	}
	close(parts)
	writers.Wait()
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
