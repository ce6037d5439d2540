package check

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// staticRows are section 2.3: static membership.
func staticRows() []Row {
	return []Row{
		waits("S1", "a known instance without member id replaces the old member; what that has parked is fenced", staticReplaces),
		waits("S2", "when Stable with the same protocol: no rebalance, and version 9 says to skip the assignment", staticKeepsGeneration),
		hidden("S3", "if the replacement cannot be written the old member is put back", "needs a broken log"),
		waits("S4", "when CompletingRebalance: always a new rebalance", staticCompleting),
		waits("S5", "an instance of another member: FENCED_INSTANCE_ID; an unknown one: UNKNOWN_MEMBER_ID", staticFenced),
		waits("S6", "LeaveGroup by instance alone, in a batch; below version 3 the one error is the answer's", leaveByInstance),
		waits("S7", "a static member that is gone stays until its session ends (that clients do not leave is theirs)", staticSession),
	}
}

// static is a member with an instance id.
func (g *group) static() *member {
	g.p.needs(11, 5)
	m := g.member()
	m.instance = "instance"
	return m
}

// again is the same instance after a restart: it does not know its member id.
func (m *member) again() *member {
	fresh := *m
	fresh.id, fresh.generation = "", -1
	return &fresh
}

func staticReplaces(p *probe) {
	p.together(
		func(p *probe) { // its join is parked
			g := p.group()
			a, old := g.member(), g.static()
			g.settle(a, old)
			old.protocols = subscribing("y", "x")
			parked := old.joinLater()
			g.becomes(statePreparing)
			fresh := old.again()
			joining := fresh.joinLater()
			p.code("JoinGroup of the old one", within[*kmsg.JoinGroupResponse](parked, answerMax).ErrorCode, kerr.FencedInstanceID)
			a.join()
			fresh.joined(joining)
			p.holds(fresh.id != old.id, "the new member has the old one's id %q", old.id)
			p.equal("members", len(a.roster), 2)
			p.code("heartbeat of the old one", old.beatOf(a.generation), kerr.FencedInstanceID)
		},
		func(p *probe) { // its sync is parked
			g := p.group()
			a, old := g.member(), g.static()
			g.gather(a, old)
			parked := old.syncLater(nil)
			parked.stillWaits(answerSoon)
			old.again().joinLater()
			p.code("SyncGroup of the old one", within[*kmsg.SyncGroupResponse](parked, answerMax).ErrorCode, kerr.FencedInstanceID)
		})
}

func staticKeepsGeneration(p *probe) {
	p.together(
		func(p *probe) { // a follower
			g := p.group()
			a, old := g.member(), g.static()
			g.settle(a, old)
			fresh := old.again()
			r := fresh.askJoin()
			p.code("JoinGroup of a follower", r.ErrorCode)
			p.equal("generation", r.Generation, old.generation)
			p.equal("leader", r.LeaderID, a.id)
			p.equal("members for a follower", len(r.Members), 0)
			p.equal("skip assignment", r.SkipAssignment, false)
			p.code("heartbeat of the leader", a.beat())
			g.is(stateStable)
			fresh.takes(r)
			p.equal("assignment", string(fresh.syncs(nil)), assignmentOf(1))
		},
		func(p *probe) { // the leader
			p.needs(11, 9)
			g := p.group()
			leader, follower := g.static(), g.member()
			g.settle(leader, follower)
			fresh := leader.again()
			r := fresh.askJoin()
			p.code("JoinGroup v9 of the leader", r.ErrorCode)
			p.equal("generation", r.Generation, leader.generation)
			p.equal("leader for v9", r.LeaderID, r.MemberID)
			p.equal("members for the leader with v9", len(r.Members), 2)
			p.equal("skip assignment for the leader", r.SkipAssignment, true)
			g.is(stateStable)
			older := fresh.again()
			older.version = 8
			second := older.askJoin()
			p.code("JoinGroup v8 of the leader", second.ErrorCode)
			p.equal("generation", second.Generation, leader.generation)
			p.equal("leader for v8: the old id", second.LeaderID, r.MemberID)
			p.equal("members for the leader with v8", len(second.Members), 0)
			p.code("heartbeat of the follower", follower.beat())
			older.takes(second)
			p.equal("assignment", string(older.syncs(nil)), assignmentOf(0))
		},
		func(p *probe) { // another protocol wins
			g := p.group()
			old := g.static()
			g.settle(old)
			fresh := old.again()
			fresh.protocols = subscribing("y", "x")
			fresh.join()
			p.equal("generation with another protocol", fresh.generation, old.generation+1)
		})
}

