package main

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// probeCoordinator asks for coordinators.
func probeCoordinator(s *session) {
	s.warm()
	each(0, 6, func(v int16) {
		for _, key := range []string{"group-a", ""} {
			req := kmsg.NewPtrFindCoordinatorRequest()
			if v >= 4 {
				req.CoordinatorKeys = []string{key, "other"}
			} else {
				req.CoordinatorKey = key
			}
			s.ask(fmt.Sprintf("of %q", key), v, req)
		}
		if v >= 1 {
			req := kmsg.NewPtrFindCoordinatorRequest()
			req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = 9, "x", []string{"x"}
			s.ask("of type 9", v, req)
			req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = 2, "x", []string{"x"}
			s.ask("of a share group", v, req)
		}
	})
}

// warm waits until every partition of the offsets topic has its coordinator:
// 200 groups hit them all.
func (s *session) warm() {
	for n := 0; n < 200; {
		if s.coordinated(fmt.Sprintf("warm-%d", n)) {
			n++
		} else {
			pause()
		}
		if s.ctx.Err() != nil {
			return
		}
	}
}

func (s *session) coordinated(group string) bool {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey = group
	found, _ := s.quiet(2, req).(*kmsg.FindCoordinatorResponse)
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Group = group
	offsets, _ := s.quiet(5, fetch).(*kmsg.OffsetFetchResponse)
	return found != nil && found.ErrorCode == 0 && offsets != nil && offsets.ErrorCode == 0
}

func join(group, member string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = group, member, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 6000, 6000
	for _, name := range []string{"range", "roundrobin"} {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, subscription()
		req.Protocols = append(req.Protocols, p)
	}
	return req
}

func subscription() []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Topics = []string{"some-topic"}
	return m.AppendTo(nil)
}

// joined makes a member of a group of its own, up to a Stable group, and
// returns its id and generation.
func (s *session) joined(group string) (string, int32) {
	resp, _ := s.quiet(3, join(group, "")).(*kmsg.JoinGroupResponse)
	if resp == nil {
		return "", 0
	}
	req := syncGroup(group, resp.MemberID, resp.Generation)
	a := kmsg.NewSyncGroupRequestGroupAssignment()
	a.MemberID, a.MemberAssignment = resp.MemberID, []byte("an assignment")
	req.GroupAssignment = append(req.GroupAssignment, a)
	s.quiet(3, req)
	return resp.MemberID, resp.Generation
}

func syncGroup(group, member string, generation int32) *kmsg.SyncGroupRequest {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = group, member, generation
	req.ProtocolType, req.Protocol = kmsg.StringPtr("consumer"), kmsg.StringPtr("range")
	return req
}

// probeJoin asks JoinGroup at every version.
func probeJoin(s *session) {
	s.warm()
	each(0, 9, func(v int16) {
		group := fmt.Sprintf("join-%d", v)
		resp, _ := s.ask("first member", v, join(group, "")).(*kmsg.JoinGroupResponse)
		if resp != nil && resp.ErrorCode == 79 {
			s.ask("first member with its id", v, join(group, resp.MemberID))
		}
		s.ask("unknown member", v, join(group, "stranger"))
		s.ask("unknown member of an unknown group", v, join(group+"-unknown", "stranger"))
		s.ask("empty group id", v, join("", ""))
		short := join(group+"-short", "")
		short.SessionTimeoutMillis = 100
		s.ask("session too short", v, short)
		long := join(group+"-long", "")
		long.SessionTimeoutMillis = 1 << 30
		s.ask("session too long", v, long)
		s.joinProtocols(v, group)
	})
}

func (s *session) joinProtocols(v int16, group string) {
	none := join(group+"-none", "")
	none.Protocols = nil
	s.ask("no protocol", v, none)
	untyped := join(group+"-untyped", "")
	untyped.ProtocolType = ""
	s.ask("empty protocol type", v, untyped)
	other := join(group, "")
	other.ProtocolType = "connect"
	s.ask("another protocol type", v, other)
	foreign := join(group, "")
	foreign.Protocols = foreign.Protocols[:1]
	foreign.Protocols[0].Name = "foreign"
	s.ask("no protocol in common", v, foreign)
	if v >= 5 {
		named := join(group+"-static", "")
		named.InstanceID = kmsg.StringPtr("not/legal")
		s.ask("illegal instance id", v, named)
	}
}

