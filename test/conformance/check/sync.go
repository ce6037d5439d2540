package check

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// syncRows are section 2.4: SyncGroup, Heartbeat, LeaveGroup and the ends of sessions.
func syncRows() []Row {
	return []Row{
		waits("Y1", "SyncGroup refused: stranger, generation, protocol, while members join", syncRefused),
		waits("Y2", "followers wait for the leader's SyncGroup; then all have theirs, those left out an empty one", syncWaits),
		hidden("Y3", "an assignment that was overtaken while it was written is dropped", "needs a slow log"),
		hidden("Y4", "an assignment that cannot be written: which error, and a rebalance", "needs a broken log"),
		waits("Y5", "SyncGroup when Stable: the assignment, at once", syncStable),
		waits("Y6", "members without SyncGroup go after the rebalance timeout, and the others rebalance", syncTimeout),
		waits("H1", "Heartbeat by state: REBALANCE_IN_PROGRESS only while members join", heartbeats),
		waits("H2", "a session ends: the member goes, the others rebalance or go on", sessionEnds),
		waits("L1", "leaving: with an id that has not joined, with a parked JoinGroup, when Stable", leaves),
		seen("L2", "LeaveGroup of an unknown group: from version 3 on UNKNOWN_MEMBER_ID for each entry", leaveUnknownGroup),
	}
}

func syncRefused(p *probe) {
	g := p.group()
	stranger := g.member()
	stranger.id, stranger.generation, stranger.protocol = "stranger", 1, "x"
	p.code("SyncGroup in an unknown group", stranger.askSync(nil).ErrorCode, kerr.UnknownMemberID)
	a := g.member()
	g.settle(a)
	p.code("SyncGroup of a stranger", stranger.askSync(nil).ErrorCode, kerr.UnknownMemberID)
	wrong := *a
	wrong.generation++
	p.code("SyncGroup with a later generation", wrong.askSync(nil).ErrorCode, kerr.IllegalGeneration)
	wrong.generation = a.generation - 1
	p.code("SyncGroup with an earlier generation", wrong.askSync(nil).ErrorCode, kerr.IllegalGeneration)
	if p.has(14, 5) {
		wrong = *a
		wrong.kind = "connect"
		p.code("SyncGroup with another type", wrong.askSync(nil).ErrorCode, kerr.InconsistentGroupProtocol)
		wrong = *a
		wrong.protocol = "y"
		p.code("SyncGroup with another protocol", wrong.askSync(nil).ErrorCode, kerr.InconsistentGroupProtocol)
	}
	b := g.member()
	b.joinLater()
	g.counts(2)
	p.code("SyncGroup while members join", a.askSync(nil).ErrorCode, kerr.RebalanceInProgress)
	p.code("leave", a.leave())
	p.code("leave", b.leave())
	g.becomes(stateEmpty)
	p.code("SyncGroup in an Empty group", a.askSync(nil).ErrorCode, kerr.UnknownMemberID)
}

func syncWaits(p *probe) {
	g := p.group()
	a, b, left := g.member(), g.member(), g.member()
	g.gather(a, b, left)
	first, second := b.syncLater(nil), left.syncLater(nil)
	first.stillWaits(answerSoon)
	g.is(stateCompleting)
	given := a.assign(a, b)
	made := kmsg.NewSyncGroupRequestGroupAssignment()
	made.MemberID, made.MemberAssignment = "made-up", []byte("for nobody")
	r := a.askSync(append(given, made))
	p.code("SyncGroup of the leader", r.ErrorCode)
	p.equal("assignment of the leader", string(r.MemberAssignment), assignmentOf(0))
	if p.has(14, 5) {
		p.equal("protocol type", text(r.ProtocolType), "consumer")
		p.equal("protocol", text(r.Protocol), "x")
	}
	answer := within[*kmsg.SyncGroupResponse](first, answerMax)
	p.code("SyncGroup of a follower", answer.ErrorCode)
	p.equal("assignment of a follower", string(answer.MemberAssignment), assignmentOf(1))
	answer = within[*kmsg.SyncGroupResponse](second, answerMax)
	p.code("SyncGroup of a member that was left out", answer.ErrorCode)
	p.equal("assignment of a member that was left out", string(answer.MemberAssignment), "")
	g.is(stateStable)
	p.equal("members", len(g.describe().Members), 3)
}

func syncStable(p *probe) {
	g := p.group()
	a, b := g.member(), g.member()
	g.settle(a, b)
	p.each(14, 0, 5, func(v int16) {
		for i, m := range []*member{a, b} {
			r := ask[*kmsg.SyncGroupResponse](p, g.addr, v, m.syncRequest(nil))
			p.code("SyncGroup", r.ErrorCode)
			p.equal("assignment", string(r.MemberAssignment), assignmentOf(i))
		}
	})
	r := a.askSync(a.assign(b, a)) // the leader's second thoughts come too late
	p.code("SyncGroup of the leader with others", r.ErrorCode)
	p.equal("assignment of the leader", string(r.MemberAssignment), assignmentOf(0))
}

