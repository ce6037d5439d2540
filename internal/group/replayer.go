package group

import (
	"encoding/json"
	"math"
)

// Replayer gives recorded events to a shard of its own. Groups that the recording begins with, or comes upon later, are
// made by Restored; events of a group that was left out are left out too.
type Replayer struct {
	Shard   *Shard
	omitted map[string]bool
}

// NewReplayer makes one whose shard knows nothing.
func NewReplayer(cfg Config) *Replayer {
	cfg.DiaryBytesMax = 0 // the diaries of groups that are not in the recording are not known; when one was cut is an event
	return &Replayer{Shard: New(cfg), omitted: map[string]bool{}}
}

// Step steps an event, if the state that it needs is in the recording; skipped says that it is not.
func (p *Replayer) Step(r Recorded, fx *Effects) (skipped bool) {
	id := GroupOf(r.Event)
	if e, ok := r.Event.(*Restored); ok {
		delete(p.omitted, id)
		if e.Omitted {
			p.omitted[id] = true
		}
	} else if p.omitted[id] && id != "" {
		return true
	}
	// What other groups asked for meanwhile, and the recording does not have, has its numbers.
	p.Shard.seq = max(p.Shard.seq, r.Seq)
	p.Shard.Step(r.At, r.Event, fx)
	return false
}

// Look is how a group is now. One that is not there is Dead, of generation -1.
func (p *Replayer) Look(id string) (state State, generation int32, members int) {
	g := p.Shard.groups[id]
	if g == nil {
		return Dead, -1, 0
	}
	return g.state, g.generation, g.members.len()
}

// Agrees says whether the replay has come to what a snapshot says of a group, to the last field. It is asked before the
// snapshot is stepped. One that was left out says nothing, so it agrees.
func (p *Replayer) Agrees(e *Restored) bool {
	if e.Omitted {
		return true
	}
	recorded, err := json.Marshal(e)
	if err != nil {
		return false
	}
	replayed, err := json.Marshal(p.Shard.Snapshot(e.GroupID, math.MaxInt))
	return err == nil && string(recorded) == string(replayed)
}

// GroupOf is the group that an event is about; "" if it is about none or all.
func GroupOf(event Event) string {
	switch e := event.(type) {
	case *Join:
		return e.GroupID
	case *Sync:
		return e.GroupID
	case *Heartbeat:
		return e.GroupID
	case *Nudge:
		return e.GroupID
	case *Leave:
		return e.GroupID
	case *Commit:
		return e.GroupID
	case *Fetch:
		return e.GroupID
	case *Describe:
		return e.GroupID
	case *Why:
		return e.GroupID
	case *Inspect:
		return e.GroupID
	case *Delete:
		return e.GroupID
	case *DeleteOffsets:
		return e.GroupID
	case *Timer:
		return e.Key.Group
	case *Drained:
		return e.GroupID
	case *Restored:
		return e.GroupID
	default:
		return ""
	}
}
