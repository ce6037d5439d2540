package partition

import (
	"cmp"
	"slices"
	"sort"
	"sync/atomic"

	"github.com/skein-io/skein/internal/record"
)

// commitWait is somebody who waits until everything below end is committed.
type commitWait struct {
	end record.Offset
	f   func(error)
}

// commitQueue holds waits in order of their end. Appends come in that order, so add is cheap; a retried batch waits
// for an earlier end and finds its place by search.
type commitQueue struct {
	waits []commitWait
}

func (q *commitQueue) add(w commitWait) {
	n := len(q.waits)
	if n == 0 || q.waits[n-1].end <= w.end {
		q.waits = append(q.waits, w)
		return
	}
	at := sort.Search(n, func(i int) bool { return q.waits[i].end > w.end })
	q.waits = append(q.waits, commitWait{})
	copy(q.waits[at+1:], q.waits[at:])
	q.waits[at] = w
}

// below takes out the waits that a high watermark satisfies. The result is the caller's.
func (q *commitQueue) below(highWatermark record.Offset) []commitWait {
	n := 0
	for n < len(q.waits) && q.waits[n].end <= highWatermark {
		n++
	}
	if n == 0 {
		return nil
	}
	if n == len(q.waits) {
		return q.all()
	}
	done := make([]commitWait, n)
	copy(done, q.waits)
	rest := copy(q.waits, q.waits[n:])
	clear(q.waits[rest:])
	q.waits = q.waits[:rest]
	return done
}

func (q *commitQueue) all() []commitWait {
	done := q.waits
	q.waits = nil
	return done
}

// Reader is a Fetch that waits for new records in several partitions. It is woken at most once, by the first
// partition whose high watermark moves, that begins another leader epoch or is lost, and is of no use after that.
type Reader struct {
	woken atomic.Bool
	f     func()
}

// NewReader makes a Reader; f runs when it wakes, must not block, and may run on the Syncer's goroutine.
func NewReader(f func()) *Reader { return &Reader{f: f} }

func (r *Reader) wake() {
	if r.woken.CompareAndSwap(false, true) {
		r.f()
	}
}

// Stop makes sure that the reader does not wake any more, and that nobody who is about to watch with it still does.
func (r *Reader) Stop() { r.woken.Store(true) }

// Watch lets r wait for the high watermark to pass seen. If it has already, r wakes before Watch returns. A reader that
// another partition has woken meanwhile, or that was stopped, is not kept: nobody would come back for it.
func (p *Partition) Watch(r *Reader, seen record.Offset) {
	p.mu.Lock()
	if r.woken.Load() {
		p.mu.Unlock()
		return
	}
	_, serves := p.state.Serving()
	if p.state.HighWatermark() > seen || !serves || p.gone != nil {
		p.mu.Unlock()
		r.wake()
		return
	}
	if p.readers == nil {
		p.readers = map[*Reader]uint64{}
	}
	p.watches++
	p.readers[r] = p.watches
	p.mu.Unlock()
}

// WatchEnd lets r wait for the log's end to pass seen, as a follower does: it is given records before they are durable.
// Otherwise it is as Watch.
func (p *Partition) WatchEnd(r *Reader, seen record.Offset) {
	p.mu.Lock()
	if r.woken.Load() {
		p.mu.Unlock()
		return
	}
	if p.ends == nil {
		p.ends = map[*Reader]uint64{}
	}
	p.watches++
	p.ends[r] = p.watches
	p.endWatchers.Store(int32(len(p.ends)))
	// An append looks for watchers after it has moved the end: one of the two sees the other.
	if _, leading := p.state.Leading(); p.log.EndOffset() > seen || !leading || p.gone != nil {
		delete(p.ends, r)
		p.endWatchers.Store(int32(len(p.ends)))
		p.mu.Unlock()
		r.wake()
		return
	}
	p.mu.Unlock()
}

// wakeEnds wakes those who wait for the log's end.
func (p *Partition) wakeEnds() {
	if p.endWatchers.Load() == 0 {
		return
	}
	p.mu.Lock()
	wake := takeReaders(p.ends, nil)
	p.endWatchers.Store(0)
	p.mu.Unlock()
	for _, r := range wake {
		r.wake()
	}
}

// takeReaders moves readers out of a set, who came first in front.
func takeReaders(from map[*Reader]uint64, to []*Reader) []*Reader {
	if len(from) == 0 {
		return to
	}
	before := len(to)
	for r := range from {
		to = append(to, r)
	}
	slices.SortFunc(to[before:], func(a, b *Reader) int { return cmp.Compare(from[a], from[b]) })
	clear(from)
	return to
}

// Unwatch ends what Watch or WatchEnd began. The reader has woken or was stopped before.
func (p *Partition) Unwatch(r *Reader) {
	p.mu.Lock()
	delete(p.readers, r)
	if len(p.ends) > 0 {
		delete(p.ends, r)
		p.endWatchers.Store(int32(len(p.ends)))
	}
	p.mu.Unlock()
}
