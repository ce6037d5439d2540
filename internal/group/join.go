package group

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Join is a JoinGroup request (key 11).
type Join struct {
	Token   Token
	FreshID string // a new UUID as text, for a member without id
	JoinRequest
}

// JoinRequest is what a client says when it joins. Its byte slices belong to the Shard from then on.
type JoinRequest struct {
	GroupID          string
	MemberID         string // "" is none yet
	InstanceID       string // group.instance.id; "" is dynamic
	ClientID         string
	ClientHost       string // as Java prints it: "/127.0.0.1" (A4)
	SessionTimeout   time.Duration
	RebalanceTimeout time.Duration // negative (v0): the session timeout (J10)
	ProtocolType     string
	Protocols        []Protocol
	Reason           string // v8+ (KIP-800); only shown
	// RequiresKnownMemberID is true from v4 on (KIP-394).
	RequiresKnownMemberID bool
	// SupportsSkippingAssignment is true from v9 on (KIP-814).
	SupportsSkippingAssignment bool
}

// JoinReply answers JoinGroup. Where Err is set only MemberID means something, and Generation is -1. A "" for Protocol
// or ProtocolType is null from v7 on and "" below (J21).
type JoinReply struct {
	Err            *protocol.Error
	Generation     int32
	ProtocolType   string
	Protocol       string
	Leader         string
	SkipAssignment bool
	MemberID       string
	Members        []JoinMember // for the leader only
}

// JoinMember is what the leader learns of a member.
type JoinMember struct {
	MemberID   string
	InstanceID string
	Metadata   []byte
}

func refuseJoin(memberID string, err *protocol.Error) *JoinReply {
	return &JoinReply{Err: err, MemberID: memberID, Generation: -1}
}

// join is J1 and J7, then one of three: a new member, one that was given its id, one that is known.
func (s *Shard) join(asked *Join) {
	e := new(Join)
	*e = *asked // the flight recorder has the event as it came
	if err := s.cfg.CheckSessionTimeout(e.SessionTimeout); err != nil {
		s.reply(e.Token, refuseJoin(e.MemberID, err))
		return
	}
	if e.RebalanceTimeout < 0 {
		e.RebalanceTimeout = e.SessionTimeout
	}
	e.Protocols = distinct(e.Protocols)
	g, known := s.groups[e.GroupID]
	if !known {
		if e.MemberID != "" {
			s.reply(e.Token, refuseJoin(e.MemberID, protocol.Fail(protocol.UnknownMemberID,
				"join: there is no group %q, so it has no member %q", e.GroupID, e.MemberID)))
			return
		}
		g = newGroup(e.GroupID, s.now)
	}
	m := g.members.get(e.MemberID)
	if !s.hasRoom(g, m) {
		s.turnAway(g, m, e)
		return
	}
	if !g.accepts(e.ProtocolType, e.Protocols) {
		s.reply(e.Token, refuseJoin(e.MemberID, protocol.Fail(protocol.InconsistentGroupProtocol,
			"join: type %q with protocols %v does not fit group %q of type %q, whose members all offer %v",
			e.ProtocolType, protocolNames(e.Protocols), g.id, g.protocolType, g.candidates())))
		return
	}
	if !known {
		s.groups[g.id] = g
		s.createEmpty(g)
	}
	switch {
	case e.MemberID == "":
		s.joinNew(g, e)
	case g.pending.get(e.MemberID) != nil && e.InstanceID == "":
		s.admit(g, e, e.MemberID)
	default:
		s.joinKnown(g, e)
	}
}

// createEmpty writes a record for a group that nobody is in yet, so that it outlives a change of coordinator.
func (s *Shard) createEmpty(g *group) {
	s.noteIdle(g)
	seq := s.append(Record{Kind: GroupStored, Group: g.id, Value: &GroupValue{StateTime: g.stateTime}})
	s.await(wait{seq: seq, kind: waitCreated, group: g})
}

// hasRoom is J7. While the group prepares a rebalance those who wait are counted: the group may be over its size
// already, because group.max.size was lowered, and then the last to come are left out.
func (s *Shard) hasRoom(g *group, m *member) bool {
	switch g.state {
	case PreparingRebalance:
		return m != nil && m.join != 0 || g.joining < s.cfg.SizeMax
	case CompletingRebalance, Stable:
		return m != nil || g.members.len() < s.cfg.SizeMax
	default:
		return true
	}
}

func (s *Shard) turnAway(g *group, m *member, e *Join) {
	err := protocol.Fail(protocol.GroupMaxSizeReached, "join: group %q has group.max.size %d members", g.id, s.cfg.SizeMax)
	s.note(MemberTurnedAway, g, e.MemberID, reason{what: TurnedAway, ours: "the group has group.max.size members"})
	if m != nil {
		s.drop(g, m, err)
	} else if p := g.pending.get(e.MemberID); p != nil {
		s.forget(g, p)
	}
	s.reply(e.Token, refuseJoin("", err))
	s.maybeEndJoin(g)
}

// joinNew is J3, J4 and S1.
func (s *Shard) joinNew(g *group, e *Join) {
	s.arrive(g)
	if e.InstanceID != "" {
		id := e.InstanceID + "-" + e.FreshID
		if old, ok := g.static[e.InstanceID]; ok {
			s.replaceStatic(g, g.members.get(old), e, id)
		} else {
			s.admit(g, e, id)
		}
		return
	}
	id := fit(e.ClientID) + "-" + e.FreshID
	if !e.RequiresKnownMemberID {
		s.admit(g, e, id)
		return
	}
	s.makeRoom(g)
	g.pending.add(&member{id: id})
	s.set(SessionTimer, g, id, s.now.Add(e.SessionTimeout))
	given := refuseJoin(id, protocol.Fail(protocol.MemberIDRequired, "join: come again with this member id"))
	if !s.creating(g) {
		s.reply(e.Token, given)
		return
	}
	// Were the group's first record refused, the group would be gone when the member comes again: it would be told
	// UNKNOWN_MEMBER_ID, ask for another id, and so on without a pause, for as long as the log refuses. Kafka does so.
	s.replyWhenCommitted(e.Token, given)
}

