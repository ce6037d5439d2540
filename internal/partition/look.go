package partition

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
)

// What a partition tells those who want to look at it. Nothing here is kept for them: it is read when they ask.

// View is a partition at one moment, as this node has it.
type View struct {
	Leader metadata.NodeID    // this node if it leads; whom it follows; NoNode if neither
	Epoch  record.LeaderEpoch // in which it has that role, or had the last

	LogStart, LogEnd, DurableEnd, HighWatermark record.Offset

	Replicas []replica.Replica // as a leader sees them; empty elsewhere
}

// View reads the partition's state and the ends of its log. The error is why it is of no use here: deleted, moved away,
// or its log directory is offline.
func (p *Partition) View() (View, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := View{Leader: metadata.NoNode, HighWatermark: p.state.HighWatermark()}
	leads := false
	if v.Epoch, leads = p.state.Leading(); leads {
		v.Leader = p.host.self
		v.Replicas = p.state.Replicas(p.host.instant())
	} else if leader, _, follows := p.state.Following(); follows {
		v.Leader = leader
	}
	// The durable end first: it is never told to be above the log's end.
	v.DurableEnd, v.LogEnd, v.LogStart = p.log.DurableEnd(), p.log.EndOffset(), p.log.StartOffset()
	return v, p.gone
}
