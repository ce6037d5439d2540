package check

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// answerSoon is how long a row looks whether a request is parked.
const answerSoon = 600 * time.Millisecond

func pendingForgotten(p *probe) {
	p.needs(11, 4)
	g := p.group()
	a, b := g.member(), g.member()
	g.settle(a)
	b.session = p.suite.session()
	began := time.Now()
	b.identify()
	parked := a.joinLater() // the leader's rejoin begins a rebalance, which b's id holds up
	a.joined(parked)
	p.took("the rebalance ends when the new id is forgotten", parked.at.Sub(began), b.session)
	p.equal("members", len(a.roster), 1)
	p.code("JoinGroup with the forgotten id", b.askJoin().ErrorCode, kerr.UnknownMemberID)
}

func firstDelay(p *probe) {
	d := p.suite.initialDelay()
	if d < time.Second {
		p.skip("group.initial.rebalance.delay.ms is %d here", d.Milliseconds())
	}
	enter := func(m *member) *pending {
		m.version = p.upTo(11, 3) // one step
		return m.joinLater()
	}
	p.together(
		func(p *probe) {
			q := enter(p.group().member())
			within[*kmsg.JoinGroupResponse](q, p.joinMax())
			p.took("a first member alone", q.took(), d)
		},
		func(p *probe) {
			g := p.group()
			first := enter(g.member())
			p.pause(d / 2)
			second := enter(g.member())
			r := within[*kmsg.JoinGroupResponse](first, p.joinMax())
			p.took("a first member with a second that came meanwhile", first.took(), 2*d)
			p.equal("generation of the second", within[*kmsg.JoinGroupResponse](second, p.joinMax()).Generation, r.Generation)
		},
		func(p *probe) {
			g := p.group()
			m := g.member()
			m.rebalance = d + d/4
			first := enter(m)
			p.pause(d / 2)
			other := g.member()
			other.rebalance = m.rebalance
			enter(other)
			within[*kmsg.JoinGroupResponse](first, p.joinMax())
			p.took("the same with a short rebalance timeout", first.took(), m.rebalance)
			p.holds(first.took() < 2*d-earlyMax, "a rebalance timeout of %v: the first generation came after %v", m.rebalance, first.took())
		})
}

func rebalanceEnds(p *probe) {
	p.together(
		func(p *probe) { // all come back
			g := p.group()
			a, b, c := g.member(), g.member(), g.member()
			g.settle(a, b)
			parked := c.joinLater()
			g.counts(3)
			p.code("heartbeat", a.beat(), kerr.RebalanceInProgress)
			first := a.joinLater()
			first.stillWaits(answerSoon)
			began := time.Now()
			b.join()
			a.joined(first)
			c.joined(parked)
			p.took("the last rejoin is answered", time.Since(began), 0)
		},
		func(p *probe) { // one stays away
			g := p.group()
			all := g.members(3)
			for i, timeout := range []time.Duration{2 * time.Second, 4 * time.Second, time.Second} {
				all[i].rebalance = timeout
			}
			g.settle(all[0], all[1])
			began := time.Now()
			parked := all[2].joinLater()
			g.counts(3)
			all[0].join()
			all[2].joined(parked)
			p.took("the rebalance ends at the longest rebalance timeout", parked.at.Sub(began), 4*time.Second)
			p.equal("members", len(all[0].roster)+len(all[2].roster), 2)
		})
}

func rebalanceTimeoutV0(p *probe) {
	p.needs(11, 0)
	g := p.group()
	old, fresh := g.member(), g.member()
	old.version, old.session, old.rebalance = 0, p.suite.session(), time.Minute // v0 cannot say the last
	fresh.rebalance = time.Second
	g.settle(old)
	parked := fresh.joinLater()
	began := parked.sent
	g.counts(2)
	old.beats(old.session * 2 / 3) // its session does not end, but it does not rejoin
	fresh.joined(parked)
	p.took("the rebalance ends at the old member's session timeout", parked.at.Sub(began), old.session)
}

