package check

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// joinRows are section 2.2: JoinGroup. How rebalances take their time is in rebalance.go.
func joinRows() []Row {
	return []Row{
		seen("J1", "the first join makes an Empty group; an unknown group has no members: UNKNOWN_MEMBER_ID", firstJoin),
		seen("J2", "an empty KIP-848 group becomes a classic one by JoinGroup; a share group with members does not", joinConverts),
		waits("J3", "a new dynamic member is told its id first, from version 4 on; below, and static ones, join at once", twoSteps),
		waits("J4", "a member id is CLIENTID-UUID, of a static member INSTANCE-UUID", memberIDs),
		waits("J5", "a member that does not come back with its new id is forgotten after its session; the others go on", pendingForgotten),
		waits("J6", "a protocol type, and a protocol that all members have, or INCONSISTENT_GROUP_PROTOCOL", protocolsFit),
		waits("J7", "a member too many: GROUP_MAX_SIZE_REACHED, with no member id", groupFull),
		waits("J8", "the first rebalance waits for more members, as long as they come, up to the rebalance timeout", firstDelay),
		waits("J9", "a later rebalance ends when all members are back, or at the longest rebalance timeout", rebalanceEnds),
		waits("J10", "JoinGroup 0 has no rebalance timeout: it is the session timeout", rebalanceTimeoutV0),
		waits("J11", "a new generation: absent dynamic members go, static ones stay; only the leader sees the members", newGeneration),
		waits("J12", "only absent static members: the generation stays, and the rebalance goes on", onlyAbsentStatic),
		waits("J13", "each member votes for the first of its protocols that all have; most votes win", protocolVote),
		waits("J14", "the first member leads; if it leaves or is absent another one does", leaders),
		waits("J15", "rejoin when Stable: the leader rebalances, a follower only with other protocols", rejoinStable),
		waits("J16", "rejoin when CompletingRebalance: same protocols, same generation; others, another rebalance", rejoinCompleting),
		waits("J17", "rejoin of a known id in an Empty group: UNKNOWN_MEMBER_ID", rejoinEmpty),
		hidden("J18", "a Dead group: COORDINATOR_NOT_AVAILABLE", "a group is Dead only while it is unloaded"),
		waits("J19", "a new member's parked JoinGroup ends after five minutes: UNKNOWN_MEMBER_ID", newMemberExpires),
		waits("J20", "a member with a parked JoinGroup or SyncGroup needs no heartbeats", parkedIsAlive),
		seen("J21", "no protocol name: \"\" below JoinGroup 7, null from 7 on", noProtocolName),
		waits("J22", "a reason of any length is taken (what is logged of it is hidden)", longReasons),
		waits("J23", "states: Empty, PreparingRebalance, CompletingRebalance, Stable, PreparingRebalance, Empty, Dead", states),
	}
}

func firstJoin(p *probe) {
	g := p.group()
	stranger := g.member()
	p.each(11, 0, 9, func(v int16) {
		stranger.id, stranger.version = "stranger", v
		p.code(fmt.Sprintf("JoinGroup v%d with a member id to an unknown group", v), stranger.askJoin().ErrorCode, kerr.UnknownMemberID)
	})
	partition := partitionOf(g.name, p.suite.offsetsPartitions())
	before := p.logEnd(partition)
	m := g.member()
	m.version = p.upTo(11, 9)
	p.needs(11, 4)
	m.identify()
	g.becomes(stateEmpty) // Kafka does not wait for the record that makes the group
	d := g.describe()
	p.code("DescribeGroups", d.ErrorCode)
	p.equal("members after the first JoinGroup", len(d.Members), 0)
	_, listed := g.listed(p.upTo(16, 5), nil, nil)
	p.holds(listed, "the group is not in ListGroups")
	p.holds(p.findGroup(partition, before, g.name) != nil, "no record of the empty group in partition %d of %s", partition, offsetsTopic)
	stranger.id = "stranger"
	p.code("JoinGroup of a stranger", stranger.askJoin().ErrorCode, kerr.UnknownMemberID)
}

