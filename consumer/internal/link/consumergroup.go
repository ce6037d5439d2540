package link

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// consumerHeartbeatVersion is the first version of ConsumerGroupHeartbeat in which the member makes its own id (KIP-1082):
// Apache Kafka 4.0. What 3.7 to 3.9 offered was a preview.
const consumerHeartbeatVersion = 1

// OffersConsumerProtocol asks a node for its versions. Apache Kafka lists ConsumerGroupHeartbeat even if its feature is
// off, and refuses the first one then.
func (l *Link) OffersConsumerProtocol(ctx context.Context, node int32) (bool, error) {
	key := kmsg.NewPtrConsumerGroupHeartbeatRequest().Key()
	if limit, _ := l.member.OptValue(kgo.MaxVersions).(*kversion.Versions); limit != nil {
		if most, has := limit.LookupMaxKeyVersion(key); !has || most < consumerHeartbeatVersion {
			return false, nil // the application wants older versions
		}
	}
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = softwareName, softwareVersion // without them it is refused
	resp, err := ask[*kmsg.ApiVersionsResponse](ctx, l.member, node, l.cfg.RequestTimeout, req)
	if err != nil {
		return false, err
	}
	if resp.ErrorCode != 0 {
		return false, codeError(resp.ErrorCode, nil)
	}
	for _, k := range resp.ApiKeys {
		if k.ApiKey == key {
			return k.MinVersion <= consumerHeartbeatVersion && consumerHeartbeatVersion <= k.MaxVersion, nil
		}
	}
	return false, nil
}

// ConsumerHeartbeat sends ConsumerGroupHeartbeat, to join, stay or leave.
func (l *Link) ConsumerHeartbeat(ctx context.Context, node int32, g Group, e membership.ConsumerHeartbeat) membership.ConsumerBeaten {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.InstanceID = g.ID, e.MemberID, e.Epoch, g.instance()
	req.SubscribedTopicNames = e.Topics
	if e.Full {
		req.RebalanceTimeoutMillis = int32(g.RebalanceTimeout.Milliseconds())
		if g.Rack != "" {
			req.RackID = &g.Rack
		}
		if g.RemoteAssignor != "" {
			req.ServerAssignor = &g.RemoteAssignor
		}
	}
	if e.Owned != nil {
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	}
	for _, p := range e.Owned { // sorted by id
		if n := len(req.Topics); n == 0 || req.Topics[n-1].TopicID != p.ID {
			t := kmsg.NewConsumerGroupHeartbeatRequestTopic()
			t.TopicID = p.ID
			req.Topics = append(req.Topics, t)
		}
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, p.Partition)
	}
	beaten := membership.ConsumerBeaten{Attempt: e.Attempt}
	resp, err := ask[*kmsg.ConsumerGroupHeartbeatResponse](ctx, l.member, node, min(l.cfg.RequestTimeout, e.Wait), req)
	if err != nil {
		beaten.Failure = Failure(err)
		return beaten
	}
	if beaten.Failure = coded(resp.ErrorCode, resp.ErrorMessage); !beaten.Failure.OK() {
		return beaten
	}
	beaten.Epoch = resp.MemberEpoch
	beaten.Interval = time.Duration(resp.HeartbeatIntervalMillis) * time.Millisecond
	if resp.Assignment == nil {
		return beaten
	}
	beaten.Assigned = true
	for _, t := range resp.Assignment.Topics {
		for _, p := range t.Partitions {
			if p < 0 {
				text := fmt.Sprintf("the coordinator assigned partition %d of topic %v", p, membership.TopicID(t.TopicID))
				return membership.ConsumerBeaten{Attempt: e.Attempt, Failure: membership.Failure{Code: membership.UnknownServerError, Text: text}}
			}
			beaten.Target = append(beaten.Target, membership.TopicIDPartition{ID: t.TopicID, Partition: p})
		}
	}
	return beaten
}
