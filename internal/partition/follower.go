package partition

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/replica"
)

// Follower is another node, as its requests name it and as the image has it.
type Follower struct {
	Node  metadata.NodeID
	Epoch metadata.BrokerEpoch // of the request
	// Eligible says that the image has the node with this epoch, unfenced and not shutting down: it may join an ISR.
	Eligible bool
}

// Fetched takes to the leader where a follower's log ends: at offset, up to which it is as this one. The caller has
// compared the follower's last epoch (EpochEnd), and offset with the log's ends. Errors are Kafka's: UNKNOWN_LEADER_EPOCH
// from a node that is no replica in this epoch, which may learn of it; NOT_LEADER_OR_FOLLOWER from an earlier process.
func (p *Partition) Fetched(f Follower, epoch record.LeaderEpoch, offset, logStart record.Offset) error {
	if err := p.hears(f, epoch); err != nil {
		return err
	}
	p.mu.Lock()
	p.fetched = replica.Fetched{Node: f.Node, BrokerEpoch: f.Epoch, Epoch: epoch, Offset: offset, LogStart: logStart,
		LogEnd: p.log.EndOffset(), Eligible: f.Eligible}
	return p.heard(f, epoch, p.decideLocked(&p.fetched))
}

// FollowerDurable takes to the leader what a follower holds durably. An error, as those of Fetched, says that it does
// not count: the follower is to say it again when it has fetched.
func (p *Partition) FollowerDurable(f Follower, epoch record.LeaderEpoch, end record.Offset) error {
	if err := p.hears(f, epoch); err != nil {
		return err
	}
	p.mu.Lock()
	p.reported = replica.Durable{Node: f.Node, BrokerEpoch: f.Epoch, Epoch: epoch, End: end, LogEnd: p.log.EndOffset()}
	return p.heard(f, epoch, p.decideLocked(&p.reported))
}

// hears says why a follower in an epoch cannot be heard.
func (p *Partition) hears(f Follower, epoch record.LeaderEpoch) error {
	if epoch == record.NoLeaderEpoch {
		return protocol.Fail(protocol.NotLeaderOrFollower, "%s: node %d names no leader epoch; a follower does", p.Name, f.Node)
	}
	return p.CheckEpoch(epoch)
}

// heard ends what a follower said. The caller holds mu, which it gives back.
func (p *Partition) heard(f Follower, epoch record.LeaderEpoch, o outcome) error {
	assigned := p.state.Assigned(f.Node)
	p.mu.Unlock()
	o.run(p)
	if o.effects.Taken {
		return nil
	}
	if !assigned {
		return protocol.Fail(protocol.UnknownLeaderEpoch, "%s: node %d is no replica in leader epoch %d, as far as node %d knows", p.Name, f.Node, epoch, p.host.self)
	}
	return protocol.Fail(protocol.NotLeaderOrFollower, "%s: node %d does not count with broker epoch %d: it is an earlier process, or has to fetch first",
		p.Name, f.Node, f.Epoch)
}
