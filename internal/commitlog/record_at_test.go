package commitlog

import (
	"testing"

	"github.com/skein-io/skein/internal/record"
)

// compareRecordAt wants the next record that is left from every offset on, and nothing outside the log.
func compareRecordAt(t *testing.T, l *Log, left map[record.Offset]string) {
	t.Helper()
	next, known := record.Offset(0), false
	for from := l.EndOffset() + 1; from >= 0; from-- {
		if _, there := left[from]; there {
			next, known = from, true
		}
		got, ok, err := l.RecordAt(from, l.EndOffset())
		if err != nil || ok != known || ok && got.Offset != next {
			t.Fatalf("the next record from %d on is %+v %v %v, want %d %v", from, got, ok, err, next, known)
		}
		if got, ok, err := l.RecordAt(from, next); known && (ok || err != nil) {
			t.Fatalf("from %d on and below %d there is %+v (%v), want nothing", from, next, got, err)
		}
	}
}

// TestRecordAtPassesOverMarkers: what ends a transaction is no record that anybody is given.
func TestRecordAtPassesOverMarkers(t *testing.T) {
	_, _, l := manualLog(t, DefaultConfig())
	appendTo(t, l, batch(t, testNow-50, "a", "b"))
	marker := func() {
		b := record.NewBuilder()
		b.SetTransactional(true)
		b.SetControl(true)
		b.SetProducer(7, 0, record.NoSequence)
		if err := b.Add(testNow, record.ControlKey(record.ControlCommit), record.EndMarker(0)); err != nil {
			t.Fatal(err)
		}
		made, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(made, AppendOptions{LeaderEpoch: 4, Now: testNow, Origin: Coordinator}); err != nil {
			t.Fatal(err)
		}
	}
	marker()
	appendTo(t, l, batch(t, testNow-20, "c"))
	marker()
	for from, want := range []TimestampOffset{{testNow - 50, 0}, {testNow - 49, 1}, {testNow - 20, 3}, {testNow - 20, 3}} {
		if got, ok, err := l.RecordAt(record.Offset(from), 5); err != nil || !ok || got != want {
			t.Errorf("from %d on: %+v %v %v, want %+v", from, got, ok, err, want)
		}
	}
	if got, ok, err := l.RecordAt(4, 5); ok || err != nil {
		t.Errorf("behind the last record there is %+v (%v)", got, err)
	}
	for offset, want := range []int64{testNow - 49, testNow - 49, testNow, testNow - 20, testNow} {
		if got, ok, err := l.BatchTime(record.Offset(offset)); err != nil || !ok || got != want {
			t.Errorf("the batch at %d: %d %v %v, want %d", offset, got, ok, err, want)
		}
	}
	if got, ok, err := l.BatchTime(5); ok || err != nil {
		t.Errorf("there is no batch at 5, and its time is %d (%v)", got, err)
	}
}
