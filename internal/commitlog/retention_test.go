package commitlog

import (
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/record"
)

const hour = int64(3600 * 1000)

func appendAt(t testing.TB, l *Log, timestamp, now int64) {
	t.Helper()
	if _, err := l.Append(batch(t, timestamp, strings.Repeat("v", 80)), AppendOptions{Now: now}); err != nil {
		t.Fatal(err)
	}
}

func retain(t testing.TB, l *Log, now int64, highWatermark record.Offset) int {
	t.Helper()
	n, err := l.Retain(now, highWatermark)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRollBySize(t *testing.T) {
	config := DefaultConfig()
	config.SegmentBytes = 1000
	_, _, l := manualLog(t, config)
	for range 30 {
		appendAt(t, l, testNow, testNow)
	}
	for _, s := range l.segments {
		if s.size.Load() > 1000 || s.size.Load() == 0 {
			t.Fatalf("a segment of %d bytes", s.size.Load())
		}
	}
}

func TestRollByTime(t *testing.T) {
	config := DefaultConfig()
	config.SegmentMs = hour
	config.TimestampAfterMs = 10 * hour
	_, _, l := manualLog(t, config)
	appendAt(t, l, testNow, testNow)
	appendAt(t, l, testNow+hour, testNow)
	if l.Segments() != 1 {
		t.Fatalf("%d segments", l.Segments())
	}
	appendAt(t, l, testNow+hour+1, testNow)
	if l.Segments() != 2 {
		t.Fatalf("%d segments", l.Segments())
	}
	appendAt(t, l, record.NoTimestamp, testNow+2*hour+1) // without a timestamp the wall clock counts
	if l.Segments() != 3 {
		t.Fatalf("%d segments", l.Segments())
	}
}

func TestRollWhenTheIndexIsFull(t *testing.T) {
	config := DefaultConfig()
	config.IndexIntervalBytes = 1
	config.SegmentIndexBytes = 10 * offsetEntrySize
	_, _, l := manualLog(t, config)
	for i := range 60 {
		appendAt(t, l, testNow+int64(i), testNow)
	}
	for _, s := range l.segments {
		if s.index.count() > 10 || s.times.count() > 10 {
			t.Fatalf("%d and %d entries", s.index.count(), s.times.count())
		}
	}
	if l.Segments() < 6 {
		t.Fatalf("%d segments", l.Segments())
	}
}

func TestRollWhenOffsetsDoNotFit(t *testing.T) {
	_, _, l := manualLog(t, DefaultConfig())
	far := record.Batch(batch(t, testNow, "far"))
	near := batch(t, testNow, "near")
	if _, err := l.Append(near, AppendOptions{Origin: Replica, Now: testNow}); err != nil {
		t.Fatal(err)
	}
	far.SetBaseOffset(1 << 40)
	if _, err := l.Append(far, AppendOptions{Origin: Replica, Now: testNow}); err != nil {
		t.Fatal(err)
	}
	if l.Segments() != 2 || l.EndOffset() != 1<<40+1 {
		t.Fatalf("%d segments to %d", l.Segments(), l.EndOffset())
	}
	got, err := readValues(l, 0)
	if err != nil || got[0] != "near" || got[1<<40] != "far" {
		t.Fatalf("%v %v", got, err)
	}
}

func TestRetentionByTime(t *testing.T) {
	config := DefaultConfig()
	config.SegmentBytes = 500
	config.RetentionMs = hour
	_, _, l := manualLog(t, config)
	for i := range int64(40) {
		appendAt(t, l, testNow+i*1000, testNow+i*1000)
	}
	end := l.EndOffset()
	if n := retain(t, l, testNow+hour, end); n != 0 {
		t.Fatalf("%d segments deleted too early", n)
	}
	if n := retain(t, l, testNow+hour+20_000, 10); n == 0 || l.StartOffset() > 10 {
		t.Fatalf("%d segments deleted, start %d beyond the high watermark", n, l.StartOffset())
	}
	retain(t, l, testNow+hour+20_000, end)
	if start := l.StartOffset(); start > 20 || start < 14 {
		t.Fatalf("start %d", start)
	}
	// All of it is old: the active segment goes too, once it has been silent for as long.
	retain(t, l, testNow+hour+41_000, end)
	if l.StartOffset() != end || l.Segments() != 1 {
		t.Fatalf("start %d, end %d, %d segments", l.StartOffset(), end, l.Segments())
	}
	appendAt(t, l, testNow, testNow)
	if l.EndOffset() != end+1 {
		t.Fatal("offsets begin anew")
	}
}

func TestRetentionAndTimestamps(t *testing.T) {
	config := DefaultConfig()
	config.RetentionMs = hour
	config.TimestampAfterMs = 1000 * hour
	_, _, l := manualLog(t, config)
	appendAt(t, l, testNow-100*hour, testNow) // old records that have just arrived
	if n := retain(t, l, testNow, l.EndOffset()); n != 0 {
		t.Fatal("old records were deleted the moment they arrived")
	}
	_, _, l = manualLog(t, config)
	appendAt(t, l, testNow, testNow)
	appendAt(t, l, testNow+500*hour, testNow) // one from the future, which also rolls the segment
	if n := retain(t, l, testNow+1, l.EndOffset()); n != 0 || l.StartOffset() != 0 {
		t.Fatal("one future timestamp deleted the newest records")
	}
	// It keeps those of its own segment, and no others.
	l.mu.Lock()
	_, err := l.rollAt(l.EndOffset(), testNow)
	l.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	appendAt(t, l, testNow, testNow)
	if n := retain(t, l, testNow+3*hour, l.EndOffset()); n != 1 || l.StartOffset() != 1 {
		t.Fatalf("%d segments deleted, start %d", n, l.StartOffset())
	}
}

func TestRetentionByBytes(t *testing.T) {
	config := DefaultConfig()
	config.SegmentBytes = 500
	config.RetentionMs = Unlimited
	config.RetentionBytes = 2000
	_, _, l := manualLog(t, config)
	for range 60 {
		appendAt(t, l, testNow, testNow)
	}
	retain(t, l, testNow, l.EndOffset())
	if size := l.Size(); size < 2000 || size >= 2500 {
		t.Fatalf("%d bytes", size)
	}
	config.RetentionBytes = 0
	l.Configure(config)
	retain(t, l, testNow, l.EndOffset())
	if l.Segments() != 1 || l.Size() == 0 {
		t.Fatalf("%d segments, %d bytes: the newest records stay", l.Segments(), l.Size())
	}
}

func TestDeletionIsDelayed(t *testing.T) {
	config := DefaultConfig()
	config.SegmentBytes = 500
	fs, d, l := manualLog(t, config)
	for range 20 {
		appendAt(t, l, testNow, testNow)
	}
	if err := d.Round(); err != nil {
		t.Fatal(err)
	}
	s, err := l.Read(0, l.EndOffset(), 1<<20, true)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.DeleteRecords(15); err != nil {
		t.Fatal(err)
	}
	if n := retain(t, l, testNow, l.EndOffset()); n == 0 {
		t.Fatal("nothing was deleted")
	}
	count := func(suffix string) (n int) {
		entries, err := fs.List(testName.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name, suffix) {
				n++
			}
		}
		return n
	}
	if count(deletedSuffix) == 0 {
		t.Fatal("files were removed at once")
	}
	d.Reap(testNow + config.FileDeleteDelayMs - 1)
	if count(deletedSuffix) == 0 {
		t.Fatal("files were removed too early")
	}
	d.Reap(testNow + config.FileDeleteDelayMs)
	if count(deletedSuffix) != 0 {
		t.Fatal("files were not removed")
	}
	// Who was reading goes on reading.
	if got, err := s.ReadAll(); err != nil || string(got) != string(want) {
		t.Fatalf("a deleted segment that is being read: %v", err)
	}
	s.Release()
	if _, err := l.Read(0, l.EndOffset(), 1, true); err == nil {
		t.Fatal("deleted records can be read")
	}
}

func TestDeleteRecordsSurvivesARestart(t *testing.T) {
	fs, d, l := manualLog(t, DefaultConfig())
	for range 10 {
		appendAt(t, l, testNow, testNow)
	}
	if err := d.Round(); err != nil {
		t.Fatal(err)
	}
	if err := l.DeleteRecords(7); err != nil {
		t.Fatal(err)
	}
	if err := l.DeleteRecords(11); err == nil {
		t.Fatal("beyond the end")
	}
	d, err := openWith(fs.Crash(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if l = openLog(t, d, DefaultConfig()); l.StartOffset() != 7 || l.EndOffset() != 10 {
		t.Fatalf("%d to %d", l.StartOffset(), l.EndOffset())
	}
	found, ok, err := l.OffsetForTimestamp(0, 10)
	if err != nil || !ok || found.Offset != 7 {
		t.Fatalf("%v %v %v", found, ok, err)
	}
}