func twoSteps(p *probe) {
	var parts []func(*probe)
	p.each(11, 0, 3, func(v int16) {
		parts = append(parts, func(p *probe) {
			m := p.group().member()
			m.version = v
			r := m.askJoin()
			p.code(fmt.Sprintf("JoinGroup v%d without a member id", v), r.ErrorCode)
			p.holds(r.MemberID != "" && r.Generation == 1, "JoinGroup v%d: member %q, generation %d", v, r.MemberID, r.Generation)
		})
	})
	p.each(11, 4, 9, func(v int16) {
		parts = append(parts, func(p *probe) {
			m := p.group().member()
			m.version = v
			r := m.askJoin()
			p.code(fmt.Sprintf("JoinGroup v%d without a member id", v), r.ErrorCode, kerr.MemberIDRequired)
			p.holds(r.MemberID != "", "JoinGroup v%d: no member id with MEMBER_ID_REQUIRED", v)
			m.id = r.MemberID
			r = m.askJoin()
			p.code(fmt.Sprintf("JoinGroup v%d with the new member id", v), r.ErrorCode)
			p.equal("member id", r.MemberID, m.id)
		})
	})
	p.each(11, 5, 9, func(v int16) {
		parts = append(parts, func(p *probe) {
			m := p.group().member()
			m.version, m.instance = v, "static"
			p.code(fmt.Sprintf("JoinGroup v%d of a static member without a member id", v), m.askJoin().ErrorCode)
		})
	})
	p.together(parts...)
}

