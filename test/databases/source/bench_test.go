package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/pipeline"
	"github.com/skein-io/skein/perceptor/source"
)

// BenchmarkSnapshot reads a table of 6 columns with a Source, and beside it with SELECT * and the driver of database/sql, whose values are
// looked at and thrown away.
func BenchmarkSnapshot(b *testing.B) {
	const n = 1_000_000
	shared.fresh(b, "bench")
	shared.exec(b, "CREATE TABLE bench.t (id BIGINT PRIMARY KEY, customer INT UNSIGNED NOT NULL, amount DECIMAL(12,2) NOT NULL, name VARCHAR(60), created DATETIME(6) NOT NULL, state ENUM('new','paid','sent') NOT NULL)",
		fmt.Sprintf("INSERT INTO bench.t SELECT seq, seq %% 1000, seq / 100, CONCAT('customer number ', seq), '2024-02-29 12:34:56.789012', 'paid' FROM seq_1_to_%d", n))
	if os.Getenv("GOGC") == "" { // as `skein sync` runs; both sides
		defer pipeline.Collect()()
	}
	measure := func(b *testing.B, read func() int) {
		var before, after runtime.MemStats
		b.ResetTimer()
		runtime.ReadMemStats(&before)
		for range b.N {
			if seen := read(); seen != n {
				b.Fatalf("%d rows", seen)
			}
		}
		b.StopTimer()
		runtime.ReadMemStats(&after)
		all := float64(b.N) * n
		b.ReportMetric(all/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/row")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/all, "B/row")
	}
	b.Run("source", func(b *testing.B) {
		config := shared.config(b, "bench")
		config.Snapshot, config.Log = source.Only, nil
		measure(b, func() (seen int) {
			s, err := source.Open(b.Context(), config, source.State{}, false)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			for {
				e, err := s.Next(b.Context())
				if errors.Is(err, io.EOF) {
					return seen
				}
				if err != nil {
					b.Fatal(err)
				}
				if e.Kind == binlog.Row {
					seen++
				}
			}
		})
	})
	b.Run("select", func(b *testing.B) {
		measure(b, func() (seen int) {
			rows, err := shared.sql.QueryContext(b.Context(), "SELECT * FROM bench.t")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = rows.Close() }()
			var id int64
			var customer uint32
			var amount, name, created, state []byte
			for rows.Next() {
				if err := rows.Scan(&id, &customer, &amount, &name, &created, &state); err != nil {
					b.Fatal(err)
				}
				seen++
			}
			return seen
		})
	})
}
