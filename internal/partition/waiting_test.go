package partition

import (
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
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

// TestAReaderThatWokeIsNotKept lets the first of three partitions wake the reader while it is still being given to the
// others: none of them may hold on to it, for nobody would come back to take it away.
func TestAReaderThatWokeIsNotKept(t *testing.T) {
	partitions := make([]*Partition, 3)
	for i := range partitions {
		partitions[i] = &Partition{host: &Host{instant: func() replica.Instant { return 0 }}}
		end := record.Offset(3 - i)
		partitions[i].step(&replica.Lead{Self: 1, Epoch: 1, Replicas: []metadata.NodeID{1}, ISR: []metadata.NodeID{1}, ISRMin: 1, LogEnd: end, DurableEnd: end})
	}
	watch := func(r *Reader) {
		for _, p := range partitions {
			p.Watch(r, 2)
		}
	}
	var r *Reader
	r = NewReader(func() { // who is woken unwatches at once, as a Fetch on another goroutine may
		r.Stop()
		for _, p := range partitions {
			p.Unwatch(r)
		}
	})
	watch(r)
	stopped := NewReader(func() { t.Error("a stopped reader woke") })
	stopped.Stop()
	watch(stopped)
	for i, p := range partitions {
		if n := len(p.readers); n != 0 {
			t.Errorf("partition %d keeps %d readers", i, n)
		}
	}
}

// TestARoundAllocatesNothing: what a round of the Syncer asks of a partition takes no memory where nobody waits.
func TestARoundAllocatesNothing(t *testing.T) {
	b := open(t)
	defer b.close(t)
	p := b.host.Find("t", 0)
	if allocated := testing.AllocsPerRun(100, p.durable); allocated != 0 {
		t.Errorf("%v allocations", allocated)
	}
	if _, leading := p.LeaderEpoch(); !leading {
		t.Error("the partition is not led here")
	}
}
