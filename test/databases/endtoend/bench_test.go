package endtoend

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/source"
	"github.com/skein-io/skein/test/services"
)

// BenchmarkFeed takes what is in a binlog already into a topic of a skein process, rows of 6 columns, one a transaction, and
// beside it reads the same with the same reader and discards it.
func BenchmarkFeed(b *testing.B) {
	const rows, writers, at = 400_000, 8, 500
	dir := b.TempDir()
	db := newDatabase(b, filepath.Join(dir, "source"), 1, nil)
	broker, err := services.NewSkein(build(b, dir), services.Options{Dir: filepath.Join(dir, "broker")})
	if err != nil {
		b.Fatal(err)
	}
	start(b, broker)
	b.Cleanup(func() { _ = broker.Kill() })
	if _, err := db.sql.ExecContext(b.Context(), `CREATE TABLE bench (id BIGINT PRIMARY KEY, customer INT UNSIGNED NOT NULL, amount DECIMAL(12,2) NOT NULL, name VARCHAR(60),
		created DATETIME(6) NOT NULL, state ENUM('new','paid','sent') NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	config := binlog.Config{Addr: db.Addr(), User: services.MariaDBUser, Password: services.MariaDBPassword, ServerID: 71, Epoch: 1}
	from, err := binlog.Current(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for first := w * at; first < rows; first += writers * at {
				var values []string
				for id := first; id < first+at; id++ {
					values = append(values, fmt.Sprintf("INSERT INTO bench VALUES (%d,%d,%d.25,'customer number %d','2024-02-29 12:34:56.789012','paid')", id, id%1000, id%977, id))
				}
				if _, err := db.sql.ExecContext(b.Context(), "BEGIN NOT ATOMIC "+strings.Join(values, ";COMMIT;")+";COMMIT; END"); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
	if b.Failed() {
		return
	}
	open := func(b *testing.B) *source.Source {
		s, err := source.Open(b.Context(), source.Config{Binlog: config, Snapshot: source.Never}, source.State{Position: from}, true)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	b.Run("read and discard", func(b *testing.B) {
		for b.Loop() {
			s := open(b)
			for seen := 0; seen < rows; {
				e, err := s.Next(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if e.Kind == binlog.Row {
					seen++
				}
			}
			_ = s.Close()
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("to the topic", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			s := open(b)
			ctx, stop := context.WithCancel(b.Context())
			cfg := perceptor.FeedConfig{Name: "bench", Brokers: []string{broker.Addr()}, Partitions: 3, Counts: &perceptor.FeedCounts{}}
			cfg.Encode.Prefix = fmt.Sprintf("bench%d-%d", b.N, n)
			ended := make(chan error, 1)
			go func() { ended <- perceptor.Feed(ctx, s, cfg) }()
			for cfg.Counts.Records() < rows {
				select {
				case err := <-ended:
					b.Fatal(err)
				case <-time.After(time.Millisecond):
				}
			}
			stop()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
			_ = s.Close()
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}
