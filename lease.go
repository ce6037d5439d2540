package skein

import "time"

// leased says whether no other node can have taken this one's place as far as it knows: it is alone, nobody but it can be the
// controller, or a controller has answered it lately (metadata.Lease).
func (p *parts) leased() bool {
	link := p.cluster.link.Load()
	return link == nil || p.quorum.Decides() || link.Leased(time.Now())
}

// leaseChanged is told when the lease is over, or begins again. Those who come look for themselves; this is for those who wait.
func (p *parts) leaseChanged(held bool) {
	if !held {
		go p.host.LeaseOver() // answers clients
	}
	p.groups.LeaseChanged()
}
