package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/verify"
)

// write changes rows of a table at random until the context ends.
func (s *shape) write(ctx context.Context, db string, seed uint64, rows int, pace func(context.Context) error) error {
	r := rand.New(rand.NewPCG(seed, 77))
	for ctx.Err() == nil {
		var q string
		n := r.IntN(rows)
		switch r.IntN(3) {
		case 0:
			q = fmt.Sprintf("REPLACE INTO %s.%s VALUES (%s)", db, s.name, s.row(r, n))
		case 1:
			q = fmt.Sprintf("UPDATE %s.%s SET v = %s ORDER BY RAND() LIMIT 5", db, s.name, []string{"'1'", "'2'", "NULL"}[r.IntN(3)])
		default:
			q = fmt.Sprintf("DELETE FROM %s.%s ORDER BY RAND() LIMIT 2", db, s.name)
		}
		if _, err := maria.sql.ExecContext(ctx, q); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		if pace(ctx) != nil {
			return nil
		}
	}
	return nil
}

// While rows are inserted, changed and deleted and the sinks are now and then behind, nothing differs but what was planted.
func TestFlowing(t *testing.T) {
	all := shapes()
	shapes := []shape{all[1], all[2]}
	shapes[1].columns += ", KEY (v)"
	c := makeCopies(t, shapes, true)
	runs := 4 // SKEIN_RUNS=20 for all
	if n, err := strconv.Atoi(os.Getenv("SKEIN_RUNS")); err == nil {
		runs = n
	}
	random, pauses := rand.New(rand.NewPCG(5, 5)), rand.New(rand.NewPCG(6, 6))
	p := startCarrier(t, c.db, func(changes []*change.Change) []*change.Change {
		if pauses.IntN(50) == 0 {
			time.Sleep(time.Duration(pauses.IntN(300)) * time.Millisecond)
		}
		return changes
	}, c.hbase, c.mysql, c.beside)
	const rows = 1500
	for i := range c.shapes {
		c.shapes[i].fill(t, c.db, random, rows)
	}
	exec(t, "INSERT INTO "+c.db+".text VALUES ('planted', 1, 'right')")
	p.caughtUp(t)
	table := source(t, c.db, "text").Table()
	key := make(change.Row, len(table.Columns))
	key[0] = change.TextValue([]byte("planted"))
	name, err := c.hbase.Key(t.Context(), table, key)
	if err != nil {
		t.Fatal(err)
	}
	c.cellsOf(t, c.tables["text"], name, map[string][]byte{"d:w": []byte("wrong")})
	for _, db := range []string{c.in, c.besideDB} {
		exec(t, "UPDATE "+db+".text SET w='wrong' WHERE code='planted'")
	}
	// The writers leave the planted row alone.
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range c.shapes {
		writers.Go(func() {
			s := c.shapes[i]
			if err := s.writeButPlanted(ctx, c.db, uint64(i), rows, p.pace); err != nil {
				t.Error(err)
			}
		})
	}
	defer writers.Wait()
	defer stop()
	inFlight, looked, differed := int64(0), int64(0), 0
	readers := c.readers()
	for run := range runs {
		for name, s := range readers {
			for _, shape := range c.shapes {
				report := compare(t, c, shape.name, s, func(c *verify.Config) { c.Progress, c.RangeRows, c.Buckets = p, 100, 64 })
				want := int64(0)
				if shape.name == "text" {
					want = 1
				}
				if report.Differing() != want || want == 1 && report.Differences[0].Key != "planted" {
					t.Errorf("run %d, %s, %s: %d differ: %+v", run, name, shape.name, report.Differing(), report.Differences)
				}
				inFlight, looked, differed = inFlight+report.InFlight, looked+report.Looked, differed+report.PartsDiffer
			}
		}
	}
	t.Logf("%d parts differed at first sight, %d rows were looked at, %d were in flight in the end", differed, looked, inFlight)
	if looked < int64(2*runs) {
		t.Error("the writers were too tame: hardly a row was looked at twice")
	}
}

func (s *shape) writeButPlanted(ctx context.Context, db string, seed uint64, rows int, pace func(context.Context) error) error {
	if s.name != "text" {
		return s.write(ctx, db, seed, rows, pace)
	}
	r := rand.New(rand.NewPCG(seed, 78))
	for ctx.Err() == nil {
		q := fmt.Sprintf("REPLACE INTO %s.text VALUES (%s)", db, s.row(r, r.IntN(rows)))
		switch r.IntN(3) {
		case 0:
			q = fmt.Sprintf("UPDATE %s.text SET v = %d WHERE code <> 'planted' ORDER BY RAND() LIMIT 5", db, r.IntN(1000))
		case 1:
			q = fmt.Sprintf("DELETE FROM %s.text WHERE code <> 'planted' ORDER BY RAND() LIMIT 2", db)
		}
		if _, err := maria.sql.ExecContext(ctx, q); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		if pace(ctx) != nil {
			return nil
		}
	}
	return nil
}
