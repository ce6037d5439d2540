package coordinator

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/skein-io/skein/internal/group"
)

// recorder keeps the last events of one loop, with their times: what package group decided can be decided again from
// them. It keeps the events themselves, so each is bounded by what a request may be, and there are few.
type recorder struct {
	mu    sync.Mutex
	ring  []group.Recorded
	max   int
	total int // events since the load
}

func newRecorder(max int) *recorder { return &recorder{max: max} }

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring, r.total = nil, 0
}

func (r *recorder) add(at group.Instant, e group.Event) {
	if r.max <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	recorded := group.Recorded{At: at, Event: e}
	if len(r.ring) < r.max {
		r.ring = append(r.ring, recorded)
	} else {
		r.ring[r.total%r.max] = recorded
	}
	r.total++
}

// events returns what is kept, in order. Complete says that it begins with the load.
func (r *recorder) events() (events []group.Recorded, complete bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total <= r.max {
		return append([]group.Recorded(nil), r.ring...), true
	}
	at := r.total % r.max
	return append(append([]group.Recorded(nil), r.ring[at:]...), r.ring[:at]...), false
}

// Dump writes the flight recorder of the loop of a partition as JSON lines, the oldest first: {"at":ms,"kind":...,
// "event":{...}}.
func (c *Coordinator) Dump(partition int32, w io.Writer) error {
	l := c.loop(partition)
	if l == nil {
		return fmt.Errorf("partition %d of __consumer_offsets has no coordinator here", partition)
	}
	events, _ := l.recorder.events()
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	for i := range events {
		if err := encoder.Encode(events[i]); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