// probeMember asks SyncGroup, Heartbeat and LeaveGroup of a member's life.
func probeMember(s *session) {
	s.warm()
	each(0, 5, func(v int16) {
		group := fmt.Sprintf("member-sync-%d", v)
		id, generation := s.joined(group)
		s.ask("sync when stable", v, syncGroup(group, id, generation))
		s.ask("sync with a wrong generation", v, syncGroup(group, id, generation+5))
		s.ask("sync of a stranger", v, syncGroup(group, "stranger", generation))
		s.ask("sync of an unknown group", v, syncGroup(group+"-unknown", id, generation))
		s.ask("sync with an empty group id", v, syncGroup("", id, generation))
		other := syncGroup(group, id, generation)
		other.ProtocolType = kmsg.StringPtr("connect")
		s.ask("sync with another type", v, other)
		untold := syncGroup(group, id, generation)
		untold.ProtocolType, untold.Protocol = nil, nil
		s.ask("sync without type and name", v, untold)
	})
	each(0, 4, func(v int16) { s.heartbeats(v) })
	each(0, 5, func(v int16) { s.leaves(v) })
}

func (s *session) heartbeats(v int16) {
	group := fmt.Sprintf("member-beat-%d", v)
	id, generation := s.joined(group)
	ask := func(name, group, id string, generation int32) {
		req := kmsg.NewPtrHeartbeatRequest()
		req.Group, req.MemberID, req.Generation = group, id, generation
		s.ask(name, v, req)
	}
	ask("heartbeat", group, id, generation)
	ask("heartbeat with a wrong generation", group, id, generation+1)
	ask("heartbeat of a stranger", group, "stranger", generation)
	ask("heartbeat of an unknown group", group+"-unknown", id, generation)
	ask("heartbeat with an empty group id", "", id, generation)
}

func (s *session) leaves(v int16) {
	group := fmt.Sprintf("member-leave-%d", v)
	id, _ := s.joined(group)
	ask := func(name, group, id string) {
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group, req.MemberID = group, id
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID = id
		req.Members = append(req.Members, m)
		s.ask(name, v, req)
	}
	ask("leave of a stranger", group, "stranger")
	ask("leave", group, id)
	ask("leave again", group, id)
	ask("leave of an unknown group", group+"-unknown", id)
	ask("leave with an empty group id", "", id)
}

// probeStatic replaces static members.
func probeStatic(s *session) {
	s.warm()
	each(5, 9, func(v int16) {
		group := fmt.Sprintf("static-%d", v)
		first := join(group, "")
		first.InstanceID = kmsg.StringPtr("one")
		resp, _ := s.ask("first", v, first).(*kmsg.JoinGroupResponse)
		if resp == nil {
			return
		}
		req := syncGroup(group, resp.MemberID, resp.Generation)
		req.InstanceID = first.InstanceID
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = resp.MemberID, []byte("an assignment")
		req.GroupAssignment = append(req.GroupAssignment, a)
		s.ask("sync", 5, req)
		s.ask("replaced", v, first)
		s.ask("sync of the fenced one", 5, req)
		beat := kmsg.NewPtrHeartbeatRequest()
		beat.Group, beat.MemberID, beat.Generation, beat.InstanceID = group, resp.MemberID, resp.Generation, first.InstanceID
		s.ask("heartbeat of the fenced one", 4, beat)
		beat.InstanceID = kmsg.StringPtr("unknown")
		s.ask("heartbeat of an unknown instance", 4, beat)
		s.removed(group)
	})
}

// removed takes the static member out as an administrator does.
func (s *session) removed(group string) {
	for _, instance := range []string{"unknown", "one"} {
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group = group
		m := kmsg.NewLeaveGroupRequestMember()
		m.InstanceID = kmsg.StringPtr(instance)
		req.Members = append(req.Members, m)
		s.ask("remove "+instance, 4, req)
	}
}
