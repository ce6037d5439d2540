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

// recorder keeps the last events of one loop, with their times, and what each group was before the first of its events:
// what package group decided can be decided again from that. It keeps the events themselves, so it is bounded by their
// number and by what they weigh, but for the newest: that is kept alone if it weighs more.
//
// The events are in two chapters. When the newer is full, it takes the place of the older, which goes. A chapter has a
// snapshot of each group before the group's first event in it, so whichever chapter is the oldest, nothing of what came
// before is needed. Snapshots take at most half of a chapter: a group that does not fit is left out of it, and says so.
type recorder struct {
	eventsMax, bytesMax int
	shard               *group.Shard // the loop's: only its goroutine looks into it. nil: there are no snapshots

	mu         sync.Mutex
	older, now chapter
	total      int // events since the load
}

type chapter struct {
	lines  []group.Recorded
	events int                 // of lines, without the snapshots
	bytes  int                 // all of them weigh
	snaps  int                 // the snapshots weigh
	groups map[string]struct{} // that it has an event of
}

func newRecorder(eventsMax, bytesMax int) *recorder {
	return &recorder{eventsMax: eventsMax, bytesMax: bytesMax}
}

// begin forgets everything and goes on with another shard.
func (r *recorder) begin(shard *group.Shard) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shard, r.older, r.now, r.total = shard, chapter{}, chapter{}, 0
}

// add keeps an event that is about to be stepped.
func (r *recorder) add(at group.Instant, e group.Event) {
	size := weight(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total++
	// A chapter takes half of the bounds.
	if n := r.now.events; n > 0 && (n >= (r.eventsMax+1)/2 || r.now.bytes+size > r.bytesMax/2) {
		r.older, r.now = r.now, chapter{}
	}
	if r.now.events == 0 && size > r.bytesMax/2 {
		r.older = chapter{}
	}
	line := group.Recorded{At: at, Event: e}
	if r.shard != nil {
		line.Seq = r.shard.Emitted()
		r.snapshot(line)
	}
	r.now.lines = append(r.now.lines, line)
	r.now.events++
	r.now.bytes += size
}

// snapshot puts the state of an event's group before it, if it is the group's first in the chapter.
func (r *recorder) snapshot(line group.Recorded) {
	id := group.GroupOf(line.Event)
	if _, there := r.now.groups[id]; there || id == "" {
		return
	}
	state := r.shard.Snapshot(id, r.bytesMax/4-r.now.snaps)
	if r.now.groups == nil {
		r.now.groups = make(map[string]struct{})
	}
	r.now.groups[id] = struct{}{}
	if state.Empty() && r.now.events+1 == r.total {
		return // nothing came before this chapter: a replay knows nothing of the group either
	}
	size := state.Weight()
	r.now.lines = append(r.now.lines, group.Recorded{At: line.At, Seq: line.Seq, Event: state})
	r.now.bytes += size
	r.now.snaps += size
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
	events = append(append(events, r.older.lines...), r.now.lines...)
	return events, r.older.events+r.now.events == r.total
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
