package group

import "github.com/skein-io/skein/internal/protocol"

// shuttingDown answers everything that is parked, as unload does, and leaves the state alone.
func (s *Shard) shuttingDown(e *ShuttingDown) {
	s.closing = protocol.Fail(e.Code, "%s", e.Reason)
	for _, id := range s.groupIDs() {
		g := s.groups[id]
		for m := g.members.first; m != nil; m = m.next {
			s.unpark(g, m, s.closing)
		}
	}
}

// lastCalls takes the events that a node at its end does not step: those that would park a request, and those that would
// take members out whose requests it has just refused. It says whether it has taken the event.
func (s *Shard) lastCalls(event Event) bool {
	switch e := event.(type) {
	case *Join:
		s.reply(e.Token, refuseJoin(e.MemberID, s.closing))
	case *Sync:
		s.reply(e.Token, &SyncReply{Err: s.closing})
	case *Heartbeat:
		s.reply(e.Token, &HeartbeatReply{Err: s.closing})
	case *Timer, *Drained:
	default:
		return false
	}
	return true
}
