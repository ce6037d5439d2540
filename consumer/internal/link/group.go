package link

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/membership"
)

// protocolType is that of consumers.
const protocolType = "consumer"

// Group is what all requests of a member carry.
type Group struct {
	ID         string
	InstanceID string // "" for a dynamic member
	Rack       string
	// SessionTimeout and RebalanceTimeout are told to the coordinator in JoinGroup.
	SessionTimeout, RebalanceTimeout time.Duration
	Assignors                        []assign.Assignor
	RemoteAssignor                   string // that the coordinator is to use, with the consumer protocol; "" for its own choice
}

func (g Group) instance() *string {
	if g.InstanceID == "" {
		return nil
	}
	return &g.InstanceID
}

// FindCoordinator asks for the node that coordinates the group.
func (l *Link) FindCoordinator(ctx context.Context, group string) (node int32, err error) {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey = group
	req.CoordinatorKeys = []string{group}
	resp, err := ask[*kmsg.FindCoordinatorResponse](ctx, l.data, anyNode, l.cfg.RequestTimeout, req)
	if err != nil {
		return -1, err
	}
	node, code, message := resp.NodeID, resp.ErrorCode, resp.ErrorMessage
	if len(resp.Coordinators) > 0 {
		i := slices.IndexFunc(resp.Coordinators, func(c kmsg.FindCoordinatorResponseCoordinator) bool { return c.Key == group })
		if i < 0 {
			return -1, fmt.Errorf("%w: FindCoordinator for group %s is answered for %q", ErrNonsense, group, resp.Coordinators[0].Key)
		}
		c := &resp.Coordinators[i]
		node, code, message = c.NodeID, c.ErrorCode, c.ErrorMessage
	}
	switch {
	case code != 0:
		return -1, codeError(code, message)
	case node < 0:
		return -1, fmt.Errorf("%w: FindCoordinator for group %s is answered with node %d", ErrNonsense, group, node)
	}
	return node, nil
}

// Join sends JoinGroup, and waits as long as the other members may take: the rebalance timeout and 5 s.
func (l *Link) Join(ctx context.Context, node int32, g Group, e membership.Join) membership.Joined {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.InstanceID, req.ProtocolType = g.ID, e.MemberID, g.instance(), protocolType
	req.SessionTimeoutMillis = int32(g.SessionTimeout.Milliseconds())
	req.RebalanceTimeoutMillis = int32(g.RebalanceTimeout.Milliseconds())
	if e.Reason != "" {
		req.Reason = kmsg.StringPtr(e.Reason)
	}
	for _, a := range g.Assignors {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name = a.Name()
		held := e.Had // what an eager member has given up and would like to have again
		if a.Cooperative() {
			held = e.Owned
		}
		p.Metadata = assign.EncodeSubscription(assign.Member{
			Rack: g.Rack, Topics: e.Topics, Owned: e.Owned, Generation: e.HadGeneration, UserData: a.UserData(e.Topics, held, e.HadGeneration),
		})
		req.Protocols = append(req.Protocols, p)
	}
	joined := membership.Joined{Attempt: e.Attempt}
	resp, err := ask[*kmsg.JoinGroupResponse](ctx, l.member, node, g.RebalanceTimeout+5*time.Second, req)
	if err != nil {
		joined.Failure = Failure(err)
		return joined
	}
	joined.MemberID, joined.Failure = resp.MemberID, coded(resp.ErrorCode, nil)
	if !joined.Failure.OK() {
		return joined
	}
	joined.Generation, joined.LeaderID, joined.SkipAssignment = resp.Generation, resp.LeaderID, resp.SkipAssignment
	if resp.Protocol != nil {
		joined.Protocol = *resp.Protocol
	}
	for _, m := range resp.Members {
		member, err := assign.DecodeSubscription(m.ProtocolMetadata)
		if err != nil { // a member that nobody can read gets nothing, and the others go on
			member = assign.Member{Generation: -1}
		}
		member.ID = m.MemberID
		if m.InstanceID != nil {
			member.InstanceID = *m.InstanceID
		}
		joined.Members = append(joined.Members, member)
	}
	return joined
}

// Sync sends SyncGroup, and waits as long as the leader may take.
func (l *Link) Sync(ctx context.Context, node int32, g Group, e membership.Sync) membership.Synced {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.InstanceID, req.Generation = g.ID, e.MemberID, g.instance(), e.Generation
	req.ProtocolType, req.Protocol = kmsg.StringPtr(protocolType), kmsg.StringPtr(e.Protocol)
	for member, partitions := range e.Plan {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = member, assign.EncodeAssignment(partitions)
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	slices.SortFunc(req.GroupAssignment, func(a, b kmsg.SyncGroupRequestGroupAssignment) int {
		if a.MemberID < b.MemberID {
			return -1
		}
		return 1
	})
	synced := membership.Synced{Attempt: e.Attempt}
	resp, err := ask[*kmsg.SyncGroupResponse](ctx, l.member, node, g.RebalanceTimeout+5*time.Second, req)
	if err != nil {
		synced.Failure = Failure(err)
		return synced
	}
	if synced.Failure = coded(resp.ErrorCode, nil); !synced.Failure.OK() || len(resp.MemberAssignment) == 0 {
		return synced
	}
	if synced.Partitions, err = assign.DecodeAssignment(resp.MemberAssignment); err != nil {
		synced.Failure = membership.Failure{Code: membership.UnknownServerError, Text: err.Error()}
	}
	return synced
}

// Heartbeat sends Heartbeat. A broker may hold the answer until there is news; timeout is at least the session's.
func (l *Link) Heartbeat(ctx context.Context, node int32, g Group, e membership.Heartbeat) membership.Beaten {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.InstanceID, req.Generation = g.ID, e.MemberID, g.instance(), e.Generation
	resp, err := ask[*kmsg.HeartbeatResponse](ctx, l.member, node, min(l.cfg.RequestTimeout, g.SessionTimeout), req)
	if err != nil {
		return membership.Beaten{Attempt: e.Attempt, Failure: Failure(err)}
	}
	return membership.Beaten{Attempt: e.Attempt, Failure: coded(resp.ErrorCode, nil)}
}

// Leave sends LeaveGroup.
func (l *Link) Leave(ctx context.Context, node int32, g Group, e membership.Leave) membership.Left {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = g.ID, e.MemberID
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID, m.InstanceID, m.Reason = e.MemberID, g.instance(), kmsg.StringPtr(e.Reason)
	req.Members = append(req.Members, m)
	_, _ = ask[*kmsg.LeaveGroupResponse](ctx, l.member, node, min(l.cfg.RequestTimeout, 5*time.Second), req)
	return membership.Left{Attempt: e.Attempt}
}
