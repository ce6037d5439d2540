package rows_test

import (
	"testing"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/binlog/internal/rows"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

// Decoding the images of recorded rows of 40 columns of all types.
func BenchmarkRecordedRows(b *testing.B) {
	s := newStream()
	type recorded struct {
		table *rows.Table
		event event.Rows
	}
	var all []recorded
	for _, e := range split(b, "mariadb.binlog") {
		if err := s.read(e); err != nil {
			b.Fatal(err)
		}
		h, body, err := s.format.Open(e)
		if err != nil {
			b.Fatal(err)
		}
		if h.Type.IsRows() {
			r, _, err := s.format.ParseRows(h, body, nil, sizeMax)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, recorded{s.tables[r.TableID], r})
		}
	}
	var memory arena.Arena
	var reader rows.Reader
	images := 0
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for _, r := range all {
			if err := reader.Reset(r.table, r.event, &memory); err != nil {
				b.Fatal(err)
			}
			for reader.More() {
				if _, _, err := reader.Next(); err != nil {
					b.Fatal(err)
				}
				images++
			}
		}
	}
	b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "rows/s")
}
