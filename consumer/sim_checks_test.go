package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/skein-io/skein/internal/group"
)

// What must be true. The checks believe what applications are given and do, and what is written at the coordinator.

// hold is a partition in the hands of a process, from Assigned to the end of Revoked or Lost. Guarded by simWorld.mu.
type hold struct {
	next    int64 // the offset after the last that was delivered; -1: none was
	last    int64 // the last that a handler began with
	keys    map[string]int64
	running map[int64]string // what handlers work on, with their keys
	done    map[int64]bool   // processed in this assignment, for Run
	tried   map[int64]int
}

// simStates are what seeds have to reach, or they show too little.
var simStates = []string{
	"a process died", "a process ended", "a process was cut off", "the coordinator moved", "a node was cut off", "a node failed", "a leader moved", "a topic grew",
	"an application was slow", "partitions were revoked", "partitions were lost", "a record was delivered again", "a handler failed", "Run ended with a record",
	"a partition went to another", "a subscription changed",
	group.RebalanceStarted.String(), group.SessionExpired.String(), group.MemberReplaced.String(), group.GenerationRefused.String(),
}

// called: callbacks run within Poll or Close. w.mu is not held.
func (w *simWorld) called(p *process, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checkCalled(p, what)
}

func (w *simWorld) checkCalled(p *process, what string) {
	if !p.dead && !p.inCall && !p.slot.mode.runs() {
		w.wrongf("%s: the callback %s runs outside of Poll and Close", p.name, what)
	}
}

func (w *simWorld) assigned(p *process, partitions []TopicPartition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.dead {
		return
	}
	w.notef("%s: is assigned %v", p.name, partitions)
	w.checkCalled(p, "Assigned")
	for _, name := range partitions {
		if p.holds[name] != nil {
			w.wrongf("%s: is assigned %v, which it was not told to give up", p.name, name)
		}
		p.holds[name] = &hold{next: -1, last: -1, keys: map[string]int64{}, running: map[int64]string{}, done: map[int64]bool{}, tried: map[int64]int{}}
	}
}

func (w *simWorld) released(p *process, how string, partitions []TopicPartition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.dead {
		return
	}
	w.notef("%s: %v are %s", p.name, partitions, how)
	w.reach("partitions were " + how)
	w.checkCalled(p, how)
	for _, name := range partitions {
		if p.holds[name] == nil {
			w.wrongf("%s: %v is %s, which it does not hold", p.name, name, how)
		}
		delete(p.holds, name)
	}
}

// delivered takes what Poll returned.
func (w *simWorld) delivered(p *process, records []Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.dead || len(records) == 0 {
		return
	}
	p.left = len(records)
	first, last := records[0], records[len(records)-1]
	w.notef("%s: gets %d records, %v@%d to %v@%d", p.name, len(records), first.TopicPartition(), first.Offset, last.TopicPartition(), last.Offset)
	for _, r := range records {
		h := w.checkDelivery(p, r)
		if h == nil {
			continue
		}
		l := w.logs[r.TopicPartition()]
		switch {
		case h.next < 0 && r.Offset > l.floor:
			w.wrongf("%s: %s is the first, and %d is not processed", p.name, place(r), l.floor)
		case h.next >= 0 && r.Offset != l.nextRecord(h.next):
			w.wrongf("%s: %s comes after %d", p.name, place(r), h.next-1)
		}
		h.next = r.Offset + 1
	}
}

// checkDelivery is for a record that an application or a handler gets.
func (w *simWorld) checkDelivery(p *process, r Record) *hold {
	name := r.TopicPartition()
	l, h := w.logs[name], p.holds[name]
	switch {
	case l == nil || r.Offset >= l.end() || l.records[r.Offset].marker || string(r.Value) != string(l.value(r.Offset)):
		w.wrongf("%s: %s is no record: %q", p.name, place(r), r.Value)
		return nil
	case h == nil:
		w.wrongf("%s: %s is delivered, and the partition is not held", p.name, place(r))
		return nil
	case l.records[r.Offset].done:
		w.reach("a record was delivered again")
	}
	if h.next < 0 && l.floor > 0 {
		w.reach("a partition went to another")
	}
	who := p.name
	if p.slot.instance != "" { // a static member comes back in the same generation
		who = p.slot.name
	}
	token := r.Token()
	place := ownership{token.Generation, name}
	switch owner, known := w.owners[place]; {
	case token.Group != "g" || token.Generation < 0:
		w.wrongf("%s: %v@%d has the token %+v", p.name, name, r.Offset, token)
	case !known:
		w.owners[place] = who
	case owner != who:
		w.wrongf("%v of generation %d is delivered to %s and to %s", name, token.Generation, owner, who)
	}
	return h
}

