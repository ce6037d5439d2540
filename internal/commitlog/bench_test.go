package commitlog

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
)

// benchBatch is a batch of about total bytes made of records of one size.
func benchBatch(b *testing.B, size, total int) []byte {
	b.Helper()
	builder := record.NewBuilder()
	value := bytes.Repeat([]byte("v"), size)
	for builder.Size() < total {
		if err := builder.Add(testNow, nil, value); err != nil {
			b.Fatal(err)
		}
	}
	made, err := builder.Build()
	if err != nil {
		b.Fatal(err)
	}
	return made
}

// BenchmarkAppend is what a produce costs after it was read from the socket: checks, CRC, one write.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 1024} {
		for _, total := range []int{16 << 10, 1000_000} {
			for _, never := range []bool{true, false} {
				b.Run(fmt.Sprintf("record=%d/batch=%d/never=%v", size, total, never), func(b *testing.B) {
					flush := int64(1)
					if never {
						flush = NeverFlush
					}
					d := realDir(b, DirConfig{FlushMessages: flush})
					config := DefaultConfig()
					config.SegmentBytes = 256 << 20
					config.RetentionBytes = 256 << 20
					config.FileDeleteDelayMs = 0
					l := openLog(b, d, config)
					original := benchBatch(b, size, total)
					work := make([]byte, len(original))
					b.SetBytes(int64(len(work)))
					b.ReportAllocs()
					b.ResetTimer()
					for i := range b.N {
						copy(work, original)
						if _, err := l.Append(work, AppendOptions{Now: testNow}); err != nil {
							b.Fatal(err)
						}
						if i%1000 == 0 {
							if _, err := l.Retain(testNow, l.EndOffset()); err != nil {
								b.Fatal(err)
							}
						}
					}
					if err := l.Sync(); err != nil {
						b.Fatal(err)
					}
				})
			}
		}
	}
}

// BenchmarkSync is one small append to each of n logs and the wait until all are durable.
func BenchmarkSync(b *testing.B) {
	for _, n := range []int{1, 4, 16, 32, 64, 200} {
		b.Run(fmt.Sprintf("logs=%d", n), func(b *testing.B) {
			d := realDir(b, DirConfig{})
			logs := make([]*Log, n)
			for i := range logs {
				l, err := d.OpenLog(TopicPartition{"t", int32(i)}, testID, DefaultConfig())
				if err != nil {
					b.Fatal(err)
				}
				logs[i] = l
			}
			original := benchBatch(b, 100, 200)
			work := make([]byte, len(original))
			var wait sync.WaitGroup
			for b.Loop() {
				for _, l := range logs {
					copy(work, original)
					if _, err := l.Append(work, AppendOptions{Now: testNow}); err != nil {
						b.Fatal(err)
					}
				}
				for _, l := range logs {
					wait.Go(func() {
						if err := l.Sync(); err != nil {
							b.Error(err)
						}
					})
				}
				wait.Wait()
			}
		})
	}
}

// BenchmarkRestart opens six logs that were not closed, as after kill -9: RESTART_MIB in all, 256 unless told.
func BenchmarkRestart(b *testing.B) {
	total := 256
	if n, err := strconv.Atoi(os.Getenv("RESTART_MIB")); err == nil {
		total = n
	}
	const logs = 6
	root := filepath.Join(b.TempDir(), "data")
	fs, err := disk.OpenReal(root)
	if err != nil {
		b.Fatal(err)
	}
	config := DirConfig{NodeID: 1, ClusterID: "test-cluster", FreeBytesFloor: -1}
	d, err := OpenDir(fs, config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = d.Close() })
	original := benchBatch(b, 1024, 1_000_000)
	work := make([]byte, len(original))
	for i := range logs {
		l, err := d.OpenLog(TopicPartition{"t", int32(i)}, testID, DefaultConfig())
		if err != nil {
			b.Fatal(err)
		}
		for range (total << 20) / logs / len(work) {
			copy(work, original)
			if _, err := l.Append(work, AppendOptions{Now: testNow}); err != nil {
				b.Fatal(err)
			}
		}
		if err := l.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		copied := filepath.Join(b.TempDir(), "copy")
		if out, err := exec.Command("cp", "-al", root, copied).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		if err := os.Remove(filepath.Join(copied, lockName)); err != nil {
			b.Fatal(err)
		}
		again, err := disk.OpenReal(copied)
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		d, err := OpenDir(again, config)
		if err != nil {
			b.Fatal(err)
		}
		for i := range logs {
			l, err := d.OpenLog(TopicPartition{"t", int32(i)}, testID, DefaultConfig())
			if err != nil {
				b.Fatal(err)
			}
			if l.Recovery().Cut || l.EndOffset() == 0 {
				b.Fatalf("%+v", l.Recovery())
			}
			if i == 0 {
				b.Logf("%+v", l.Recovery())
			}
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/restart")
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead finds what a Fetch sends: a MiB after the other of a log of small batches, and the newest batch.
func BenchmarkRead(b *testing.B) {
	d := realDir(b, DirConfig{FlushMessages: NeverFlush})
	config := DefaultConfig()
	config.SegmentBytes = 64 << 20
	l := openLog(b, d, config)
	original := benchBatch(b, 100, 16<<10)
	work := make([]byte, len(original))
	for range 16 << 10 {
		copy(work, original)
		if _, err := l.Append(work, AppendOptions{Now: testNow}); err != nil {
			b.Fatal(err)
		}
	}
	count := int64(record.Batch(original).Count())
	b.Run("sequential", func(b *testing.B) {
		b.ReportAllocs()
		from := record.Offset(0)
		for b.Loop() {
			s, err := l.Read(from, l.EndOffset(), 1<<20, true)
			if err != nil {
				b.Fatal(err)
			}
			from += record.Offset(int64(s.Len()/len(original)) * count)
			s.Release()
			if from >= l.EndOffset() {
				from = 0
			}
		}
	})
	b.Run("tail", func(b *testing.B) {
		b.ReportAllocs()
		from := l.EndOffset() - record.Offset(count)
		for b.Loop() {
			s, err := l.Read(from, l.EndOffset(), 1<<20, true)
			if err != nil || s.Len() != len(original) {
				b.Fatal(s.Len(), err)
			}
			s.Release()
		}
	})
}
