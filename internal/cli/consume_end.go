package cli

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// finish knows how far --exit-at-end still has to read: to the offsets that were each partition's end when reading began.
// Its methods may be called concurrently.
type finish struct {
	mu      sync.Mutex
	left    map[int32]int64 // partitions that are not read to their end
	begun   bool            // partitions were given at least once
	reached func()          // called when nothing is left
}

func newFinish(reached func()) *finish { return &finish{left: map[int32]int64{}, reached: reached} }

// give adds a partition that is read from an offset to an end.
func (f *finish) give(partition int32, from, end int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if from < end {
		f.left[partition] = end
	}
}

// given says that all partitions of an assignment were given.
func (f *finish) given() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun = true
	f.check()
}

// took notes a record that was read, or skipped as a control record.
func (f *finish) took(r *kgo.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end, ok := f.left[r.Partition]; ok && r.Offset+1 >= end {
		delete(f.left, r.Partition)
		f.check()
	}
}

// revoked takes partitions away: another member of the group reads them.
func (f *finish) revoked(partitions []int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range partitions {
		delete(f.left, p)
	}
}

func (f *finish) check() {
	if f.begun && len(f.left) == 0 {
		f.reached()
	}
}
