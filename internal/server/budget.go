package server

import (
	"container/list"
	"sync"
	"time"
)

// budget is the bytes that requests may hold in memory, over all connections. Who finds too little waits in a queue,
// first come first served; one that is larger than the whole budget goes when nothing else is out. Safe for
// concurrent use.
type budget struct {
	mu      sync.Mutex
	max     int64 // 0: no limit
	used    int64
	waiting list.List // of *budgetWaiter
}

type budgetWaiter struct {
	n, own  int64
	granted chan struct{}
}

// acquire takes n bytes for somebody who has own already. It returns false, with nothing taken, if done is closed or
// timeout fires before there is room; a nil timeout never does.
func (b *budget) acquire(n, own int64, done <-chan struct{}, timeout <-chan time.Time) bool {
	b.mu.Lock()
	if b.waiting.Len() == 0 && b.fits(n, own) {
		b.used += n
		b.mu.Unlock()
		return true
	}
	w := &budgetWaiter{n, own, make(chan struct{})}
	place := b.waiting.PushBack(w)
	b.mu.Unlock()
	select {
	case <-w.granted:
		return true
	case <-done:
	case <-timeout:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.granted:
		b.used -= n
	default:
		b.waiting.Remove(place)
	}
	b.grant()
	return false
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

func (b *budget) fits(n, own int64) bool { return b.max <= 0 || b.used == own || b.used+n <= b.max }

// grant lets those go who wait in front and have room now.
func (b *budget) grant() {
	for front := b.waiting.Front(); front != nil; front = b.waiting.Front() {
		w := front.Value.(*budgetWaiter)
		if !b.fits(w.n, w.own) {
			return
		}
		b.used += w.n
		b.waiting.Remove(front)
		close(w.granted)
	}
}

// inUse is the bytes that are out.
func (b *budget) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
