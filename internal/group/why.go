package group

import "github.com/skein-io/skein/internal/protocol"

// Why asks what happened to a group. It is skein's own.
type Why struct {
	Token   Token
	GroupID string
	Offsets bool // tell the committed offsets and when they expire
}

// WhyReply answers it. Without Err it says how the group is at Now, and how it came to that.
type WhyReply struct {
	Err        *protocol.Error
	Now        Instant
	State      string
	Generation int32
	Members    int
	Entries    [][]byte // of the diary, as they are in the log, the newest first; not to be changed
	Since      []byte   // what happened after the newest, as an entry that is not written yet; nil is nothing
	// WaitedFor are those whose request is missing now, at most waitedForMax; WaitedForOmitted is how many more.
	WaitedFor        []WaitedFor
	WaitedForOmitted int
	LastSyncer       string // whose SyncGroup came last in this generation; "" if that is not known here
	LastSync         Instant
	Offsets          []InspectedTopic // those that are committed, without who has the partition
}

// WaitedFor is a member that a group waits for.
type WaitedFor struct {
	MemberID   string
	InstanceID string
	ClientID   string
	ClientHost string
	Sync       bool // for its SyncGroup, else for its JoinGroup
	Since      Instant
}

// waitedForMax bounds WhyReply.WaitedFor.
const waitedForMax = 16

func (s *Shard) why(e *Why) {
	g := s.groups[e.GroupID]
	if g == nil {
		s.reply(e.Token, &WhyReply{Generation: -1, Err: protocol.Fail(protocol.GroupIDNotFound, "why: there is no group %q", e.GroupID)})
		return
	}
	r := &WhyReply{Now: s.now, State: g.state.String(), Generation: g.generation, Members: g.members.len(), Entries: g.diary.entries(), LastSync: NoInstant}
	if d := g.diary; d != nil {
		if d.draft != nil {
			since := *d.draft
			since.Number = d.last + 1
			g.sign(&since)
			r.Since = encodeDiary(&since)
		}
		if d.lastSyncer != "" {
			r.LastSyncer, r.LastSync = d.lastSyncer, d.lastSync
		}
	}
	g.tellWaitedFor(r)
	if e.Offsets {
		found := make(map[string]map[int32]*InspectedPartition)
		s.inspectOffsets(g, found)
		r.Offsets = sortedTopics(found)
	}
	s.reply(e.Token, r)
}

// tellWaitedFor names those whose request is missing. A group waits for the leader's SyncGroup alone, but whoever sends
// none is removed in the end, so all that are missing are named.
func (g *group) tellWaitedFor(r *WhyReply) {
	add := func(m *member, sync bool, since Instant) {
		if len(r.WaitedFor) == waitedForMax {
			r.WaitedForOmitted++
			return
		}
		r.WaitedFor = append(r.WaitedFor, WaitedFor{m.id, m.instance, m.clientID, m.clientHost, sync, since})
	}
	for m := g.members.first; m != nil; m = m.next {
		switch {
		case g.state == PreparingRebalance && m.join == 0:
			add(m, false, g.phase.started)
		case m.pendingSync && (g.state == CompletingRebalance || g.state == Stable):
			add(m, true, g.stateTime)
		}
	}
	for p := g.pending.first; p != nil && g.state == PreparingRebalance; p = p.next {
		add(p, false, g.phase.started)
	}
}
