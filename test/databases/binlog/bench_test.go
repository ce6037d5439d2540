package binlog

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
)

const benchColumns = "id BIGINT PRIMARY KEY, customer INT UNSIGNED NOT NULL, amount DECIMAL(12,2) NOT NULL, name VARCHAR(60), created DATETIME(6) NOT NULL, state ENUM('new','paid','sent') NOT NULL"

// benchRow is a row's values. n is an SQL expression.
func benchRow(n string) string {
	return n + ", " + n + " % 1000, " + n + " / 100, CONCAT('customer number ', " + n + "), '2024-02-29 12:34:56.789012', 'paid'"
}

// Reading what is in the binlog already: rows of 6 columns, one a transaction, and many in one.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name string
		fill func(b *testing.B, table string) int
	}{
		{"one row a transaction", func(b *testing.B, table string) int {
			const n, at = 50_000, 500
			for from := 0; from < n; from += at {
				var statements []string
				for i := from; i < from+at; i++ {
					statements = append(statements, "INSERT INTO "+table+" VALUES ("+benchRow(fmt.Sprint(i))+")")
				}
				shared.exec(b, strings.Join(statements, ";"))
			}
			return n
		}},
		{"one transaction", func(b *testing.B, table string) int {
			shared.exec(b, "INSERT INTO "+table+" SELECT "+benchRow("seq")+" FROM seq_1_to_200000")
			return 200_000
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			table := "bench_" + strings.ReplaceAll(c.name, " ", "_")
			config := shared.config()
			config.Tables = func(_, name string) bool { return name == table }
			shared.exec(b, "CREATE OR REPLACE TABLE "+table+" ("+benchColumns+")")
			config.Start = shared.now(b)
			n := c.fill(b, table)
			var before, after runtime.MemStats
			b.ResetTimer()
			runtime.ReadMemStats(&before)
			for range b.N {
				r := open(b, config)
				for seen := 0; seen < n; {
					e, err := r.Next(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					if e.Kind == binlog.Row {
						seen++
					}
				}
				_ = r.Close()
			}
			b.StopTimer()
			runtime.ReadMemStats(&after)
			all := float64(b.N) * float64(n)
			b.ReportMetric(all/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/row")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/all, "B/row")
		})
	}
}
