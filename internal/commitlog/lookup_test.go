package commitlog

import (
	"testing"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// TestTimestampsModel asks for timestamps in a log whose timestamps go up and down, and compares with a list.
func TestTimestampsModel(t *testing.T) {
	for seed := range uint64(seeds(4)) {
		w := newWorld(t, seed, nil)
		w.config.SegmentMs = 1 << 40
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
		r := sim.NewRand(seed)
		var times []int64
		for range 120 {
			b := record.NewBuilder()
			for range 1 + r.IntN(4) {
				at := testNow - r.Int64N(1000) + int64(len(times))*3
				if r.Chance(20) {
					at = record.NoTimestamp
				}
				if err := b.Add(at, []byte("k"), []byte("0123456789")); err != nil {
					t.Fatal(err)
				}
				times = append(times, at)
			}
			made, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			appendTo(t, w.l, made)
			if r.Chance(20) {
				if err := w.d.Close(); err != nil {
					t.Fatal(err)
				}
				if err := w.open(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.l.DeleteRecords(record.Offset(r.IntN(50))); err != nil {
			t.Fatal(err)
		}
		for range 300 {
			compareTimestamps(t, w.l, times, testNow-1100+r.Int64N(2000), record.Offset(r.IntN(len(times)+1)))
		}
	}
}

func compareTimestamps(t *testing.T, l *Log, times []int64, timestamp int64, upTo record.Offset) {
	t.Helper()
	wantFirst, wantMax := TimestampOffset{}, TimestampOffset{Timestamp: -1}
	firstOK := false
	for o := l.StartOffset(); o < upTo; o++ {
		if times[o] >= timestamp && !firstOK {
			wantFirst, firstOK = TimestampOffset{times[o], o}, true
		}
		if times[o] > wantMax.Timestamp {
			wantMax = TimestampOffset{times[o], o}
		}
	}
	got, ok, err := l.OffsetForTimestamp(timestamp, upTo)
	if err != nil || ok != firstOK || ok && got != wantFirst {
		t.Fatalf("timestamp %d below %d: %+v %v %v, want %+v %v", timestamp, upTo, got, ok, err, wantFirst, firstOK)
	}
	if from := max(upTo-3, l.StartOffset()); from < upTo {
		got, ok, err := l.RecordAt(from, upTo)
		if want := (TimestampOffset{times[from], from}); err != nil || !ok || got != want {
			t.Fatalf("record at %d: %+v %v %v, want %+v", from, got, ok, err, want)
		}
	}
	got, ok, err = l.MaxTimestamp(upTo)
	if err != nil || ok != (wantMax.Timestamp >= 0) || ok && got.Timestamp != wantMax.Timestamp {
		t.Fatalf("largest below %d: %+v %v %v, want %+v", upTo, got, ok, err, wantMax)
	}
	if ok && (times[got.Offset] != got.Timestamp || got.Offset >= upTo) {
		t.Fatalf("largest below %d: offset %d has %d", upTo, got.Offset, times[got.Offset])
	}
}

func TestEpochEnds(t *testing.T) {
	_, _, l := manualLog(t, DefaultConfig())
	for _, epoch := range []record.LeaderEpoch{2, 2, 5, 7, 7} {
		if _, err := l.Append(batch(t, testNow, "v"), AppendOptions{LeaderEpoch: epoch, Now: testNow}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		ask, found record.LeaderEpoch
		end        record.Offset
		ok         bool
	}{
		{0, 0, 0, true}, {1, 1, 0, true}, // before the log: they ended where it begins
		{2, 2, 2, true}, {3, 2, 2, true}, {4, 2, 2, true}, {5, 5, 3, true}, {6, 5, 3, true}, {7, 7, 5, true},
		{8, record.NoLeaderEpoch, -1, false}, {-1, record.NoLeaderEpoch, -1, false},
	} {
		found, end, ok := l.EpochEnd(c.ask)
		if found != c.found || end != c.end || ok != c.ok {
			t.Fatalf("epoch %d: %d to %d, %v", c.ask, found, end, ok)
		}
	}
	for o, want := range []record.LeaderEpoch{2, 2, 5, 7, 7} {
		if epoch, ok := l.EpochAt(record.Offset(o)); !ok || epoch != want {
			t.Fatalf("epoch at %d: %d", o, epoch)
		}
	}
	if err := l.TruncateTo(3); err != nil {
		t.Fatal(err)
	}
	if epoch, _ := l.LatestEpoch(); epoch != 5 {
		t.Fatalf("latest %d", epoch)
	}
	if err := l.DeleteRecords(1); err != nil {
		t.Fatal(err)
	}
	if found, end, _ := l.EpochEnd(2); found != 2 || end != 2 {
		t.Fatalf("%d to %d", found, end)
	}
}
