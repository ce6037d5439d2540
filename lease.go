package skein

import (
	"time"

	"github.com/skein-io/skein/internal/quorum/zookeeper"
)

// leased says whether no other node can have taken this one's place as far as it knows: it is alone, nobody but it can be the
// controller, or a controller has answered it lately (metadata.Lease).
func (p *parts) leased() bool {
	left, needed := p.leaseLeft()
	return !needed || left > 0
}

// leaseLeft is how long that is so if no controller answers from now on; needed is false if there is no other that could.
func (p *parts) leaseLeft() (left time.Duration, needed bool) {
	link := p.cluster.link.Load()
	if link == nil || p.quorum.Decides() {
		return 0, false
	}
	left = link.LeaseLeft(time.Now())
	if node, ok := p.quorum.(*zookeeper.Node); ok {
		left = min(left, node.SessionLeft(time.Now()))
	}
	return left, true
}

// leaseChanged is told when the lease is over, or begins again. Those who come look for themselves; this is for those who wait.
func (p *parts) leaseChanged(held bool) {
	if !held {
		go p.host.LeaseOver() // answers clients
	}
	p.groups.LeaseChanged()
}
