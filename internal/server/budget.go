package server

import (
	"container/list"
	"sync"
	"time"
)

// budget is the bytes that requests may hold in memory, over all connections. Who finds too little waits, first come
// first served, those first who hold some already: when they are done they give back what they have. One request that
// is larger than the whole budget goes when nothing else is out.
//
// Requests that arrive in parts could each hold a part and wait for the others for ever. So one of them at a time gets
// all that it still needs, room or not: at most one request more than max is in memory. Safe for concurrent use.
type budget struct {
	mu      sync.Mutex
	max     int64 // 0: no limit
	used    int64
	growing list.List // of *budgetWaiter, who hold some
	waiting list.List // of *budgetWaiter, who hold nothing
}

// budgetWaiter wants n bytes more, or all of rest where it must be done with waiting.
type budgetWaiter struct {
	n, rest, own int64
	got          int64
	granted      chan struct{}
}

// acquire takes n bytes for somebody who holds none. It returns false, with nothing taken, if done is closed before
// there is room.
func (b *budget) acquire(n int64, done <-chan struct{}) bool {
	b.mu.Lock()
	if b.growing.Len() == 0 && b.waiting.Len() == 0 && (b.max <= 0 || b.used == 0 || b.used+n <= b.max) {
		b.used += n
		b.mu.Unlock()
		return true
	}
	b.mu.Unlock()
	_, ok := b.wait(&b.waiting, &budgetWaiter{n: n, rest: n}, done, nil)
	return ok
}

// grow takes n bytes for somebody who holds own and will need rest in all, or takes rest at once; got is which. It
// returns false, with nothing taken, if done is closed or timeout fires before there is room.
func (b *budget) grow(n, rest, own int64, done <-chan struct{}, timeout <-chan time.Time) (got int64, ok bool) {
	return b.wait(&b.growing, &budgetWaiter{n: n, rest: rest, own: own}, done, timeout)
}

func (b *budget) wait(queue *list.List, w *budgetWaiter, done <-chan struct{}, timeout <-chan time.Time) (got int64, ok bool) {
	b.mu.Lock()
	w.granted = make(chan struct{})
	place := queue.PushBack(w)
	b.grant()
	b.mu.Unlock()
	select {
	case <-w.granted:
		return w.got, true
	case <-done:
	case <-timeout:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.granted:
		b.used -= w.got
	default:
		queue.Remove(place)
	}
	b.grant()
	return 0, false
}

// charge takes n bytes that are in memory already, room or not: those who come later wait for them to be given back.
func (b *budget) charge(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += n
}

// release gives n bytes back.
func (b *budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.grant()
}

func (b *budget) fits(w *budgetWaiter) bool {
	return b.max <= 0 || b.used == w.own || b.used+w.n <= b.max
}

// grant lets those go who wait in front and have room now, and of those who grow one that has not.
func (b *budget) grant() {
	for front := b.growing.Front(); front != nil; front = b.growing.Front() {
		w := front.Value.(*budgetWaiter)
		w.got = w.n
		if !b.fits(w) {
			if b.used > b.max {
				return
			}
			w.got = w.rest
		}
		b.let(&b.growing, front)
	}
	for front := b.waiting.Front(); front != nil; front = b.waiting.Front() {
		w := front.Value.(*budgetWaiter)
		if !b.fits(w) {
			return
		}
		w.got = w.n
		b.let(&b.waiting, front)
	}
}

func (b *budget) let(queue *list.List, place *list.Element) {
	w := queue.Remove(place).(*budgetWaiter)
	b.used += w.got
	close(w.granted)
}

// inUse is the bytes that are out.
func (b *budget) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
