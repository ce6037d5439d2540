package partition

import (
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/record"
)

func TestCommitQueueKeepsOrder(t *testing.T) {
	var q commitQueue
	var done []record.Offset
	for _, end := range []record.Offset{5, 9, 7, 7, 3, 12} {
		q.add(commitWait{end: end, f: func(error) { done = append(done, end) }})
	}
	run := func(waits []commitWait) {
		for _, w := range waits {
			w.f(nil)
		}
	}
	run(q.below(2))
	if len(done) != 0 {
		t.Fatalf("a high watermark of 2 ended the waits for %v", done)
	}
	run(q.below(7))
	if want := []record.Offset{3, 5, 7, 7}; !slices.Equal(done, want) {
		t.Fatalf("a high watermark of 7 ended the waits for %v, want %v", done, want)
	}
	run(q.all())
	if want := []record.Offset{3, 5, 7, 7, 9, 12}; !slices.Equal(done, want) {
		t.Errorf("in the end %v, want %v", done, want)
	}
	if len(q.waits) != 0 {
		t.Errorf("%d waits are left", len(q.waits))
	}
}

func TestReaderWakesOnce(t *testing.T) {
	woken := 0
	r := NewReader(func() { woken++ })
	r.wake()
	r.wake()
	if woken != 1 {
		t.Errorf("woken %d times, want once", woken)
	}
}