func newGeneration(p *probe) {
	p.needs(11, 5)
	g := p.group()
	a, dynamic, static := g.member(), g.member(), g.member()
	static.instance = "static"
	for _, m := range []*member{a, dynamic, static} {
		m.rebalance = 2 * time.Second
	}
	g.settle(a, dynamic, static)
	p.equal("members for the leader", len(a.roster), 3)
	p.equal("members for followers", len(dynamic.roster)+len(static.roster), 0)
	p.equal("leader", static.leader, a.id)
	generation := a.generation
	a.join()
	p.equal("generation", a.generation, generation+1)
	found := map[string]string{}
	for _, one := range a.roster {
		found[one.MemberID] = string(one.ProtocolMetadata)
	}
	p.equal("members and metadata for the leader", found, map[string]string{
		a.id: string(a.protocols[0].Metadata), static.id: string(static.protocols[0].Metadata)})
	p.code("heartbeat of the dynamic member that stayed away", dynamic.beatOf(a.generation), kerr.UnknownMemberID)
	p.code("heartbeat of the static member that stayed away", static.beatOf(a.generation))
}

func onlyAbsentStatic(p *probe) {
	p.needs(11, 5)
	g := p.group()
	static, passing := g.member(), g.member()
	static.instance, static.rebalance, passing.rebalance = "static", 2*time.Second, time.Second
	g.settle(static)
	generation := static.generation
	parked := passing.joinLater()
	g.counts(2)
	p.code("leave", passing.leave())
	p.code("JoinGroup of the member that left", within[*kmsg.JoinGroupResponse](parked, answerMax).ErrorCode, kerr.UnknownMemberID)
	static.beats(static.rebalance + time.Second)
	g.is(statePreparing)
	p.code("heartbeat in the same generation", static.beat(), kerr.RebalanceInProgress)
	static.join()
	p.equal("generation when it has come", static.generation, generation+1)
}

func leaders(p *probe) {
	p.together(
		func(p *probe) { // it leaves
			g := p.group()
			a, b := g.member(), g.member()
			g.settle(a, b)
			p.equal("leader", b.leader, a.id)
			p.code("leave", a.leave())
			g.rebalances(b)
			b.join()
			p.equal("leader after the first one left", b.leader, b.id)
			p.equal("members for the new leader", len(b.roster), 1)
		},
		func(p *probe) { // it stays away
			g := p.group()
			a, b := g.member(), g.member()
			a.rebalance, b.rebalance = 2*time.Second, 2*time.Second
			g.settle(a, b)
			b.protocols = subscribing("y", "x")
			b.join()
			p.equal("leader after the first one stayed away", b.leader, b.id)
		})
}

func newMemberExpires(p *probe) {
	if !p.suite.options.Slow {
		p.skip("takes five minutes; --slow waits for it")
	}
	g := p.group()
	a, b := g.member(), g.member()
	b.session, b.rebalance = p.suite.session(), 10*time.Minute
	a.rebalance = b.rebalance
	g.settle(a)
	parked := b.joinLater()
	for parked.waits() && time.Since(parked.sent) < 6*time.Minute {
		a.beats(p.suite.session() / 2)
	}
	p.code("the JoinGroup", within[*kmsg.JoinGroupResponse](parked, answerMax).ErrorCode, kerr.UnknownMemberID)
	p.took("the JoinGroup", parked.took(), 5*time.Minute)
}

func parkedIsAlive(p *probe) {
	session := p.suite.session()
	p.together(
		func(p *probe) { // JoinGroup
			g := p.group()
			a, b := g.member(), g.member()
			b.session = session
			g.settle(a, b)
			b.protocols = subscribing("y", "x")
			parked := b.joinLater()
			a.beats(session + 2*time.Second)
			p.holds(parked.waits(), "a member's JoinGroup was answered: %s", parked.told())
			a.join()
			b.joined(parked)
		},
		func(p *probe) { // SyncGroup
			g := p.group()
			a, b := g.member(), g.member()
			b.session = session
			g.gather(a, b)
			parked := b.syncLater(nil)
			a.beats(session + 2*time.Second)
			p.holds(parked.waits(), "a member's SyncGroup was answered: %s", parked.told())
			a.syncs(a.assign(a, b))
			p.code("SyncGroup", within[*kmsg.SyncGroupResponse](parked, answerMax).ErrorCode)
			p.code("heartbeat", b.beat())
		})
}