func syncTimeout(p *probe) {
	g := p.group()
	a, silent := g.member(), g.member()
	a.rebalance, silent.rebalance = 3*time.Second, 3*time.Second
	g.gather(a, silent)
	began := time.Now()
	a.syncs(a.assign(a, silent))
	g.rebalances(a)
	p.took("the rebalance without the silent member", time.Since(began), a.rebalance)
	a.join()
	p.equal("members", len(a.roster), 1)
	p.code("heartbeat of the silent member", silent.beatOf(a.generation), kerr.UnknownMemberID)
}

func heartbeats(p *probe) {
	g := p.group()
	stranger := g.member()
	stranger.id = "stranger"
	p.code("in an unknown group", stranger.beatOf(1), kerr.UnknownMemberID)
	a, b := g.member(), g.member()
	a.join()
	p.code("when CompletingRebalance", a.beat())
	p.code("with a wrong generation when CompletingRebalance", a.beatOf(a.generation+1), kerr.IllegalGeneration)
	a.syncs(a.assign(a))
	p.code("when Stable", a.beat())
	p.code("with a wrong generation", a.beatOf(a.generation+1), kerr.IllegalGeneration)
	p.code("with the last generation", a.beatOf(a.generation-1), kerr.IllegalGeneration)
	p.code("of a stranger", stranger.beatOf(a.generation), kerr.UnknownMemberID)
	b.joinLater()
	g.counts(2)
	p.code("when PreparingRebalance", a.beat(), kerr.RebalanceInProgress)
	p.code("leave", a.leave())
	p.code("leave", b.leave())
	g.becomes(stateEmpty)
	p.code("when Empty", a.beat(), kerr.UnknownMemberID)
}

func sessionEnds(p *probe) {
	session := p.suite.session()
	p.together(
		func(p *probe) { // Stable
			g := p.group()
			a, silent := g.member(), g.member()
			silent.session = session
			g.settle(a, silent)
			began := time.Now()
			p.code("heartbeat", silent.beat())
			g.rebalances(a)
			p.took("a rebalance when the session ends", time.Since(began), session)
			a.join()
			p.equal("members", len(a.roster), 1)
			p.code("heartbeat of the silent member", silent.beatOf(a.generation), kerr.UnknownMemberID)
		},
		func(p *probe) { // PreparingRebalance: the others wait for it no longer
			g := p.group()
			a, silent := g.member(), g.member()
			silent.session = session
			g.settle(a, silent)
			began := time.Now()
			p.code("heartbeat", silent.beat())
			a.join()
			p.took("the join phase ends when the session ends", time.Since(began), session)
			p.equal("members", len(a.roster), 1)
		},
		func(p *probe) { // CompletingRebalance
			g := p.group()
			a, silent := g.member(), g.member()
			silent.session = session
			g.gather(a, silent)
			began := time.Now()
			p.code("heartbeat", silent.beat())
			g.rebalances(a)
			p.took("a rebalance of a generation that is not assigned", time.Since(began), session)
		})
}

func leaves(p *probe) {
	g := p.group()
	a, b, c := g.member(), g.member(), g.member()
	g.settle(a, b)
	if c.version >= 4 {
		c.identify()
		p.code("leave with an id that has not joined", c.leave())
		p.code("JoinGroup with it", c.askJoin().ErrorCode, kerr.UnknownMemberID)
		c.id = ""
		g.rejoinIfNeeded(a, b)
	}
	parked := c.joinLater()
	g.counts(3)
	p.code("leave with a parked JoinGroup", c.leave())
	p.code("the JoinGroup", within[*kmsg.JoinGroupResponse](parked, answerMax).ErrorCode, kerr.UnknownMemberID)
	g.rejoinAll(a, b)
	g.syncAll(a, b)
	p.code("leave when Stable", b.leave())
	p.code("leave again", b.leave(), kerr.UnknownMemberID)
	p.code("heartbeat of the other", a.beat(), kerr.RebalanceInProgress)
	a.join()
	p.equal("members", len(a.roster), 1)
}

func leaveUnknownGroup(p *probe) {
	g := p.group()
	p.each(13, 0, 5, func(v int16) {
		p.code("LeaveGroup of an unknown group", g.leave(v, "stranger", ""), kerr.UnknownMemberID)
	})
	p.needs(13, 3)
	p.code("LeaveGroup by instance of an unknown group", g.leave(p.upTo(13, 5), "", "instance"), kerr.UnknownMemberID)
}
