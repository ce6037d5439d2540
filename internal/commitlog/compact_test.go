package commitlog

import (
	"fmt"
	"testing"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// TestCompactionModel compares a compacted log with a map: after each pass the newest value of every key is there, no
// key has two values below the cleaned offset, and offsets and order are kept.
func TestCompactionModel(t *testing.T) {
	for seed := range uint64(seeds(6)) {
		w := compacting(t, seed, nil)
		r := sim.NewRand(seed).Fork("passes")
		w.config.Compression = Compression{Enforced: true, Codec: record.Codecs()[seed%5]}
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
		w.d.config.CompactionBytesMax = []int{0, 1 << 20}[seed%2] // with 0 the table is as small as it gets
		for range 300 {
			if !r.Chance(60) {
				if err := w.append(); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := w.round(); err != nil {
				t.Fatal(err)
			}
			w.now += 10_000
			w.want.cleanable = w.l.DurableEnd()
			done, err := w.l.Compact(w.now, w.l.DurableEnd())
			if err != nil {
				t.Fatal(err)
			}
			if err := verifyLog(t, w.l, w.want); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if done.Ran {
				checkCleaned(t, w, done.CleanedTo)
			}
		}
	}
}

// checkCleaned looks for keys that occur twice below an offset.
func checkCleaned(t *testing.T, w *world, below record.Offset) {
	t.Helper()
	got := values(t, w.l, w.l.StartOffset())
	compareRecordAt(t, w.l, got)
	seen := map[string]record.Offset{}
	for o := below - 1; o >= w.l.StartOffset(); o-- {
		if _, there := got[o]; !there {
			continue
		}
		key := w.current().keys[o-w.current().first]
		if later, twice := seen[key]; twice {
			t.Fatalf("key %s stands at %d and at %d, below %d", key, o, later, below)
		}
		seen[key] = o
	}
}

func TestTombstonesCanBeReadForAWhile(t *testing.T) {
	w := compacting(t, 1, nil)
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	add := func(key, value string) {
		t.Helper()
		if _, err := w.l.Append(keyed(t, testNow, record.NoSequence, []string{key}, []string{value}), AppendOptions{Now: testNow}); err != nil {
			t.Fatal(err)
		}
	}
	pass := func(now int64) map[record.Offset]string {
		t.Helper()
		for i := range 40 { // fills the active segment, so that what came before is sealed
			add(fmt.Sprint("filler ", i%3), "0123456789012345678901234567890123456789")
		}
		if err := w.d.Round(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.l.Compact(now, w.l.DurableEnd()); err != nil {
			t.Fatal(err)
		}
		return values(t, w.l, 0)
	}
	add("k", "old")
	add("k", tombstone)
	if got := pass(testNow); got[0] != "" || got[1] != tombstone {
		t.Fatalf("after the first pass: %q, %q", got[0], got[1])
	}
	if got := pass(testNow + w.config.DeleteRetentionMs - 1); got[1] != tombstone {
		t.Fatalf("before its time: %q", got[1])
	}
	if got := pass(testNow + w.config.DeleteRetentionMs); got[1] != "" {
		t.Fatalf("after its time: %q", got[1])
	}
}

func TestCompactionWaits(t *testing.T) {
	w := compacting(t, 1, nil)
	w.config.MinCompactionLagMs = hour
	w.config.MinCleanableDirtyRatio = 0.5
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if err := w.append(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.round(); err != nil {
		t.Fatal(err)
	}
	if done, err := w.l.Compact(testNow+hour-1, w.l.DurableEnd()); err != nil || done.Ran {
		t.Fatalf("within min.compaction.lag.ms: %+v, %v", done, err)
	}
	if done, err := w.l.Compact(testNow+2*hour, 0); err != nil || done.Ran {
		t.Fatalf("above the high watermark: %+v, %v", done, err)
	}
	done, err := w.l.Compact(testNow+2*hour, w.l.DurableEnd())
	if err != nil || !done.Ran || done.RecordsKept >= done.RecordsRead {
		t.Fatalf("%+v, %v", done, err)
	}
	for range 6 {
		if err := w.append(); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := w.l.Compact(testNow+2*hour, w.l.EndOffset()); err != nil || done.Ran && done.DirtyRatio < 0.5 {
		t.Fatalf("below the dirty ratio: %+v, %v", done, err)
	}
	w.config.Compact = false
	w.l.Configure(w.config)
	if _, err := w.l.Compact(testNow, w.l.EndOffset()); err == nil {
		t.Fatal("a log that is not to be compacted was")
	}
}

func TestCompactionKeepsReaders(t *testing.T) {
	w := compacting(t, 1, nil)
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if err := w.append(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.round(); err != nil {
		t.Fatal(err)
	}
	s, err := w.l.Read(0, w.l.EndOffset(), 1<<20, true)
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if done, err := w.l.Compact(testNow, w.l.DurableEnd()); err != nil || done.SegmentsFrom < 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	after, err := s.ReadAll()
	s.Release()
	if err != nil || string(before) != string(after) {
		t.Fatalf("a segment changed under its reader: %v", err)
	}
	// What the first pass made small, the next joins.
	segments := w.l.Segments()
	for range 20 {
		if err := w.append(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.round(); err != nil {
		t.Fatal(err)
	}
	if done, err := w.l.Compact(testNow, w.l.DurableEnd()); err != nil || done.SegmentsTo >= done.SegmentsFrom || w.l.Segments() >= segments {
		t.Fatalf("%+v, %v", done, err)
	}
}