func staticCompleting(p *probe) {
	g := p.group()
	a, old := g.member(), g.static()
	g.gather(a, old)
	fresh := old.again()
	parked := fresh.joinLater()
	g.becomes(statePreparing)
	p.code("SyncGroup of the leader", a.askSync(a.assign(a, old)).ErrorCode, kerr.RebalanceInProgress)
	generation := a.generation
	a.join()
	fresh.joined(parked)
	p.equal("generation", fresh.generation, generation+1)
	g.syncAll(a, fresh)
}

func staticFenced(p *probe) {
	g := p.group()
	m := g.static()
	g.settle(m)
	ask := func(who string, want *kerr.Error, one *member) {
		p.code("JoinGroup with "+who, one.askJoin().ErrorCode, want)
		p.code("SyncGroup with "+who, one.askSync(nil).ErrorCode, want)
		p.code("Heartbeat with "+who, one.beat(), want)
		p.code("OffsetCommit with "+who, g.commits(p.upTo(8, 8), by(one, g.commitRequest(0, 1))), want)
		p.code("LeaveGroup with "+who, g.leave(p.upTo(13, 4), one.id, one.instance), want)
	}
	another := *m
	another.id = "another"
	ask("another's instance", kerr.FencedInstanceID, &another)
	unknown := *m
	unknown.instance = "unknown"
	ask("an unknown instance", kerr.UnknownMemberID, &unknown)
	p.code("heartbeat of the member", m.beat())
}

func leaveByInstance(p *probe) {
	p.needs(13, 3)
	g := p.group()
	a, static, dynamic := g.member(), g.static(), g.member()
	g.settle(a, static, dynamic)
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = g.name
	for _, one := range []struct{ id, instance string }{{"", "instance"}, {"", "nobody"}, {dynamic.id, ""}, {"stranger", ""}} {
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID = one.id
		if one.instance != "" {
			m.InstanceID = kmsg.StringPtr(one.instance)
		}
		req.Members = append(req.Members, m)
	}
	r := ask[*kmsg.LeaveGroupResponse](p, g.addr, p.upTo(13, 4), req)
	p.code("LeaveGroup", r.ErrorCode)
	p.equal("entries of LeaveGroup", len(r.Members), 4)
	for i, want := range []int16{0, kerr.UnknownMemberID.Code, 0, kerr.UnknownMemberID.Code} {
		p.equal("error of "+[]string{"the instance", "an unknown instance", "a member", "an unknown member"}[i], codeName(r.Members[i].ErrorCode), codeName(want))
	}
	p.equal("members afterwards", len(g.describe().Members), 1)
	p.each(13, 0, 2, func(v int16) {
		p.code("LeaveGroup below v3 of a stranger", g.leave(v, "stranger", ""), kerr.UnknownMemberID)
	})
	p.code("LeaveGroup below v3", g.leave(p.upTo(13, 2), a.id, ""))
	g.becomes(stateEmpty)
}

func staticSession(p *probe) {
	g := p.group()
	m := g.static()
	m.session = p.suite.session()
	g.settle(m)
	began := time.Now()
	p.code("heartbeat", m.beat())
	p.pause(m.session / 2)
	g.is(stateStable)
	g.becomes(stateEmpty)
	p.took("the static member is gone", time.Since(began), m.session)
}
