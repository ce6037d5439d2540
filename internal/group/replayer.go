package group

// Replayer gives recorded events to a shard of its own. Groups that the recording begins with, or comes upon later, are
// made by Restored; events of a group that was left out are left out too.
type Replayer struct {
	Shard   *Shard
	omitted map[string]bool
}

// NewReplayer makes one whose shard knows nothing.
func NewReplayer(cfg Config) *Replayer { return &Replayer{Shard: New(cfg), omitted: map[string]bool{}} }

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
