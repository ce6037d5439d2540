package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// notHere is F5: what a broker says of a group whose partition of __consumer_offsets it does not lead, or still loads.
func notHere(p *probe) {
	if len(p.suite.brokers) < 2 {
		p.skip("there is one broker; it leads everything")
	}
	g := p.group()
	m := g.member()
	g.settle(m)
	p.code("OffsetCommit", g.commits(p.upTo(8, 8), by(m, g.commitRequest(0, 17))))
	for _, b := range p.suite.brokers {
		if addr := p.address(b.NodeID); addr != g.addr {
			m.at(addr).refusedByAll(kerr.NotCoordinator)
		}
	}
	partition := partitionOf(g.name, p.suite.offsetsPartitions())
	before := p.offsetsPartition(partition)
	p.holds(len(before.ISR) > 1, "%s-%d has one in-sync replica: %v", offsetsTopic, partition, before.ISR)
	to := before.ISR[slices.IndexFunc(before.ISR, func(id int32) bool { return id != before.Leader })]
	p.moveCoordinator(m, partition, before.Leader, to)
	p.moveCoordinator(m.at(p.address(to)), partition, to, before.Leader)
	p.ordered(partition, before.Replicas)
	m.leave()
}

// at is the same member, asking another broker.
func (m *member) at(addr string) *member {
	moved := *m
	moved.g = &group{p: m.p, name: m.g.name, addr: addr}
	return &moved
}

// refusedByAll expects one error from every call, in every version, where the version has its place for it.
func (m *member) refusedByAll(want *kerr.Error) {
	p, g := m.p, m.g
	told := func(name string, v int16, code int16) {
		p.code(fmt.Sprintf("%s v%d of a group that lives on another broker", name, v), code, want)
	}
	p.each(11, 0, 9, func(v int16) {
		joining := *m
		joining.version = v
		told("JoinGroup", v, joining.askJoin().ErrorCode)
	})
	p.each(14, 0, 5, func(v int16) {
		told("SyncGroup", v, ask[*kmsg.SyncGroupResponse](p, g.addr, v, m.syncRequest(nil)).ErrorCode)
	})
	p.each(12, 0, 4, func(v int16) {
		req := kmsg.NewPtrHeartbeatRequest()
		req.Group, req.MemberID, req.Generation = g.name, m.id, m.generation
		told("Heartbeat", v, ask[*kmsg.HeartbeatResponse](p, g.addr, v, req).ErrorCode)
	})
	p.each(13, 0, 5, func(v int16) {
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group, req.MemberID = g.name, m.id
		one := kmsg.NewLeaveGroupRequestMember()
		one.MemberID = m.id
		req.Members = append(req.Members, one)
		told("LeaveGroup", v, ask[*kmsg.LeaveGroupResponse](p, g.addr, v, req).ErrorCode)
	})
	p.each(8, 2, 10, func(v int16) { told("OffsetCommit", v, g.commits(v, by(m, g.commitRequest(0, 99)))) })
	p.each(9, 1, 9, func(v int16) { told("OffsetFetch", v, g.fetchCode(v)) })
	p.each(15, 0, 6, func(v int16) { told("DescribeGroups", v, g.describeAt(v).ErrorCode) })
	told("DeleteGroups", p.upTo(42, 1), g.remove())
	top, _ := g.deleteOffset(p.suite.topic, 0)
	told("OffsetDelete", 0, top)
	_, listed := g.listed(p.upTo(16, 4), nil, nil)
	p.holds(!listed, "the group is in ListGroups of a broker that does not coordinate it")
}

// fetchCode asks OffsetFetch for one partition and returns the error: version 1 has it in the partition, 8 in the group.
func (g *group) fetchCode(version int16) int16 {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = g.name
	t := kmsg.NewOffsetFetchRequestTopic()
	t.Topic, t.Partitions = g.p.suite.topic, []int32{0}
	req.Topics = append(req.Topics, t)
	of := kmsg.NewOffsetFetchRequestGroup()
	of.Group, of.MemberEpoch = g.name, -1
	one := kmsg.NewOffsetFetchRequestGroupTopic()
	one.Topic, one.Partitions = g.p.suite.topic, []int32{0}
	of.Topics = append(of.Topics, one)
	req.Groups = append(req.Groups, of)
	r := ask[*kmsg.OffsetFetchResponse](g.p, g.addr, version, req)
	switch {
	case version >= 8:
		g.p.holds(len(r.Groups) == 1, "OffsetFetch v%d of one group: %d in the answer", version, len(r.Groups))
		return r.Groups[0].ErrorCode
	case version >= 2:
		return r.ErrorCode
	}
	g.p.holds(len(r.Topics) == 1 && len(r.Topics[0].Partitions) == 1, "OffsetFetch v1 of one partition: another number in the answer")
	return r.Topics[0].Partitions[0].ErrorCode
}

