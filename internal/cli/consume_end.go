package cli

import (
	"maps"
	"slices"
	"sync"
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

// passed notes how far a partition is read.
func (f *finish) passed(partition int32, position int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end, ok := f.left[partition]; ok && position >= end {
		delete(f.left, partition)
		f.check()
	}
}

// unread are the partitions that are not read to their end.
func (f *finish) unread() []int32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.left))
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
