package check

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is a member of a classic group, as far as the suite remembers it. It is for one goroutine at a time.
type member struct {
	p *probe
	g *group

	id, instance string
	generation   int32
	session      time.Duration
	rebalance    time.Duration
	kind         string // the protocol type
	protocols    []kmsg.JoinGroupRequestProtocol
	version      int16 // of JoinGroup
	reason       string

	leader   string
	protocol string // that was chosen
	unborn   bool   // its id is new, and so may be its group
	roster   []kmsg.JoinGroupResponseMember
}

// joinMax is how long a join may take that waits for nothing but the other members and the first delay.
func (p *probe) joinMax() time.Duration { return answerMax + 3*p.suite.initialDelay() }

// subscribing are protocols with the consumers' own metadata, which names no topic.
func subscribing(names ...string) []kmsg.JoinGroupRequestProtocol {
	return subscribingTo(nil, names...)
}

func subscribingTo(topics []string, names ...string) []kmsg.JoinGroupRequestProtocol {
	metadata := kmsg.NewConsumerMemberMetadata()
	metadata.Topics = topics
	all := make([]kmsg.JoinGroupRequestProtocol, 0, len(names))
	for _, name := range names {
		one := kmsg.NewJoinGroupRequestProtocol()
		one.Name, one.Metadata = name, metadata.AppendTo(nil)
		all = append(all, one)
	}
	return all
}

func (m *member) joinRequest() *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType, req.Protocols = m.g.name, m.id, m.kind, m.protocols
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = int32(m.session.Milliseconds()), int32(m.rebalance.Milliseconds())
	req.InstanceID = m.instanceID()
	if m.reason != "" {
		req.Reason = &m.reason
	}
	return req
}

func (m *member) instanceID() *string {
	if m.instance == "" {
		return nil
	}
	return kmsg.StringPtr(m.instance)
}

// sendJoin sends one JoinGroup.
func (m *member) sendJoin() *pending { return m.p.send(m.g.addr, m.version, m.joinRequest()) }

// askJoin sends one JoinGroup and returns its answer, whatever it is.
func (m *member) askJoin() *kmsg.JoinGroupResponse {
	return within[*kmsg.JoinGroupResponse](m.sendJoin(), m.p.joinMax())
}

// identify gets the member its id, as dynamic members do from version 4 on.
func (m *member) identify() {
	r := m.askJoin()
	m.p.code("JoinGroup without a member id", r.ErrorCode, kerr.MemberIDRequired)
	m.id = r.MemberID
}

// joinLater joins, in two steps where that is the way, and does not wait for the generation.
func (m *member) joinLater() *pending {
	if m.id == "" && m.instance == "" && m.version >= 4 {
		m.identify()
		m.unborn = true
	}
	return m.sendJoin()
}

// joined takes the answer to joinLater. Kafka's look for expired offsets deletes a new group too, if it falls between
// the two steps of its first member; then the member begins anew, as clients do, once.
func (m *member) joined(q *pending) {
	r := within[*kmsg.JoinGroupResponse](q, m.p.joinMax())
	if m.unborn && r.ErrorCode == kerr.UnknownMemberID.Code {
		m.p.note("a member's new id was forgotten at once; it began anew")
		m.id = ""
		m.identify()
		r = m.askJoin()
	}
	m.unborn = false
	m.takes(r)
}

func (m *member) takes(r *kmsg.JoinGroupResponse) {
	m.p.code("JoinGroup", r.ErrorCode)
	m.id, m.generation, m.leader, m.roster = r.MemberID, r.Generation, r.LeaderID, r.Members
	if r.Protocol != nil {
		m.protocol = *r.Protocol
	}
}

func (m *member) join() { m.joined(m.joinLater()) }

// assign gives each member the name of its number.
func (m *member) assign(all ...*member) []kmsg.SyncGroupRequestGroupAssignment {
	given := make([]kmsg.SyncGroupRequestGroupAssignment, 0, len(all))
	for i, one := range all {
		if one.id != "" {
			a := kmsg.NewSyncGroupRequestGroupAssignment()
			a.MemberID, a.MemberAssignment = one.id, []byte(assignmentOf(i))
			given = append(given, a)
		}
	}
	return given
}

func (m *member) syncRequest(given []kmsg.SyncGroupRequestGroupAssignment) *kmsg.SyncGroupRequest {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.InstanceID, req.Generation = m.g.name, m.id, m.instanceID(), m.generation
	req.ProtocolType, req.Protocol, req.GroupAssignment = kmsg.StringPtr(m.kind), kmsg.StringPtr(m.protocol), given
	return req
}

func (m *member) syncLater(given []kmsg.SyncGroupRequestGroupAssignment) *pending {
	return m.p.send(m.g.addr, m.p.upTo(14, 5), m.syncRequest(given))
}

func (m *member) askSync(given []kmsg.SyncGroupRequestGroupAssignment) *kmsg.SyncGroupResponse {
	return within[*kmsg.SyncGroupResponse](m.syncLater(given), answerMax)
}

func (m *member) syncs(given []kmsg.SyncGroupRequestGroupAssignment) []byte {
	r := m.askSync(given)
	m.p.code("SyncGroup", r.ErrorCode)
	return r.MemberAssignment
}

// beat sends a heartbeat and returns the error.
func (m *member) beat() int16 { return m.beatOf(m.generation) }

func (m *member) beatOf(generation int32) int16 {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.InstanceID, req.Generation = m.g.name, m.id, m.instanceID(), generation
	return ask[*kmsg.HeartbeatResponse](m.p, m.g.addr, m.p.upTo(12, 4), req).ErrorCode
}

// beats sends heartbeats while time passes; they may tell of a rebalance.
func (m *member) beats(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if code := m.beat(); code != 0 {
			m.p.code("heartbeat", code, kerr.RebalanceInProgress)
		}
		m.p.pause(min(time.Until(end), m.p.suite.session()/4))
	}
}

// leave leaves by itself and returns the error of its entry.
func (m *member) leave() int16 { return m.g.leave(m.p.upTo(13, 4), m.id, "") }

// leave asks LeaveGroup for one member, by id or by instance, and returns its error: that of its entry, below version 3
// that of the answer.
func (g *group) leave(version int16, id, instance string) int16 {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = g.name, id
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID = id
	if instance != "" {
		one.InstanceID = &instance
	}
	req.Members = append(req.Members, one)
	r := ask[*kmsg.LeaveGroupResponse](g.p, g.addr, version, req)
	if version < 3 {
		return r.ErrorCode
	}
	g.p.code("LeaveGroup as a whole", r.ErrorCode)
	g.p.holds(len(r.Members) == 1, "LeaveGroup of one member: %d entries", len(r.Members))
	return r.Members[0].ErrorCode
}