// moveCoordinator lets another replica of the group's partition lead, and watches the old broker and the new one
// meanwhile. m asks the old one. In the end the new one knows the member, its generation and its commit.
func (p *probe) moveCoordinator(m *member, partition, from, to int32) {
	old, new := m, m.at(p.address(to))
	over := make(chan struct{})
	p.together(
		func(p *probe) {
			defer close(over)
			p.lead(partition, to)
		},
		func(p *probe) {
			p.watch("the old coordinator", over, old, []phase{
				{"coordinates", []int16{0}, []int16{0}},
				{"does not any more", []int16{kerr.NotCoordinator.Code}, []int16{kerr.NotCoordinator.Code}},
			})
		},
		func(p *probe) {
			p.watch("the new coordinator", over, new, []phase{
				{"does not yet", []int16{kerr.NotCoordinator.Code}, []int16{kerr.NotCoordinator.Code}},
				{"loads", []int16{kerr.CoordinatorLoadInProgress.Code}, []int16{0}}, // a heartbeat is answered with NONE
				{"coordinates", []int16{0}, []int16{0}},
			})
		})
	p.equal("coordinator afterwards", p.find(p.upTo(10, 4), 0, m.g.name).node, to)
	p.equal("offset on the new coordinator", new.g.fetch(0).offset, int64(17))
	d := new.g.describe()
	p.equal("state on the new coordinator", d.State, stateStable)
	p.equal("members on the new coordinator", len(d.Members), 1)
	p.equal("member on the new coordinator", d.Members[0].MemberID, m.id)
	p.code("heartbeat of the member's generation on the new coordinator", new.beat())
}

// phase is what a broker answers for some time: to OffsetFetch, and to a member's heartbeat.
type phase struct {
	name        string
	fetch, beat []int16
}

// watch asks a broker again and again. What it answers has to belong to the phases in their order; some may be too short to
// be seen, the last one has to come.
func (p *probe) watch(who string, over <-chan struct{}, m *member, phases []phase) {
	fetch, beat, loads := 0, 0, 0
	advance := func(what string, at *int, code int16, allowed func(phase) []int16) {
		for i := *at; i < len(phases); i++ {
			if slices.Contains(allowed(phases[i]), code) {
				*at = i
				return
			}
		}
		p.miss("%s answered %s with %s after the phase in which it %s", who, what, codeName(code), phases[*at].name)
	}
	for end := time.Now().Add(20 * time.Second); ; p.pause(5 * time.Millisecond) {
		code := m.g.fetchCode(p.upTo(9, 7))
		if code == kerr.CoordinatorLoadInProgress.Code {
			loads++
		}
		advance("OffsetFetch", &fetch, code, func(ph phase) []int16 { return ph.fetch })
		advance("Heartbeat", &beat, m.beat(), func(ph phase) []int16 { return ph.beat })
		if fetch == len(phases)-1 {
			break
		}
		if time.Now().After(end) {
			p.miss("%s still %s, 20 s after the partition was to get another leader", who, phases[fetch].name)
		}
	}
	if loads > 0 {
		p.note("%s was seen loading %d times", who, loads)
	}
	<-over
}

// offsetsPartition is one partition of __consumer_offsets in Metadata.
func (p *probe) offsetsPartition(partition int32) kmsg.MetadataResponseTopicPartition {
	for _, one := range p.metadata(offsetsTopic).Topics[0].Partitions {
		if one.Partition == partition {
			return one
		}
	}
	p.miss("%s-%d is not in Metadata", offsetsTopic, partition)
	return kmsg.MetadataResponseTopicPartition{}
}

// lead makes a replica the preferred leader of a partition of __consumer_offsets, and elects it.
func (p *probe) lead(partition, leader int32) {
	order := []int32{leader}
	for _, id := range p.offsetsPartition(partition).Replicas {
		if id != leader {
			order = append(order, id)
		}
	}
	p.ordered(partition, order)
	req := kmsg.NewPtrElectLeadersRequest()
	req.TimeoutMillis = 20000
	t := kmsg.NewElectLeadersRequestTopic()
	t.Topic, t.Partitions = offsetsTopic, []int32{partition}
	req.Topics = append(req.Topics, t)
	r := ask[*kmsg.ElectLeadersResponse](p, p.bootstrap(), p.upTo(43, 2), req)
	p.code("ElectLeaders", r.ErrorCode)
	for _, t := range r.Topics {
		for _, one := range t.Partitions {
			p.code("ElectLeaders of the partition", one.ErrorCode)
		}
	}
}

// ordered gives a partition of __consumer_offsets its replicas in another order.
func (p *probe) ordered(partition int32, replicas []int32) {
	req := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	req.TimeoutMillis = 20000
	t := kmsg.NewAlterPartitionAssignmentsRequestTopic()
	t.Topic = offsetsTopic
	one := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
	one.Partition, one.Replicas = partition, replicas
	t.Partitions = append(t.Partitions, one)
	req.Topics = append(req.Topics, t)
	r := ask[*kmsg.AlterPartitionAssignmentsResponse](p, p.bootstrap(), p.upTo(45, 0), req)
	p.code("AlterPartitionReassignments", r.ErrorCode)
	for _, t := range r.Topics {
		for _, one := range t.Partitions {
			p.code("AlterPartitionReassignments of the partition", one.ErrorCode)
		}
	}
	p.await("the new order of replicas", func() bool { return slices.Equal(p.offsetsPartition(partition).Replicas, replicas) })
}
