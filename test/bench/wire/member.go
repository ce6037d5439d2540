package wire

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Membership is how a member joins. Times are in milliseconds.
type Membership struct {
	Group, Topic     string
	SessionTimeout   int32
	RebalanceTimeout int32
	// JoinVersion is the version of JoinGroup; 0 is 9. Below 4 a new member
	// joins with one request, as older clients do.
	JoinVersion int16
}

// Member is one member of a classic group on one connection.
type Member struct {
	*Conn
	Membership
	ID         string
	Generation int32
}

// Join joins the group and returns when the join phase has ended, with the
// members that a leader has to assign; a follower gets none. The first join
// takes two requests from version 4 on: the broker hands out the member id.
func (m *Member) Join() ([]string, error) {
	for {
		r, err := m.RoundTrip(m.joinRequest())
		if err != nil {
			return nil, err
		}
		response := r.(*kmsg.JoinGroupResponse)
		if err := kerr.ErrorForCode(response.ErrorCode); err == kerr.MemberIDRequired {
			m.ID = response.MemberID
			continue
		} else if err != nil {
			return nil, fmt.Errorf("join %q: %w", m.Group, err)
		}
		m.ID, m.Generation = response.MemberID, response.Generation
		var members []string
		for i := range response.Members {
			members = append(members, response.Members[i].MemberID)
		}
		return members, nil
	}
}

func (m *Member) joinRequest() kmsg.Request {
	subscription := kmsg.NewConsumerMemberMetadata()
	subscription.Version, subscription.Topics = 1, []string{m.Topic}
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "range", subscription.AppendTo(nil)
	request := kmsg.NewPtrJoinGroupRequest()
	request.SetVersion(9)
	if m.JoinVersion > 0 {
		request.SetVersion(m.JoinVersion)
	}
	request.Group, request.MemberID, request.ProtocolType = m.Group, m.ID, "consumer"
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = m.SessionTimeout, m.RebalanceTimeout
	request.Protocols = append(request.Protocols, protocol)
	return request
}

// Sync hands in the assignment (a leader's; a follower passes no members) and
// returns when the member has its own. Partition i goes to the i-th member.
func (m *Member) Sync(members []string) error {
	request := kmsg.NewPtrSyncGroupRequest()
	request.SetVersion(5)
	request.Group, request.MemberID, request.Generation = m.Group, m.ID, m.Generation
	request.ProtocolType, request.Protocol = kmsg.StringPtr("consumer"), kmsg.StringPtr("range")
	for i, id := range members {
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		one.MemberID, one.MemberAssignment = id, assignment(m.Topic, int32(i))
		request.GroupAssignment = append(request.GroupAssignment, one)
	}
	r, err := m.RoundTrip(request)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(r.(*kmsg.SyncGroupResponse).ErrorCode)
}

func assignment(topic string, partition int32) []byte {
	owned := kmsg.NewConsumerMemberAssignmentTopic()
	owned.Topic, owned.Partitions = topic, []int32{partition}
	a := kmsg.NewConsumerMemberAssignment()
	a.Topics = append(a.Topics, owned)
	return a.AppendTo(nil)
}

// Heartbeat returns what the broker answers: nil, or that a rebalance runs.
func (m *Member) Heartbeat() error {
	if err := m.SendHeartbeat(); err != nil {
		return err
	}
	return m.ReceiveHeartbeat()
}

// SendHeartbeat is the first half of Heartbeat.
func (m *Member) SendHeartbeat() error { return m.Send(m.heartbeatRequest()) }

// ReceiveHeartbeat is its second half.
func (m *Member) ReceiveHeartbeat() error {
	r, err := m.Receive(m.heartbeatRequest())
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(r.(*kmsg.HeartbeatResponse).ErrorCode)
}

func (m *Member) heartbeatRequest() kmsg.Request {
	request := kmsg.NewPtrHeartbeatRequest()
	request.SetVersion(4)
	request.Group, request.MemberID, request.Generation = m.Group, m.ID, m.Generation
	return request
}

// SendLeave asks to leave the group.
func (m *Member) SendLeave() error { return m.Send(m.leaveRequest()) }

// ReceiveLeave is the answer to SendLeave.
func (m *Member) ReceiveLeave() error {
	r, err := m.Receive(m.leaveRequest())
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(r.(*kmsg.LeaveGroupResponse).ErrorCode)
}

// Leave leaves the group.
func (m *Member) Leave() error {
	if err := m.SendLeave(); err != nil {
		return err
	}
	return m.ReceiveLeave()
}

func (m *Member) leaveRequest() kmsg.Request {
	request := kmsg.NewPtrLeaveGroupRequest()
	request.SetVersion(4)
	request.Group = m.Group
	leaver := kmsg.NewLeaveGroupRequestMember()
	leaver.MemberID = m.ID
	request.Members = append(request.Members, leaver)
	return request
}