// creating says whether the first record of a group is on its way and may be refused.
func (s *Shard) creating(g *group) bool {
	if g.stored != nil {
		return false
	}
	for i := range slices.Backward(s.waits) { // a new group's is the last
		if w := &s.waits[i]; w.kind == waitCreated && w.group == g {
			return true
		}
	}
	return false
}

// Refuse is for a member that was to be given an id, in a group that could not be written: there is no such id.
func (*JoinReply) Refuse(err *protocol.Error) Body { return refuseJoin("", err) }

// memberIDClientMax is how much of a client id goes into the member id made of it, in bytes. Whoever asks for an id and
// does not come back costs that much until the session is over, and the protocol has strings of 32767 bytes at most.
const memberIDClientMax = 255

func fit(clientID string) string { return clientID[:min(len(clientID), memberIDClientMax)] }

// admit adds a member and begins a rebalance, or lets the join phase end.
func (s *Shard) admit(g *group, e *Join, id string) {
	if g.members.len() == 0 {
		g.protocolType = e.ProtocolType
	}
	m := &member{
		id: id, instance: e.InstanceID, clientID: e.ClientID, clientHost: e.ClientHost,
		rebalanceTimeout: e.RebalanceTimeout, sessionTimeout: e.SessionTimeout, protocols: e.Protocols, isNew: true,
	}
	if g.state == PreparingRebalance && g.previous == Empty {
		g.phase.newcomers = true
	}
	g.add(m)
	g.park(m, e.Token)
	m.asked = s.now
	s.set(SessionTimer, g, id, s.now.Add(newMemberJoinTimeout))
	why := reason{what: Joined, ours: "a new member joined", clients: e.Reason}
	s.note(MemberJoined, g, id, why)
	s.rebalanceOrEndJoin(g, id, why)
}

// joinKnown is J15 to J17.
func (s *Shard) joinKnown(g *group, e *Join) {
	m, err := s.identify(g, e.MemberID, e.InstanceID, "join")
	if err != nil {
		s.reply(e.Token, refuseJoin(e.MemberID, err))
		return
	}
	same := m.offers(e.Protocols)
	switch g.state {
	case PreparingRebalance:
		s.rejoin(g, m, e, LeaderRejoined, "a member rejoined")
	case CompletingRebalance:
		if same {
			s.reply(e.Token, g.current(m)) // the reply to its last JoinGroup was lost
		} else {
			s.rejoin(g, m, e, Changed, "a member's subscription or assignors changed")
		}
	case Stable:
		switch {
		case g.leader == m.id:
			s.rejoin(g, m, e, LeaderRejoined, "the leader rejoined")
		case !same:
			s.rejoin(g, m, e, Changed, "a member's subscription or assignors changed")
		default:
			s.reply(e.Token, g.current(m))
		}
	default: // an Empty group has no members: check has refused
		panic("group: member " + m.id + " of group " + g.id + " in state " + g.state.String())
	}
}

// rejoin takes over what the member says now and parks its request.
func (s *Shard) rejoin(g *group, m *member, e *Join, what Happening, ours string) {
	s.update(g, m, e)
	s.rebalanceOrEndJoin(g, m.id, reason{what: what, ours: ours, clients: e.Reason})
}

func (s *Shard) update(g *group, m *member, e *Join) {
	g.count(m, -1)
	m.protocols = e.Protocols
	g.count(m, +1)
	m.rebalanceTimeout, m.sessionTimeout = e.RebalanceTimeout, e.SessionTimeout
	s.supersede(g, m)
	g.park(m, e.Token)
	m.asked = s.now
}

// supersede answers requests that a member has parked and asks again. Its client has given them up, for it sends them
// one at a time; Kafka never answers them.
func (s *Shard) supersede(g *group, m *member) {
	if m.join != 0 || m.sync != 0 {
		s.unpark(g, m, protocol.Fail(protocol.RebalanceInProgress, "member %q of group %q has asked again since", m.id, g.id))
	}
}

// current is the reply that tells a member of the present generation.
func (g *group) current(m *member) *JoinReply {
	r := &JoinReply{Generation: g.generation, ProtocolType: g.protocolType, Protocol: g.protocol, Leader: g.leader, MemberID: m.id}
	if g.leader == m.id {
		r.Members = g.joinMembers()
	}
	return r
}

func (g *group) joinMembers() []JoinMember {
	list := make([]JoinMember, 0, g.members.len())
	for m := g.members.first; m != nil; m = m.next {
		list = append(list, JoinMember{MemberID: m.id, InstanceID: m.instance, Metadata: m.metadata(g.protocol)})
	}
	return list
}

func protocolNames(protocols []Protocol) []string {
	names := make([]string, 0, min(len(protocols), 16))
	for i := range protocols[:min(len(protocols), 16)] {
		names = append(names, protocols[i].Name)
	}
	return names
}

// candidates are the protocols that all members offer, for a reason.
func (g *group) candidates() []string {
	var names []string
	for name, n := range g.support {
		if n == g.members.len() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names[:min(len(names), 16)]
}
