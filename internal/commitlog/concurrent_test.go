package commitlog

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// TestEverythingAtOnce appends, reads, looks up, deletes, compacts, describes and waits for syncs at the same time, with
// few files open. Whatever a reader gets is whole.
func TestEverythingAtOnce(t *testing.T) {
	const appends = 600
	for _, compact := range []bool{false, true} {
		t.Run(fmt.Sprint("compact=", compact), func(t *testing.T) {
			d := realDir(t, DirConfig{OpenFilesMax: 4, OnDurable: func([]*Log) {}})
			config := DefaultConfig()
			config.SegmentBytes = 4000
			config.FileDeleteDelayMs = 0
			config.Compact, config.Delete = compact, !compact
			config.MinCleanableDirtyRatio = 0.01
			config.RetentionBytes = 20_000
			l := openLog(t, d, config)
			appendTo(t, l, batch(t, testNow, "first"))
			var done atomic.Bool
			var users sync.WaitGroup
			use := func(name string, f func(r *sim.Rand) error) {
				users.Go(func() {
					r := sim.NewRand(1).Fork(name)
					for !done.Load() {
						if err := f(r); err != nil && protocol.CodeOf(err) != protocol.OffsetOutOfRange {
							t.Errorf("%s: %v", name, err)
							return
						}
					}
				})
			}
			for i := range 2 {
				use(fmt.Sprint("read ", i), func(r *sim.Rand) error { return readSome(l, r) })
			}
			use("look up", func(r *sim.Rand) error {
				_, _, err := l.OffsetForTimestamp(testNow+r.Int64N(appends), l.EndOffset())
				if err == nil {
					_, _, err = l.MaxTimestamp(l.EndOffset())
				}
				return err
			})
			use("clean", func(*sim.Rand) error {
				l.Producers()
				if compact {
					_, err := l.Compact(testNow, l.DurableEnd())
					return err
				}
				_, err := l.Retain(testNow, l.DurableEnd())
				return err
			})
			use("sync", func(*sim.Rand) error { return l.Sync() })
			for i := range appends {
				appendTo(t, l, batch(t, testNow+int64(i), fmt.Sprint("value ", i)))
			}
			done.Store(true)
			users.Wait()
			if err := l.Verify(); err != nil {
				t.Fatal(err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// readSome reads from somewhere and checks what it gets.
func readSome(l *Log, r *sim.Rand) error {
	start, end := l.StartOffset(), l.EndOffset()
	from := start + record.Offset(r.Int64N(int64(end-start)+1))
	s, err := l.Read(from, end, 1+r.IntN(3000), true)
	if err != nil {
		return err
	}
	defer s.Release()
	b, err := s.ReadAll()
	if err != nil {
		return err
	}
	_, err = collectValues(b, map[record.Offset]string{})
	return err
}
