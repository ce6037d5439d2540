package group

import "github.com/skein-io/skein/internal/protocol"

// Sync is a SyncGroup request (key 14).
type Sync struct {
	Token Token
	SyncRequest
}

// SyncRequest is the leader's assignment, or a follower's question for its own. Its byte slices belong to the Shard
// from then on.
type SyncRequest struct {
	GroupID      string
	MemberID     string
	InstanceID   string
	Generation   int32
	ProtocolType *string // nil: not said (below v5)
	Protocol     *string
	Assignments  []Assignment
}

// Assignment is what the leader gives a member.
type Assignment struct {
	MemberID string
	Data     []byte
}

// SyncReply answers SyncGroup. Assignment is never nil where Err is not set.
type SyncReply struct {
	Err          *protocol.Error
	ProtocolType string
	Protocol     string
	Assignment   []byte
}

// sync is Y1, Y2 and Y5.
func (s *Shard) sync(e *Sync) {
	g, m, err := s.checkSync(e)
	if err != nil {
		s.reply(e.Token, &SyncReply{Err: err})
		return
	}
	switch g.state {
	case PreparingRebalance:
		s.reply(e.Token, &SyncReply{Err: protocol.Fail(protocol.RebalanceInProgress, "sync: group %q is rebalancing", g.id)})
	case CompletingRebalance:
		s.supersede(g, m)
		m.sync = e.Token
		s.syncCame(g, m)
		if g.leader == m.id {
			g.assignedNoted(m, s.now)
			s.storeAssignments(g, e)
		}
	case Stable:
		s.syncCame(g, m)
		s.reply(e.Token, g.assigned(m))
	default:
		panic("group: member " + m.id + " of group " + g.id + " in state " + g.state.String())
	}
}

func (s *Shard) checkSync(e *Sync) (*group, *member, *protocol.Error) {
	g := s.groups[e.GroupID]
	if g == nil || g.state == Empty {
		return nil, nil, protocol.Fail(protocol.UnknownMemberID, "sync: group %q has no members", e.GroupID)
	}
	m, err := s.identify(g, e.MemberID, e.InstanceID, "sync")
	if err != nil {
		return nil, nil, err
	}
	if err := s.checkGeneration(g, m, e.Generation, "sync"); err != nil {
		return nil, nil, err
	}
	if contradicts(e.ProtocolType, g.protocolType) || contradicts(e.Protocol, g.protocol) {
		return nil, nil, protocol.Fail(protocol.InconsistentGroupProtocol,
			"sync: group %q has protocol type %q and protocol %q", g.id, g.protocolType, g.protocol)
	}
	return g, m, nil
}

// contradicts says whether what was said differs from what is known; either may be missing.
func contradicts(said *string, known string) bool {
	return said != nil && known != "" && *said != known
}

// syncCame notes that the member has asked, and ends the wait when all have.
func (s *Shard) syncCame(g *group, m *member) {
	if m.pendingSync {
		g.syncNoted(m, s.now)
		g.expectSync(m, false)
		if g.syncing == 0 {
			s.cancel(SyncTimer, g, "")
		}
	}
}

// storeAssignments writes the generation down. Nobody is told before it is committed (Y2). Members that the leader
// left out get nothing; ids that it made up are ignored.
func (s *Shard) storeAssignments(g *group, e *Sync) {
	given := make(map[string][]byte, len(e.Assignments))
	for _, a := range e.Assignments {
		given[a.MemberID] = a.Data
	}
	v := g.value()
	for i := range v.Members {
		v.Members[i].Assignment = given[v.Members[i].MemberID]
	}
	seq := s.append(Record{Kind: GroupStored, Group: g.id, Value: v})
	s.writeDiary(g, v)
	s.await(wait{seq: seq, kind: waitAssigned, group: g, generation: g.generation, member: e.MemberID, value: v})
}

// assignmentsCommitted is the end of storeAssignments. If the group moved on meanwhile there is nothing to do (Y3).
func (s *Shard) assignmentsCommitted(w *wait, err *protocol.Error) {
	g := w.group
	if g.state != CompletingRebalance || g.generation != w.generation {
		return
	}
	if err != nil {
		s.resetAssignments(g, err)
		s.prepare(g, w.member, reason{what: NotStored, ours: "the assignment was not stored: " + err.Reason})
		return
	}
	for i := range w.value.Members {
		if m := g.members.get(w.value.Members[i].MemberID); m != nil {
			m.assignment = w.value.Members[i].Assignment
		}
	}
	g.to(Stable, s.now)
	s.note(GenerationStable, g, g.leader, reason{})
	for m := g.members.first; m != nil; m = m.next {
		if token := m.sync; token != 0 {
			m.sync = 0
			s.reply(token, g.assigned(m))
			s.restartSession(g, m)
		}
	}
}

func (g *group) assigned(m *member) *SyncReply {
	r := &SyncReply{ProtocolType: g.protocolType, Protocol: g.protocol, Assignment: m.assignment}
	if r.Assignment == nil {
		r.Assignment = []byte{}
	}
	return r
}

// resetAssignments forgets the assignments and tells those who wait for theirs why.
func (s *Shard) resetAssignments(g *group, err *protocol.Error) {
	for m := g.members.first; m != nil; m = m.next {
		m.assignment = nil
		if token := m.sync; token != 0 {
			m.sync = 0
			s.reply(token, &SyncReply{Err: err})
			s.restartSession(g, m)
		}
	}
}

// stopExpectingSyncs is for the start of a rebalance.
func (s *Shard) stopExpectingSyncs(g *group) {
	if g.state == CompletingRebalance || g.syncing > 0 {
		s.cancel(SyncTimer, g, "")
	}
	for m := g.members.first; m != nil && g.syncing > 0; m = m.next {
		g.expectSync(m, false)
	}
}

// syncTimerRang removes the members that have not synced within the rebalance timeout, and rebalances (Y6).
func (s *Shard) syncTimerRang(id string) {
	g := s.groups[id]
	if g == nil || g.syncing == 0 || g.state != CompletingRebalance && g.state != Stable {
		return
	}
	for m := g.members.first; m != nil; {
		next := m.next
		if m.pendingSync {
			s.note(MemberRemoved, g, m.id, reason{what: Absent, ours: "it did not send SyncGroup in time"})
			g.absentNoted(m, true, s.now)
			s.drop(g, m, protocol.Fail(protocol.UnknownMemberID, "member %q of group %q did not send SyncGroup in time", m.id, g.id))
		}
		m = next
	}
	s.prepare(g, "", reason{what: Silent, ours: "members did not send SyncGroup in time"})
}
