package coordinator

import (
	"sync"

	"github.com/skein-io/skein/internal/group"
)

// item is one event on its way to a loop.
type item struct {
	event group.Event
	// finish takes the reply, or the error if there is none. nil for events that nobody waits for.
	finish func(group.Body, error)
	token  group.Token
}

// inbox is the queue of a loop. It counts the joins of each group, for the end of a join phase.
type inbox struct {
	wake chan struct{} // holds one element when there is something to do

	mu     sync.Mutex
	items  []item
	spare  []item // of the last take, to be used again
	joins  map[string]int
	max    int
	closed bool
}

func newInbox(max int) *inbox {
	return &inbox{wake: make(chan struct{}, 1), joins: make(map[string]int), max: max}
}

// put queues an item. Without room it is refused, unless it must go in.
func (b *inbox) put(it item, must bool) (accepted, closed bool) {
	b.mu.Lock()
	if b.closed || !must && len(b.items) >= b.max {
		closed = b.closed
		b.mu.Unlock()
		return false, closed
	}
	b.items = append(b.items, it)
	if join, ok := it.event.(*group.Join); ok {
		b.joins[join.GroupID]++
	}
	b.mu.Unlock()
	b.signal()
	return true, false
}

func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take removes up to drainMax items. The slice is valid until the next take. More says that there are others.
func (b *inbox) take() (taken []item, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.spare)
	n := min(len(b.items), drainMax)
	if n == len(b.items) {
		taken, b.items, b.spare = b.items, b.spare[:0], b.items
	} else {
		b.spare = append(b.spare[:0], b.items[:n]...)
		taken = b.spare
		rest := copy(b.items, b.items[n:])
		clear(b.items[rest:])
		b.items = b.items[:rest]
	}
	for i := range taken {
		if join, ok := taken[i].event.(*group.Join); ok {
			if b.joins[join.GroupID]--; b.joins[join.GroupID] == 0 {
				delete(b.joins, join.GroupID)
			}
		}
	}
	return taken, len(b.items) > 0
}

// joinWaits says whether a JoinGroup of the group is queued.
func (b *inbox) joinWaits(groupID string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.joins[groupID] > 0
}

// close refuses all items from now on and returns those that are left.
func (b *inbox) close() []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	left := b.items
	b.items, b.spare = nil, nil
	clear(b.joins)
	return left
}

// open takes items again.
func (b *inbox) open() {
	b.mu.Lock()
	b.closed = false
	b.mu.Unlock()
}