var uuidText = regexp.MustCompile(`^[0-9A-Za-z_-]{22}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func memberIDs(p *probe) {
	g := p.group()
	dynamic := g.member()
	if dynamic.version >= 4 {
		dynamic.identify()
		rest, ok := strings.CutPrefix(dynamic.id, clientID+"-")
		p.holds(ok && uuidText.MatchString(rest), "id of a dynamic member: expected %s-UUID, got %q", clientID, dynamic.id)
	}
	p.needs(11, 5)
	static := p.group().member()
	static.instance = "instance"
	static.join()
	rest, ok := strings.CutPrefix(static.id, "instance-")
	p.holds(ok && uuidText.MatchString(rest), "id of a static member: expected instance-UUID, got %q", static.id)
}

func protocolsFit(p *probe) {
	g := p.group()
	refused := func(what string, change func(m *member)) {
		m := g.member()
		change(m)
		p.code("JoinGroup with "+what, m.askJoin().ErrorCode, kerr.InconsistentGroupProtocol)
	}
	refused("an empty type, group Empty", func(m *member) { m.kind = "" })
	refused("no protocol, group Empty", func(m *member) { m.protocols = nil })
	a := g.member()
	g.settle(a)
	refused("another type", func(m *member) { m.kind = "connect" })
	refused("no protocol", func(m *member) { m.protocols = nil })
	refused("no protocol in common", func(m *member) { m.protocols = subscribing("z") })
	b := g.member()
	b.protocols = subscribing("z", "y")
	parked := b.joinLater()
	g.counts(2)
	// y is now all that the members share.
	refused("a protocol that only some members have", func(m *member) { m.protocols = subscribing("x", "z") })
	a.join()
	b.joined(parked)
	p.equal("protocol", b.protocol, "y")
}

func groupFull(p *probe) {
	limit := int(p.suite.number("group.max.size", 1<<31-1))
	if limit > 20 {
		p.skip("group.max.size is %d here", limit)
	}
	g := p.group()
	members := g.members(limit)
	g.settle(members...)
	p.each(11, 0, 9, func(v int16) {
		m := g.member()
		m.version = v
		r := m.askJoin()
		p.code(fmt.Sprintf("JoinGroup v%d of member %d", v, limit+1), r.ErrorCode, kerr.GroupMaxSizeReached)
		p.equal("member id", r.MemberID, "")
	})
	g.is(stateStable)
	// A known member may come again, and a place that was left is free.
	p.code("leave", members[limit-1].leave())
	g.rebalances(members[0])
	late := g.member()
	joining := late.joinLater()
	g.counts(limit)
	g.rejoinAll(members[:limit-1]...)
	late.joined(joining)
}

func protocolVote(p *probe) {
	p.together(
		func(p *probe) {
			g := p.group()
			all := g.members(3)
			all[0].protocols, all[1].protocols, all[2].protocols = subscribing("x", "y"), subscribing("y", "x"), subscribing("y", "x")
			g.gather(all...)
			for _, m := range all {
				p.equal("protocol with votes x, y, y", m.protocol, "y")
			}
		},
		func(p *probe) {
			g := p.group()
			all := g.members(3)
			all[0].protocols, all[1].protocols, all[2].protocols = subscribing("z", "x"), subscribing("z", "x"), subscribing("y", "x")
			g.gather(all...)
			p.equal("protocol with z, z, y and x for all", all[2].protocol, "x")
		})
}

func rejoinStable(p *probe) {
	g := p.group()
	a, b := g.member(), g.member()
	g.settle(a, b)
	r := b.askJoin()
	p.code("a follower's JoinGroup with the same protocols", r.ErrorCode)
	p.equal("generation", r.Generation, b.generation)
	p.equal("leader", r.LeaderID, a.id)
	p.equal("members for a follower", len(r.Members), 0)
	p.equal("skip assignment", r.SkipAssignment, false)
	g.is(stateStable)
	p.equal("assignment kept", string(b.syncs(nil)), assignmentOf(1))

	b.protocols = subscribing("y", "x")
	parked := b.joinLater()
	g.becomes(statePreparing)
	p.code("heartbeat of the leader", a.beat(), kerr.RebalanceInProgress)
	generation := b.generation
	a.join()
	b.joined(parked)
	p.equal("generation after a follower's protocols changed order", b.generation, generation+1)
	g.syncAll(a, b)

	parked = a.joinLater()
	g.becomes(statePreparing)
	b.join()
	a.joined(parked)
	p.equal("generation after the leader rejoined", a.generation, generation+2)
	g.syncAll(a, b)

	b.protocols[0].Metadata = append(b.protocols[0].Metadata, 0)
	parked = b.joinLater()
	g.becomes(statePreparing)
	a.join()
	b.joined(parked)
	p.equal("generation after a follower's metadata changed", b.generation, generation+3)
}

func rejoinCompleting(p *probe) {
	g := p.group()
	a, b, c := g.member(), g.member(), g.member()
	g.gather(a, b, c)
	generation := a.generation
	r := b.askJoin()
	p.code("a follower's JoinGroup with the same protocols", r.ErrorCode)
	p.equal("generation for a follower", r.Generation, generation)
	p.equal("members for a follower", len(r.Members), 0)
	r = a.askJoin()
	p.code("the leader's JoinGroup with the same protocols", r.ErrorCode)
	p.equal("generation for the leader", r.Generation, generation)
	p.equal("members for the leader", len(r.Members), 3)
	g.is(stateCompleting)

	sync := b.syncLater(nil)
	sync.stillWaits(answerSoon)
	c.protocols = subscribing("y", "x")
	parked := c.joinLater()
	p.code("SyncGroup that waited", within[*kmsg.SyncGroupResponse](sync, answerMax).ErrorCode, kerr.RebalanceInProgress)
	g.rejoinAll(a, b)
	c.joined(parked)
	p.equal("generation after a member's protocols changed", c.generation, generation+1)
}

func rejoinEmpty(p *probe) {
	g := p.group()
	m := g.member()
	m.join()
	p.code("leave", m.leave())
	g.becomes(stateEmpty)
	p.code("JoinGroup with the old id", m.askJoin().ErrorCode, kerr.UnknownMemberID)
}

func noProtocolName(p *probe) {
	g := p.group()
	p.each(11, 0, 9, func(v int16) {
		m := g.member()
		m.id, m.version = "stranger", v
		r := m.askJoin()
		p.code("JoinGroup of a stranger", r.ErrorCode, kerr.UnknownMemberID)
		what := fmt.Sprintf("protocol name in JoinGroup v%d that is refused", v)
		if v < 7 {
			p.equal(what, text(r.Protocol), "")
		} else {
			p.equal(what, r.Protocol, (*string)(nil))
		}
	})
}

func longReasons(p *probe) {
	p.needs(11, 8)
	g := p.group()
	m := g.member()
	m.reason = strings.Repeat("reason ", 200)
	g.settle(m)
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = g.name
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID, one.Reason = m.id, &m.reason
	req.Members = append(req.Members, one)
	r := ask[*kmsg.LeaveGroupResponse](p, g.addr, 5, req)
	p.code("LeaveGroup", r.ErrorCode)
	p.code("LeaveGroup, the member", r.Members[0].ErrorCode)
}

func states(p *probe) {
	g := p.group()
	g.is(stateDead)
	a, b := g.member(), g.member()
	if a.version >= 4 {
		a.identify()
		g.becomes(stateEmpty)
	}
	parked := a.joinLater()
	if p.suite.initialDelay() > answerSoon {
		g.becomes(statePreparing)
		parked.stillWaits(answerSoon / 2)
	}
	a.joined(parked)
	g.is(stateCompleting)
	a.syncs(a.assign(a))
	g.is(stateStable)
	parked = b.joinLater()
	g.becomes(statePreparing)
	a.join()
	b.joined(parked)
	g.is(stateCompleting)
	g.syncAll(a, b)
	g.is(stateStable)
	p.code("leave", a.leave())
	g.becomes(statePreparing)
	p.code("leave", b.leave())
	g.becomes(stateEmpty)
	p.code("DeleteGroups", g.remove())
	g.is(stateDead)
}
