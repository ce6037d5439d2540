package replica

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// Nearest is the replica by which a consumer that asks for an offset is served best (KIP-392), or NoNode where that is this
// leader. near says of a node whether it stands where the consumer does. The leader is preferred if it does. Of the others
// only those in the ISR come into question whose logs hold the offset, as far as the leader knows: of them the one whose log
// is the longest, then the one that caught up last, then the one with the greatest id.
//
// A replica out of the ISR would not do: a consumer that it holds up is sent to it again when it asks anew.
func (s *State) Nearest(offset record.Offset, near func(metadata.NodeID) bool) metadata.NodeID {
	if s.role != leading || near(s.self) {
		return metadata.NoNode
	}
	var best *progress
	for i := range s.leader.replicas {
		p := &s.leader.replicas[i]
		if p.node == s.self || !p.inSync || offset < p.logStart || offset > p.logEnd || !near(p.node) {
			continue
		}
		if best == nil || p.logEnd > best.logEnd || p.logEnd == best.logEnd && p.caughtUp >= best.caughtUp {
			best = p // they are sorted by node
		}
	}
	if best == nil {
		return metadata.NoNode
	}
	return best.node
}
