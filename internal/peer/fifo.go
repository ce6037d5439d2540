package peer

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// request is one that was asked and has no answer yet.
type request struct {
	message  protocol.Message
	version  int16 // highest until it is sent
	own      bool  // the response must not share memory with the buffer
	deadline time.Time
	id       int32 // correlation id, when it is in flight
	sent     bool  // the other node may have read it
	done     Done
}

// highest stands for the highest version that both sides know.
const highest int16 = -1

// fifo is requests in the order in which they were asked, so their deadlines grow.
type fifo struct {
	items []*request
	from  int // items before it are gone
}

func (f *fifo) len() int { return len(f.items) - f.from }

// head is the oldest; there is one.
func (f *fifo) head() *request { return f.items[f.from] }

func (f *fifo) push(r *request) {
	if f.from > 32 && f.from > len(f.items)/2 {
		f.items = slices.Delete(f.items, 0, f.from)
		f.from = 0
	}
	f.items = append(f.items, r)
}

// pop takes the oldest.
func (f *fifo) pop() *request {
	r := f.items[f.from]
	f.items[f.from] = nil
	f.from++
	if f.from == len(f.items) {
		f.items, f.from = f.items[:0], 0
	}
	return r
}

// unpush takes the newest.
func (f *fifo) unpush() *request {
	last := len(f.items) - 1
	r := f.items[last]
	f.items[last] = nil
	f.items = f.items[:last]
	return r
}

// takeAll empties f.
func (f *fifo) takeAll() []*request {
	all := f.items[f.from:]
	*f = fifo{}
	return all
}

// prepend puts older requests in front.
func (f *fifo) prepend(older []*request) {
	if len(older) > 0 {
		*f = fifo{items: append(slices.Clip(older), f.items[f.from:]...)}
	}
}
