package member

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// throne is a member and the few znodes that an election is about.
type throne struct {
	t       *testing.T
	m       *Machine
	now     time.Time
	owner   int64 // of /controller; 0: there is none
	epoch   int32
	lost    bool // the next answer to a removal is lost, though it is carried out
	removed int
	entries int
	head    []byte
}

// play answers what the member asks until it asks nothing more, and returns what came of it.
func (x *throne) play(e Event) (outcomes []Outcome) {
	x.t.Helper()
	for range 100 {
		var out Effects
		x.m.Step(x.now, e, &out)
		outcomes = append(outcomes, out.Outcomes...)
		if out.Request == nil {
			return outcomes
		}
		e = x.answer(out.Request)
	}
	x.t.Fatal("it asks without end")
	return nil
}

func (x *throne) answer(r *Request) *Answer {
	a := &Answer{ID: r.ID}
	switch {
	case r.Kind == Multi:
		return x.carryOut(r)
	case r.Kind == Children:
	case r.Path == ClusterIDPath:
		a.Data = ClusterIDNode("c")
	case r.Path == BrokerPath(1):
		a.Owner, a.Data = 5, []byte("{}")
	case r.Path == EpochPath:
		a.Data, a.Version = []byte{'0' + byte(x.epoch)}, x.epoch
	case r.Path == HeadPath && x.head == nil:
		a.Data = FirstHead()
	case r.Path == HeadPath:
		a.Data, a.Version = x.head, int32(x.entries)
	case r.Path == ControllerPath && x.owner == 0:
		a.Code = NoNode
	case r.Path == ControllerPath:
		a.Owner, a.Data = x.owner, []byte(`{"brokerid":2}`)
	}
	return a
}

func (x *throne) carryOut(r *Request) *Answer {
	a := &Answer{ID: r.ID, Versions: make([]int32, len(r.Ops))}
	for i, op := range r.Ops {
		switch {
		case op.Path == EpochPath && op.Version != x.epoch:
			a.Code = BadVersion
		case op.Path == EpochPath && op.Kind == SetData:
			x.epoch++
			a.Versions[i] = x.epoch
		case op.Path == ControllerPath && op.Kind == Create:
			x.owner = 5
		case op.Path == ControllerPath && op.Kind == Delete && x.owner == 0:
			a.Code = NoNode
		case op.Path == ControllerPath && op.Kind == Delete:
			x.owner = 0
			x.removed++
			if x.lost {
				x.lost, a.Code = false, Lost
			}
		case op.Path == HeadPath:
			x.entries++
			x.head, a.Versions[i] = op.Data, int32(x.entries)
		}
		if a.Code != OK {
			return a
		}
	}
	return a
}

func resigned(outcomes []Outcome) bool {
	return slices.ContainsFunc(outcomes, func(o Outcome) bool { _, ok := o.(*Resigned); return ok })
}

func newThrone(t *testing.T) *throne {
	t.Helper()
	x := &throne{t: t, m: New(Config{Self: 1, ClusterID: "c"}), now: time.Unix(100, 0)}
	x.play(&Connected{Session: 5, Timeout: time.Minute})
	if !x.m.Leading() || x.epoch != 1 {
		t.Fatalf("it does not lead; the epoch is %d", x.epoch)
	}
	return x
}

// TestAbdicate: a member that abdicates removes /controller, also where the answer to that is lost; it writes nothing more, does not
// take the lead back at once, and does when nobody else has.
func TestAbdicate(t *testing.T) {
	for _, lost := range []bool{false, true} {
		x := newThrone(t)
		x.lost = lost
		write := told(x.m, x.now, &Propose{Sequence: 1, Records: []byte{1}}) // it is finished
		told(x.m, x.now, &Propose{Sequence: 2, Records: []byte{2}})          // it is not begun
		told(x.m, x.now, &Abdicate{errors.New("it hears nobody")})
		outcomes := x.play(x.answer(write))
		if lost {
			x.now = x.now.Add(lostPause)
			outcomes = append(outcomes, x.play(&Due{})...)
		}
		if !resigned(outcomes) || x.owner != 0 || x.removed != 1 || x.entries != 1 {
			t.Fatalf("lost %v: it resigned %v, /controller is of session %d, was removed %d times, %d entries were written", lost, resigned(outcomes), x.owner, x.removed, x.entries)
		}
		x.play(&Fired{Path: ControllerPath})
		if x.owner != 0 || x.epoch != 1 {
			t.Fatal("it takes the lead back at once")
		}
		at, ok := x.m.Deadline()
		if !ok || at.After(x.now.Add(retreat)) {
			t.Fatalf("it looks again at %v, %v", at.Sub(x.now), ok)
		}
		x.now = x.now.Add(retreat)
		x.play(&Due{})
		if x.owner != 5 || x.epoch != 2 || !x.m.Leading() {
			t.Errorf("nobody else came, and it does not lead again: /controller is of session %d in epoch %d", x.owner, x.epoch)
		}
	}
}

// TestAbdicateTooLate: who has made /controller since keeps it.
func TestAbdicateTooLate(t *testing.T) {
	x := newThrone(t)
	x.owner, x.epoch = 9, 2
	if outcomes := x.play(&Abdicate{errors.New("it hears nobody")}); !resigned(outcomes) || x.owner != 9 || x.removed != 0 {
		t.Errorf("it resigned %v; /controller is of session %d, was removed %d times", resigned(outcomes), x.owner, x.removed)
	}
	if x.m.Abdicating() {
		t.Error("it abdicates still")
	}
}
