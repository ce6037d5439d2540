package coordinator

import (
	"container/heap"

	"github.com/skein-io/skein/internal/group"
)

// timers are the keyed timers of one loop. A timer that is put off, as a session is with each heartbeat, is only noted:
// it finds its new place when its old time comes. So a heartbeat costs one look into a map, whatever the group's size.
type timers struct {
	byKey map[group.TimerKey]*timer
	heap  timerHeap
	count uint64
}

type timer struct {
	key    group.TimerKey
	at     group.Instant // when it rings; cancelled is never
	placed group.Instant // by which the heap sorts it; not after at
	number uint64        // between equals the one that was made first rings first
	index  int
}

const cancelled group.Instant = 1<<63 - 1

func newTimers() *timers { return &timers{byKey: make(map[group.TimerKey]*timer)} }

func (t *timers) apply(c group.TimerChange) {
	e := t.byKey[c.Key]
	switch {
	case c.Cancel && e != nil:
		e.at = cancelled
	case c.Cancel:
	case e == nil:
		t.count++
		e = &timer{key: c.Key, at: c.At, placed: c.At, number: t.count}
		t.byKey[c.Key] = e
		heap.Push(&t.heap, e)
	case c.At < e.placed:
		e.at, e.placed = c.At, c.At
		heap.Fix(&t.heap, e.index)
	default:
		e.at = c.At
	}
}

// due takes out the first timer that rings at now or before.
func (t *timers) due(now group.Instant) (key group.TimerKey, ok bool) {
	for len(t.heap) > 0 && t.heap[0].placed <= now {
		e := t.heap[0]
		switch {
		case e.at <= now:
			t.remove(e)
			return e.key, true
		case e.at == cancelled:
			t.remove(e)
		default:
			e.placed = e.at
			heap.Fix(&t.heap, 0)
		}
	}
	return group.TimerKey{}, false
}

func (t *timers) remove(e *timer) {
	heap.Pop(&t.heap)
	delete(t.byKey, e.key)
}

// next is when to look again. It may be early.
func (t *timers) next() (at group.Instant, ok bool) {
	if len(t.heap) == 0 {
		return 0, false
	}
	return t.heap[0].placed, true
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].placed != h[j].placed {
		return h[i].placed < h[j].placed
	}
	return h[i].number < h[j].number
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is for container/heap.
func (h *timerHeap) Push(x any) {
	e := x.(*timer)
	e.index = len(*h)
	*h = append(*h, e)
}

// Pop is for container/heap.
func (h *timerHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
