package commitlog

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/disk"
)

// BenchmarkSyncChoice measures what docs/adr/0003-syncer.md decides: n files, each with a few bytes more, made durable
// one by one, in parallel, and by one syncfs, in turn. It reports medians and the 99th percentile.
func BenchmarkSyncChoice(b *testing.B) {
	for _, n := range []int{1, 2, 4, 8, 16, 32, 64, 128, 200} {
		b.Run(fmt.Sprint("files=", n), func(b *testing.B) {
			fs, err := disk.OpenReal(filepath.Join(b.TempDir(), "data"))
			if err != nil {
				b.Fatal(err)
			}
			defer fs.Close()
			files := make([]disk.File, n)
			for i := range files {
				if files[i], err = fs.Create(fmt.Sprint("f", i)); err != nil {
					b.Fatal(err)
				}
				defer files[i].Close()
			}
			s := &syncer{dir: &Dir{fs: fs}}
			oneByOne := &syncer{dir: &Dir{fs: fs, config: DirConfig{Manual: true}}}
			ways := []struct {
				name string
				sync func() error
			}{
				{"one-by-one", func() error { return syncThese(oneByOne, files) }},
				{"parallel", func() error { return syncThese(s, files) }},
				{"syncfs", fs.SyncAll},
			}
			took := make([][]time.Duration, len(ways))
			at := int64(0)
			line := make([]byte, 200)
			for b.Loop() {
				for i, way := range ways {
					for _, f := range files {
						if _, err := f.WriteAt(line, at); err != nil {
							b.Fatal(err)
						}
					}
					at += int64(len(line))
					began := time.Now()
					if err := way.sync(); err != nil {
						b.Fatal(err)
					}
					took[i] = append(took[i], time.Since(began))
				}
			}
			for i, way := range ways {
				slices.Sort(took[i])
				b.ReportMetric(float64(took[i][len(took[i])/2].Microseconds()), way.name+"-p50-us")
				b.ReportMetric(float64(took[i][len(took[i])*99/100].Microseconds()), way.name+"-p99-us")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func syncThese(s *syncer, files []disk.File) error {
	s.tasks = s.tasks[:0]
	for _, f := range files {
		s.tasks = append(s.tasks, f.Sync)
	}
	return s.inParallel()
}
