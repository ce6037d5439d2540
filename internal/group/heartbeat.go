package group

import "github.com/skein-io/skein/internal/protocol"

// Heartbeat is a Heartbeat request (key 12).
type Heartbeat struct {
	Token Token
	HeartbeatRequest
}

// HeartbeatRequest is a member's sign of life.
type HeartbeatRequest struct {
	GroupID    string
	MemberID   string
	InstanceID string
	Generation int32
	// Aside says that the client is known to go on with its work while a heartbeat of it is not answered.
	Aside bool
	// Behind says that the client is known to keep its other requests back until a heartbeat of it is answered.
	Behind bool `json:",omitempty"`
}

// HeartbeatReply answers Heartbeat.
type HeartbeatReply struct{ Err *protocol.Error }

// heartbeat is H1. In a Stable group the answer may be held (hold.go).
func (s *Shard) heartbeat(e *Heartbeat) {
	g := s.groups[e.GroupID]
	if g == nil {
		s.reply(e.Token, &HeartbeatReply{protocol.Fail(protocol.UnknownMemberID, "heartbeat: there is no group %q", e.GroupID)})
		return
	}
	m, err := s.identify(g, e.MemberID, e.InstanceID, "heartbeat")
	if err == nil {
		err = s.checkGeneration(g, m, e.Generation, "heartbeat")
	}
	if err != nil {
		s.reply(e.Token, &HeartbeatReply{err})
		return
	}
	s.restartSession(g, m)
	switch g.state {
	case PreparingRebalance:
		s.reply(e.Token, &HeartbeatReply{protocol.Fail(protocol.RebalanceInProgress, "heartbeat: group %q is rebalancing", g.id)})
	case CompletingRebalance:
		s.reply(e.Token, &HeartbeatReply{})
	case Stable:
		s.holdOrAnswer(g, m, e)
	default:
		panic("group: member " + m.id + " of group " + g.id + " in state " + g.state.String())
	}
}