// begins: a handler gets a record, of an assignment in which others may end after it is over. It returns which attempt
// that is.
func (w *simWorld) begins(p *process, r Record) (*hold, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.dead {
		return nil, 0
	}
	w.notef("%s: handles %s", p.name, lazyPlace(r))
	h := w.checkDelivery(p, r)
	if h == nil {
		return nil, 0
	}
	l, key := w.logs[r.TopicPartition()], ""
	key = l.records[r.Offset].key
	if p.slot.mode == runPartition {
		switch again := h.tried[r.Offset] > 0; {
		case len(h.running) > 0:
			w.wrongf("%s: %s is handled beside %v", p.name, place(r), h.running)
		case h.next < 0 && r.Offset > l.floor:
			w.wrongf("%s: %s is the first, and %d is not processed", p.name, place(r), l.floor)
		case h.next >= 0 && !again && r.Offset != l.nextRecord(h.next):
			w.wrongf("%s: %s comes after %d", p.name, place(r), h.next-1)
		case again && r.Offset != h.last:
			w.wrongf("%s: %s comes again after %d", p.name, place(r), h.last)
		}
	} else if key != "" {
		for offset, other := range h.running {
			if other == key {
				w.wrongf("%s: %s is handled beside %d, which has the same key", p.name, place(r), offset)
			}
		}
		if before, known := h.keys[key]; known && r.Offset < before {
			w.wrongf("%s: %s comes after %d, which has the same key", p.name, place(r), before)
		}
		h.keys[key] = r.Offset
	}
	if h.done[r.Offset] {
		w.wrongf("%s: %s comes again, though its handler said that it is processed", p.name, place(r))
	}
	h.next, h.last = max(h.next, r.Offset+1), r.Offset
	h.running[r.Offset] = key
	h.tried[r.Offset]++
	return h, h.tried[r.Offset]
}

// failed: a handler returns an error.
func (w *simWorld) failed(p *process, h *hold, r Record, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reach("a handler failed")
	w.notef("%s: the handler of %s fails: %v", p.name, lazyPlace(r), err)
	if h != nil {
		delete(h.running, r.Offset)
	}
	return err
}

// processed: the application is through with a record; h is that of a handler.
func (w *simWorld) processed(p *process, h *hold, r Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.dead {
		return
	}
	l := w.logs[r.TopicPartition()]
	l.records[r.Offset].done = true
	l.raiseFloor()
	if h == nil {
		p.left--
	} else {
		delete(h.running, r.Offset)
		h.done[r.Offset] = true
	}
}

// written is a record in the coordinator's log.
func (w *simWorld) written(r group.Record) {
	if r.Kind != group.OffsetStored {
		return
	}
	name, offset := TopicPartition{Topic: r.Topic, Partition: r.Partition}, int64(r.Offset.Offset)
	l := w.logs[name]
	switch {
	case offset > l.floor:
		w.wrongf("%v: %d is committed, and %d is not processed", name, offset, l.floor)
	case offset < l.committed:
		w.wrongf("%v: %d is committed after %d", name, offset, l.committed)
	}
	l.committed = max(l.committed, offset)
}

// ended: a process that was not killed is over, with this error. w.mu is held.
func (w *simWorld) ended(p *process, err error) {
	w.notef("%s: has ended: %v", p.name, err)
	var ofHandler *HandlerError
	switch {
	case err == nil:
		if p.ctx.Err() == nil {
			w.wrongf("%s: has ended, and nobody wanted it to", p.name)
		}
	case errors.As(err, &ofHandler) && errors.Is(err, errSim):
		w.reach("Run ended with a record")
	case errors.Is(err, context.DeadlineExceeded) && !w.closing: // Close began while there was trouble
		w.reach("there was no time to leave")
	case p.slot.instance != "" && errors.Is(err, ErrFenced):
		w.reach("a static member was fenced")
	default:
		w.wrongf("%s: has ended: %v", p.name, err)
	}
	w.closed[p.name] = err == nil && w.closing
	if err == nil && len(p.holds) > 0 {
		w.wrongf("%s: has ended, and was not told to give up %v", p.name, keysOf(p.holds))
	}
}

// described is what the coordinator says of the group after all processes have ended. LeaveGroup is sent once: to a node
// that is not the coordinator any more it is for nothing.
func (w *simWorld) described(body group.Body) {
	for _, s := range w.slots {
		for _, p := range s.processes {
			for _, m := range body.(*group.DescribeReply).Members {
				if m.InstanceID == "" && w.closed[p.name] && m.MemberID == p.link.joined && m.MemberID != p.link.left {
					w.wrongf("%s: has ended, and has not left the group: member %s", p.name, m.MemberID)
				}
			}
		}
	}
}

func keysOf(m map[TopicPartition]*hold) (names []TopicPartition) {
	for name := range m {
		names = append(names, name)
	}
	return names
}

// lazyPlace is place, put together when it is printed.
type lazyPlace Record

func (r lazyPlace) String() string { return fmt.Sprintf("%s-%d@%d", r.Topic, r.Partition, r.Offset) }
