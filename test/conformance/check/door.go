package check

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// doorRows are section 2.1: finding the coordinator, and the guard at the door.
func doorRows() []Row {
	return []Row{
		seen("F1", "a group's coordinator leads partition abs(hash) % n of __consumer_offsets, and its records are there", hashedPartition),
		seen("F2", "the first FindCoordinator of a cluster makes __consumer_offsets and leads to a coordinator", firstFind),
		seen("F3", "FindCoordinator: one entry for each key from version 4 on, one answer below", entryForEachKey),
		seen("F4", "FindCoordinator of a share group below version 6: INVALID_REQUEST, node -1 (the ACL half is hidden)", shareGroupBelow6),
		several("F5", "a broker that does not lead the group's partition: NOT_COORDINATOR everywhere; while it loads it, heartbeats are answered", notHere),
		seen("F6", "an empty group id: refused by Join, Sync, Heartbeat, Leave, OffsetDelete; allowed elsewhere", emptyGroupID),
		seen("F7", "a session timeout out of bounds: INVALID_SESSION_TIMEOUT with the member id", sessionBounds),
		hidden("F8", "rights on groups and topics", "needs ACLs"),
		seen("F9", "SyncGroup 5 without protocol type or name: INCONSISTENT_GROUP_PROTOCOL", syncNeedsProtocol),
		hidden("F10", "group.instance.id has the letters of a topic name", "clients check it, brokers do not"),
	}
}

func hashedPartition(p *probe) {
	n := p.suite.offsetsPartitions()
	// Letters outside the first plane are two units of Java's string; the last name's hash is the least int.
	for _, name := range []string{p.name(), p.name() + "-ü-𝄞", leastHash(p.name() + "-")} {
		partition := partitionOf(name, n)
		before := p.logEnd(partition)
		g := p.groupNamed(name)
		p.equal(fmt.Sprintf("coordinator of %q and leader of partition %d", name, partition), g.addr, p.leader(offsetsTopic, partition))
		g.commit(0, 1)
		p.holds(p.findCommit(partition, before, name, p.suite.topic, 0) != nil,
			"the commit of group %q is not in partition %d of %s", name, partition, offsetsTopic)
	}
}

func firstFind(p *probe) {
	if !p.suite.first.asked {
		p.skip("%s exists already; a new broker can be asked", offsetsTopic)
	}
	p.code("the first FindCoordinator", p.suite.first.code, &noError, kerr.CoordinatorNotAvailable)
	if p.suite.first.code == 0 {
		p.note("it waits for the topic, where Kafka answers COORDINATOR_NOT_AVAILABLE first")
	}
	topic := p.metadata(offsetsTopic).Topics[0]
	p.code(offsetsTopic+" afterwards", topic.ErrorCode)
	p.coordinator(p.suite.prefix)
}

// noError stands for no error among several that are allowed.
var noError = kerr.Error{Message: "NONE"}

func entryForEachKey(p *probe) {
	group, other := p.name(), p.name()
	p.coordinator(group)
	want := p.find(p.upTo(10, 2), 0, group)
	p.each(10, 0, 3, func(v int16) {
		p.equal(fmt.Sprintf("FindCoordinator v%d", v), p.find(v, 0, group), want)
	})
	p.each(10, 4, 6, func(v int16) {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKeys = []string{group, other, ""}
		r := ask[*kmsg.FindCoordinatorResponse](p, p.bootstrap(), v, req)
		found := map[string]int16{}
		for _, c := range r.Coordinators {
			found[c.Key] = c.ErrorCode
		}
		p.equal(fmt.Sprintf("errors by key in FindCoordinator v%d", v), found, map[string]int16{group: 0, other: 0, "": 0})
	})
}

func shareGroupBelow6(p *probe) {
	p.each(10, 1, 5, func(v int16) {
		found := p.find(v, 2, p.name())
		what := fmt.Sprintf("FindCoordinator v%d of key type 2", v)
		p.code(what, found.code, kerr.InvalidRequest)
		p.equal(what+": node", found.node, int32(-1))
		p.equal(what+": host", found.host, "")
		p.equal(what+": port", found.port, int32(-1))
	})
}

func emptyGroupID(p *probe) {
	nameless := &group{p: p, addr: p.coordinator("")}
	p.each(11, 0, 9, func(v int16) {
		m := nameless.member()
		m.version = v
		p.code(fmt.Sprintf("JoinGroup v%d", v), m.askJoin().ErrorCode, kerr.InvalidGroupID)
	})
	m := nameless.member()
	m.id, m.generation, m.protocol = "somebody", 1, "x"
	p.code("SyncGroup", m.askSync(nil).ErrorCode, kerr.InvalidGroupID)
	p.code("Heartbeat", m.beat(), kerr.InvalidGroupID)
	req := kmsg.NewPtrLeaveGroupRequest()
	req.MemberID = "somebody"
	p.code("LeaveGroup", ask[*kmsg.LeaveGroupResponse](p, nameless.addr, p.upTo(13, 2), req).ErrorCode, kerr.InvalidGroupID)
	top, _ := nameless.deleteOffset(p.suite.topic, 0)
	p.code("OffsetDelete", top, kerr.InvalidGroupID)
	if d := nameless.describe(); d.State != stateDead {
		p.code("DescribeGroups", d.ErrorCode)
		p.note("a group without a name exists here, so commit and deletion were not tried")
		return
	}
	p.code("OffsetCommit", nameless.commits(p.upTo(8, 5), nameless.commitRequest(0, 7)))
	p.equal("OffsetFetch", nameless.fetch(0).offset, int64(7))
	p.equal("DescribeGroups: state", nameless.describe().State, stateEmpty)
	p.code("DeleteGroups", nameless.remove())
}

func sessionBounds(p *probe) {
	least := p.suite.millis("group.min.session.timeout.ms", 6000)
	most := p.suite.millis("group.max.session.timeout.ms", 1800000)
	g := p.group()
	p.each(11, 0, 9, func(v int16) {
		for _, session := range []time.Duration{least - time.Millisecond, most + time.Millisecond} {
			m := g.member()
			m.version, m.session, m.id = v, session, "echo"
			r := m.askJoin()
			what := fmt.Sprintf("JoinGroup v%d with a session of %v", v, session)
			p.code(what, r.ErrorCode, kerr.InvalidSessionTimeout)
			p.equal(what+": member id", r.MemberID, "echo")
		}
	})
	for _, session := range []time.Duration{least, most} {
		m := g.member()
		m.version, m.session, m.id = p.upTo(11, 9), session, "stranger"
		p.code(fmt.Sprintf("JoinGroup of a stranger with a session of %v", session), m.askJoin().ErrorCode, kerr.UnknownMemberID)
	}
}

func syncNeedsProtocol(p *probe) {
	p.needs(14, 5)
	g := p.group()
	m := g.member()
	m.id, m.generation = "stranger", 1
	for _, without := range []string{"type", "name"} {
		req := m.syncRequest(nil)
		req.Protocol = kmsg.StringPtr("x")
		if without == "type" {
			req.ProtocolType = nil
		} else {
			req.Protocol = nil
		}
		r := ask[*kmsg.SyncGroupResponse](p, g.addr, 5, req)
		p.code("SyncGroup v5 without protocol "+without, r.ErrorCode, kerr.InconsistentGroupProtocol)
	}
}
