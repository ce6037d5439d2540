package coordinator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/skein-io/skein/internal/group"
)

// recorder keeps the last events of one loop, with their times: what package group decided can be decided again from
// them. It keeps the events themselves, so it is bounded by their number and by what they weigh.
type recorder struct {
	eventsMax, bytesMax int

	mu    sync.Mutex
	queue []group.Recorded // from first on
	first int
	bytes int
	total int // events since the load
}

func newRecorder(eventsMax, bytesMax int) *recorder {
	return &recorder{eventsMax: eventsMax, bytesMax: bytesMax}
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue, r.first, r.bytes, r.total = nil, 0, 0, 0
}

func (r *recorder) add(at group.Instant, e group.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total++
	r.queue = append(r.queue, group.Recorded{At: at, Event: e})
	r.bytes += weight(e)
	for n := len(r.queue) - r.first; n > 0 && (n > r.eventsMax || r.bytes > r.bytesMax); n-- {
		r.bytes -= weight(r.queue[r.first].Event)
		r.queue[r.first] = group.Recorded{}
		r.first++
	}
	if r.first > 64 && r.first > len(r.queue)/2 {
		n := copy(r.queue, r.queue[r.first:])
		clear(r.queue[n:])
		r.queue, r.first = r.queue[:n], 0
	}
}

// weight is about what an event takes in memory.
func weight(e group.Event) int {
	size := 256
	switch e := e.(type) {
	case *group.Join:
		for i := range e.Protocols {
			size += 64 + len(e.Protocols[i].Metadata)
		}
	case *group.Sync:
		for i := range e.Assignments {
			size += 128 + len(e.Assignments[i].Data)
		}
	case *group.Commit:
		for i := range e.Topics {
			size += 64 + 48*len(e.Topics[i].Partitions)
		}
	case *group.Fetch:
		for i := range e.Topics {
			size += 64 + 4*len(e.Topics[i].Partitions)
		}
	case *group.Leave:
		size += 64 * len(e.Members)
	}
	return size
}

// events returns what is kept, in order. Complete says that it begins with the load.
func (r *recorder) events() (events []group.Recorded, complete bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	events = append(events, r.queue[r.first:]...)
	return events, len(events) == r.total
}

// write writes what is kept as JSON lines, the oldest first: {"at":ms,"kind":...,"event":{...}}.
func (r *recorder) write(w io.Writer) error {
	events, _ := r.events()
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	for i := range events {
		if err := encoder.Encode(events[i]); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// Dump writes the flight recorder of the loop of a partition as JSON lines.
func (c *Coordinator) Dump(partition int32, w io.Writer) error {
	l := c.loop(partition)
	if l == nil {
		return fmt.Errorf("partition %d of __consumer_offsets has no coordinator here", partition)
	}
	return l.recorder.write(w)
}

// savePanic hands out the recording when the loop's goroutine panics, and panics on.
func (l *loop) savePanic() {
	reason := recover()
	if reason == nil {
		return
	}
	if l.cfg.Crashed != nil {
		var recording bytes.Buffer
		if err := l.recorder.write(&recording); err != nil {
			fmt.Fprintf(&recording, "the recording broke off: %v\n", err)
		}
		l.cfg.Crashed(l.partition, recording.Bytes())
	}
	panic(reason)
}
