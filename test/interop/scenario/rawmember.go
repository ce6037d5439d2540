package scenario

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rawMember is a group member made of single requests.
type rawMember struct {
	cl           *kgo.Client
	topic, group string
	id           string
	generation   int32
}

// askID sends the first JoinGroup, which only gives out a member id.
func (m *rawMember) askID(ctx context.Context) error {
	resp, err := m.request().RequestWith(ctx, m.cl)
	if err != nil {
		return err
	}
	if resp.ErrorCode != kerr.MemberIDRequired.Code {
		return fmt.Errorf("JoinGroup without a member id: error %d, want MEMBER_ID_REQUIRED", resp.ErrorCode)
	}
	m.id = resp.MemberID
	return nil
}

func (m *rawMember) request() *kmsg.JoinGroupRequest {
	subscription := kmsg.NewConsumerMemberMetadata()
	subscription.Topics = []string{m.topic}
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "range", subscription.AppendTo(nil)
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = m.group, m.id, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10000, 60000
	req.Protocols = []kmsg.JoinGroupRequestProtocol{protocol}
	return req
}

// join waits for the other members.
func (m *rawMember) join(ctx context.Context) error {
	resp, err := m.request().RequestWith(ctx, m.cl)
	if err != nil {
		return err
	}
	m.generation = resp.Generation
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return fmt.Errorf("JoinGroup: %w", err)
	}
	if resp.LeaderID == m.id {
		return fmt.Errorf("the second member became the leader")
	}
	return nil
}

func (m *rawMember) sync(ctx context.Context) error {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = m.group, m.id, m.generation
	req.ProtocolType, req.Protocol = kmsg.StringPtr("consumer"), kmsg.StringPtr("range")
	resp, err := req.RequestWith(ctx, m.cl)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return fmt.Errorf("SyncGroup: %w", err)
	}
	return nil
}

func (m *rawMember) leave(ctx context.Context) error {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = m.group, m.id
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID = m.id
	req.Members = []kmsg.LeaveGroupRequestMember{member}
	resp, err := req.RequestWith(ctx, m.cl)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}
