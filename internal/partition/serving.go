package partition

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// CheckEpoch says whether this node leads the partition, and compares the leader epoch a client believes in with its
// own (KIP-320): an older one is FENCED_LEADER_EPOCH, a newer one UNKNOWN_LEADER_EPOCH, NoLeaderEpoch is not checked.
func (p *Partition) CheckEpoch(believed record.LeaderEpoch) error {
	p.mu.Lock()
	epoch, leading := p.state.Leading()
	gone := p.gone
	p.mu.Unlock()
	return p.checkEpoch(gone, epoch, leading, believed)
}

// CheckServing is CheckEpoch for those whom a follower serves too (KIP-392).
func (p *Partition) CheckServing(believed record.LeaderEpoch) error {
	p.mu.Lock()
	epoch, serving := p.state.Serving()
	gone := p.gone
	p.mu.Unlock()
	return p.checkEpoch(gone, epoch, serving, believed)
}

func (p *Partition) checkEpoch(gone error, epoch record.LeaderEpoch, serves bool, believed record.LeaderEpoch) error {
	switch {
	case gone != nil:
		return gone
	case !serves:
		return p.notLeader()
	case believed == record.NoLeaderEpoch || believed == epoch:
		return nil
	case believed < epoch:
		return protocol.Fail(protocol.FencedLeaderEpoch, "%s is in leader epoch %d; the request says %d: refresh metadata", p.Name, epoch, believed)
	default:
		return protocol.Fail(protocol.UnknownLeaderEpoch, "%s is in leader epoch %d; the request says %d, which this node does not know yet", p.Name, epoch, believed)
	}
}

// Nearest is the replica by which a consumer is served better than by this leader, or NoNode: see replica.State.Nearest. near
// must not wait.
func (p *Partition) Nearest(offset record.Offset, near func(metadata.NodeID) bool) metadata.NodeID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Nearest(offset, near)
}
