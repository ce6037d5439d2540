package check

import (
	"testing"
	"time"

	"github.com/skein-io/skein/test/interop/line"
)

// told is a member that reported the offsets of partition 0; -1 stands for a
// new assignment.
func told(offsets ...int64) *Member {
	m := NewMember("m")
	for _, o := range offsets {
		e := line.Event{E: line.Rec, O: o}
		if o < 0 {
			e = line.Event{E: line.Assigned, Ps: []int32{0}}
		}
		m.Take(e, time.Now())
	}
	return m
}

func TestStepsMayGoBackOnlyWithANewAssignment(t *testing.T) {
	if err := told(-1, 0, 1, 2).Steps(); err != nil {
		t.Error(err)
	}
	if err := told(-1, 0, 1, -1, 1, 2).Steps(); err != nil {
		t.Errorf("a new assignment: %v", err)
	}
	if told(-1, 0, 2).Steps() == nil {
		t.Error("a skipped offset went unseen")
	}
	if told(-1, 0, 1, 1).Steps() == nil {
		t.Error("a repeated offset went unseen")
	}
}

func TestContentsWantsEveryRecord(t *testing.T) {
	topic := Topic{0: []Record{{Offset: 0}, {Offset: 1}}}
	if err := Contents(topic, told(0), told(1)); err != nil {
		t.Error(err)
	}
	if Contents(topic, told(0)) == nil {
		t.Error("a missing record went unseen")
	}
	if Contents(topic, told(0, 1, 2)) == nil {
		t.Error("a record that the topic does not hold went unseen")
	}
}

func TestDurableIsWhatWasCommitted(t *testing.T) {
	m := told(-1, 0, 1)
	m.Take(line.Event{E: line.Committed, Error: "no"}, time.Now())
	if len(m.Durable()) != 0 {
		t.Error("a failed commit counts")
	}
	m.Take(line.Event{E: line.Committed}, time.Now())
	if m.Durable()[0] != 2 {
		t.Errorf("durable %v, want 0:2", m.Durable())
	}
}
