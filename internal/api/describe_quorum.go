package api

import (
	"net"
	"strconv"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
)

// DescribeQuorum (55), versions 0 to 2: who leads the metadata quorum, and how far each of its members is (KIP-595,
// KIP-853). The leader knows, so others ask it.
func (n *Node) describeQuorum(c *Call) {
	if leader, _, known := n.Quorum.Leader(); known && leader != n.Self && !c.Client.node() {
		ask(n, c, nil, func(response *protocol.DescribeQuorumResponse, note func(protocol.Code, *string)) {
			note(response.ErrorCode, response.ErrorMessage)
		}, refuseQuorum)
		return
	}
	request := c.Request.(*protocol.DescribeQuorumRequest)
	for i := range request.Topics {
		if request.Topics[i].TopicName != metadata.ClusterMetadataTopic {
			c.Reply(refuseQuorum(n.failText(c, protocol.Fail(protocol.InvalidRequest,
				"only %s has a quorum, not %q", metadata.ClusterMetadataTopic, request.Topics[i].TopicName))))
			return
		}
	}
	n.Quorum.Status(func(status quorum.Status, err error) {
		if err == nil && status.Leader == metadata.NoNode {
			err = protocol.Fail(protocol.LeaderNotAvailable, "the metadata quorum has no leader")
		}
		if err != nil {
			c.Reply(refuseQuorum(n.failText(c, err)))
			return
		}
		c.Reply(quorumResponse(status))
	})
}

func refuseQuorum(code protocol.Code, text *string) *protocol.DescribeQuorumResponse {
	response := protocol.NewDescribeQuorumResponse()
	response.ErrorCode, response.ErrorMessage = code, text
	return response
}

func quorumResponse(status quorum.Status) *protocol.DescribeQuorumResponse {
	p := protocol.NewDescribeQuorumResponsePartitionData()
	p.LeaderID, p.LeaderEpoch, p.HighWatermark = int32(status.Leader), int32(status.Epoch), int64(status.HighWatermark)
	response := protocol.NewDescribeQuorumResponse()
	for _, m := range status.Members {
		r := protocol.NewDescribeQuorumResponseReplicaState()
		r.ReplicaID, r.ReplicaDirectoryID, r.LogEndOffset = int32(m.ID), m.Directory, int64(m.LogEnd)
		r.LastFetchTimestamp, r.LastCaughtUpTimestamp = millisOr(m.LastContact), millisOr(m.LastCaughtUp)
		if m.Voter {
			p.CurrentVoters = append(p.CurrentVoters, r)
		} else {
			p.Observers = append(p.Observers, r)
		}
		response.Nodes = append(response.Nodes, quorumNode(m.Member))
	}
	topic := protocol.NewDescribeQuorumResponseTopicData()
	topic.TopicName = metadata.ClusterMetadataTopic
	topic.Partitions = append(topic.Partitions, p)
	response.Topics = append(response.Topics, topic)
	return response
}

func quorumNode(m quorum.Member) protocol.DescribeQuorumResponseNode {
	node := protocol.NewDescribeQuorumResponseNode()
	node.NodeID = int32(m.ID)
	if host, port, err := net.SplitHostPort(m.Address); err == nil {
		l := protocol.NewDescribeQuorumResponseListener()
		number, _ := strconv.ParseUint(port, 10, 16) // 0 if it is a name
		l.Name, l.Host, l.Port = "CONTROLLER", host, uint16(number)
		node.Listeners = append(node.Listeners, l)
	}
	return node
}

// millisOr is a time in milliseconds since 1970, -1 for never.
func millisOr(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}
