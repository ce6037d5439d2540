package broker

import (
	"bytes"
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// take answers the calls that are about groups, in the one version of each that the clients here speak.
func (g *Groups) take(c *api.Call) bool {
	switch r := c.Request.(type) {
	case *protocol.JoinGroupRequest:
		g.join(c, r)
	case *protocol.SyncGroupRequest:
		g.sync(c, r)
	case *protocol.HeartbeatRequest:
		g.heartbeat(c, r)
	case *protocol.LeaveGroupRequest:
		g.leave(c, r)
	case *protocol.OffsetCommitRequest:
		g.commit(c, r)
	case *protocol.OffsetFetchRequest:
		g.fetch(c, r)
	default:
		return false
	}
	return true
}

// ask gives the event that make makes to the group's shard, and its reply to done; body is nil where err is not.
func (g *Groups) ask(id string, makeEvent func(group.Token) group.Event, done func(body group.Body, err *protocol.Error)) {
	s, err := g.shardOf(id)
	if err != nil {
		done(nil, err)
		return
	}
	s.tokens++
	s.send(makeEvent(s.tokens), s.tokens, done)
}

func codeOf(err *protocol.Error) protocol.Code {
	if err == nil {
		return protocol.None
	}
	return err.Code
}

func (g *Groups) join(c *api.Call, r *protocol.JoinGroupRequest) {
	request := group.JoinRequest{GroupID: r.GroupID, MemberID: r.MemberID, InstanceID: text(r.GroupInstanceID), ClientID: c.Client.ID,
		ClientHost: "/10.0.0.1", SessionTimeout: time.Duration(r.SessionTimeoutMs) * time.Millisecond,
		RebalanceTimeout: time.Duration(r.RebalanceTimeoutMs) * time.Millisecond, ProtocolType: r.ProtocolType, Reason: text(r.Reason),
		RequiresKnownMemberID: true, SupportsSkippingAssignment: true}
	for _, p := range r.Protocols {
		request.Protocols = append(request.Protocols, group.Protocol{Name: p.Name, Metadata: bytes.Clone(p.Metadata)})
	}
	g.ask(r.GroupID, func(t group.Token) group.Event {
		return &group.Join{Token: t, FreshID: g.freshID(), JoinRequest: request}
	}, func(body group.Body, err *protocol.Error) {
		response := protocol.NewJoinGroupResponse()
		response.GenerationID, response.MemberID = -1, r.MemberID
		if err == nil {
			reply := body.(*group.JoinReply)
			if s, _ := g.shardOf(r.GroupID); s != nil {
				s.newest.learn(request.InstanceID, reply)
			}
			err = reply.Err
			response.GenerationID, response.MemberID, response.Leader, response.SkipAssignment = reply.Generation, reply.MemberID, reply.Leader, reply.SkipAssignment
			response.ProtocolType, response.ProtocolName = orNull(reply.ProtocolType), orNull(reply.Protocol)
			for _, m := range reply.Members {
				response.Members = append(response.Members, protocol.JoinGroupResponseMember{MemberID: m.MemberID,
					GroupInstanceID: orNull(m.InstanceID), Metadata: m.Metadata})
			}
		}
		response.ErrorCode = codeOf(err)
		c.Reply(response)
	})
}

// freshID is the random part of a member id.
func (g *Groups) freshID() string {
	if g.process.World.Has(OneMemberID) {
		return "0"
	}
	var id protocol.UUID
	g.process.Random(id[:])
	return id.String()
}

func (g *Groups) sync(c *api.Call, r *protocol.SyncGroupRequest) {
	request := group.SyncRequest{GroupID: r.GroupID, MemberID: r.MemberID, InstanceID: text(r.GroupInstanceID), Generation: r.GenerationID,
		ProtocolType: r.ProtocolType, Protocol: r.ProtocolName}
	for _, a := range r.Assignments {
		request.Assignments = append(request.Assignments, group.Assignment{MemberID: a.MemberID, Data: bytes.Clone(a.Assignment)})
	}
	g.ask(r.GroupID, func(t group.Token) group.Event { return &group.Sync{Token: t, SyncRequest: request} },
		func(body group.Body, err *protocol.Error) {
			response := protocol.NewSyncGroupResponse()
			response.Assignment = []byte{}
			if err == nil {
				reply := body.(*group.SyncReply)
				err = reply.Err
				response.ProtocolType, response.ProtocolName = orNull(reply.ProtocolType), orNull(reply.Protocol)
				response.Assignment = append(response.Assignment, reply.Assignment...)
			}
			response.ErrorCode = codeOf(err)
			c.Reply(response)
		})
}

func (g *Groups) heartbeat(c *api.Call, r *protocol.HeartbeatRequest) {
	var token group.Token
	answered := false
	done := func(body group.Body, err *protocol.Error) { // package coordinator says NONE while it loads, which means nothing
		answered = true
		if err == nil {
			err = body.(*group.HeartbeatReply).Err
		}
		response := protocol.NewHeartbeatResponse()
		response.ErrorCode = codeOf(err)
		c.Reply(response)
	}
	g.ask(r.GroupID, func(t group.Token) group.Event {
		token = t
		return &group.Heartbeat{Token: t, HeartbeatRequest: group.HeartbeatRequest{GroupID: r.GroupID, MemberID: r.MemberID,
			InstanceID: text(r.GroupInstanceID), Generation: r.GenerationID, Aside: true}}
	}, done)
	if s, err := g.shardOf(r.GroupID); err == nil && !answered {
		load := s.loads
		c.OnLater(func() {
			if !answered && !g.process.Ended && s.loads == load && s.core != nil {
				s.send(&group.Nudge{Token: token, GroupID: r.GroupID, MemberID: r.MemberID}, 0, nil)
			}
		})
	}
}

func (g *Groups) leave(c *api.Call, r *protocol.LeaveGroupRequest) {
	request := group.LeaveRequest{GroupID: r.GroupID}
	for _, m := range r.Members {
		request.Members = append(request.Members, group.LeavingMember{MemberID: m.MemberID, InstanceID: text(m.GroupInstanceID)})
	}
	g.ask(r.GroupID, func(t group.Token) group.Event { return &group.Leave{Token: t, LeaveRequest: request} },
		func(body group.Body, err *protocol.Error) {
			response := protocol.NewLeaveGroupResponse()
			if err == nil {
				err = body.(*group.LeaveReply).Err
			}
			response.ErrorCode = codeOf(err)
			c.Reply(response)
		})
}

func (g *Groups) commit(c *api.Call, r *protocol.OffsetCommitRequest) {
	request := group.CommitRequest{GroupID: r.GroupID, MemberID: r.MemberID, InstanceID: text(r.GroupInstanceID),
		Generation: r.GenerationIDOrMemberEpoch, Retention: -1, ReportsUnknownGroup: true}
	response := protocol.NewOffsetCommitResponse()
	for i := range r.Topics {
		t := &r.Topics[i]
		topic := group.CommitTopic{Name: t.Name}
		answer := protocol.OffsetCommitResponseTopic{Name: t.Name}
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, group.CommitPartition{Partition: p.PartitionIndex, Offset: record.Offset(p.CommittedOffset),
				LeaderEpoch: record.LeaderEpoch(p.CommittedLeaderEpoch), Metadata: text(p.CommittedMetadata), CommitTime: group.NoInstant})
			answer.Partitions = append(answer.Partitions, protocol.OffsetCommitResponsePartition{PartitionIndex: p.PartitionIndex})
		}
		request.Topics = append(request.Topics, topic)
		response.Topics = append(response.Topics, answer)
	}
	g.ask(r.GroupID, func(t group.Token) group.Event { return &group.Commit{Token: t, CommitRequest: request} },
		func(body group.Body, err *protocol.Error) {
			if err == nil {
				reply := body.(*group.CommitReply)
				err = reply.Err
				for _, refused := range reply.Refused {
					response.Topics[refused.Topic].Partitions[refused.Partition].ErrorCode = codeOf(refused.Err)
				}
			}
			for i := range response.Topics {
				for j := range response.Topics[i].Partitions {
					if err != nil {
						response.Topics[i].Partitions[j].ErrorCode = err.Code
					}
				}
			}
			c.Reply(response)
		})
}

func (g *Groups) fetch(c *api.Call, r *protocol.OffsetFetchRequest) {
	asked := &r.Groups[0]
	request := group.FetchRequest{GroupID: asked.GroupID, RequireStable: r.RequireStable}
	for _, t := range asked.Topics {
		request.Topics = append(request.Topics, group.FetchTopic{Name: t.Name, Partitions: t.PartitionIndexes})
	}
	g.ask(asked.GroupID, func(t group.Token) group.Event { return &group.Fetch{Token: t, FetchRequest: request} },
		func(body group.Body, err *protocol.Error) {
			response := protocol.NewOffsetFetchResponse()
			answer := protocol.OffsetFetchResponseGroup{GroupID: asked.GroupID}
			if err == nil {
				reply := body.(*group.FetchReply)
				err = reply.Err
				for _, t := range reply.Topics {
					topic := protocol.OffsetFetchResponseTopics{Name: t.Name}
					for i := range t.Partitions {
						p := &t.Partitions[i]
						topic.Partitions = append(topic.Partitions, protocol.OffsetFetchResponsePartitions{PartitionIndex: p.Partition,
							CommittedOffset: int64(p.Offset), CommittedLeaderEpoch: int32(p.LeaderEpoch), Metadata: &p.Metadata})
					}
					answer.Topics = append(answer.Topics, topic)
				}
			}
			answer.ErrorCode = codeOf(err)
			response.Groups = append(response.Groups, answer)
			c.Reply(response)
		})
}
