package api

import (
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// currentLeader is who leads a partition, and where a client reaches that node.
type currentLeader struct {
	partition *metadata.Partition
	broker    *metadata.Broker
	at        metadata.Endpoint
}

// ledBy is the leader of a partition as this node's image has it; false if there is none that the client can reach, or no topic.
// The answers of Fetch and Produce tell it beside an error that sends the client away, and spare it the question (KIP-951).
func (n *Node) ledBy(c *Call, topic *metadata.Topic, index int32) (l currentLeader, ok bool) {
	if topic == nil {
		return l, false
	}
	if l.partition = topic.Partition(index); l.partition == nil {
		return l, false
	}
	if l.broker = n.Image().Broker(l.partition.Leader); l.broker == nil {
		return l, false
	}
	l.at, ok = l.broker.Endpoint(c.Client.Listener)
	return l, ok
}

// tellLeader names the leader of a partition from which a client is sent away.
func (f *fetchCall) tellLeader(response *protocol.FetchResponse, p *fetchPartition, data *protocol.FetchResponsePartitionData) {
	if f.call.Version < 16 || f.follower != nil || data.ErrorCode != protocol.NotLeaderOrFollower && data.ErrorCode != protocol.FencedLeaderEpoch {
		return
	}
	l, ok := f.node.ledBy(f.call, f.node.topic(true, p.topic, p.topicID), p.partition)
	if !ok || l.broker.ID == f.node.Self && data.ErrorCode == protocol.NotLeaderOrFollower { // the image knows no better
		return
	}
	id := int32(l.broker.ID)
	data.CurrentLeader = protocol.FetchResponseLeaderIDAndEpoch{LeaderID: id, LeaderEpoch: int32(l.partition.LeaderEpoch)}
	if !slices.ContainsFunc(response.NodeEndpoints, func(e protocol.FetchResponseNodeEndpoint) bool { return e.NodeID == id }) {
		response.NodeEndpoints = append(response.NodeEndpoints,
			protocol.FetchResponseNodeEndpoint{NodeID: id, Host: l.at.Host, Port: int32(l.at.Port), Rack: l.broker.Rack})
	}
}

// tellLeaders is the same for all partitions of a Produce.
func (p *produceCall) tellLeaders() {
	if p.call.Version < 10 {
		return
	}
	for i := range p.response.Responses {
		topic := &p.response.Responses[i]
		for j := range topic.PartitionResponses {
			if answer := &topic.PartitionResponses[j]; answer.ErrorCode == protocol.NotLeaderOrFollower {
				p.tellLeader(topic, answer)
			}
		}
	}
}

func (p *produceCall) tellLeader(topic *protocol.ProduceResponseTopicProduceResponse, answer *protocol.ProduceResponsePartitionProduceResponse) {
	l, ok := p.node.ledBy(p.call, p.node.topic(p.call.Version >= 13, topic.Name, topic.TopicID), answer.Index)
	if !ok || l.broker.ID == p.node.Self {
		return
	}
	id := int32(l.broker.ID)
	answer.CurrentLeader = protocol.ProduceResponseLeaderIDAndEpoch{LeaderID: id, LeaderEpoch: int32(l.partition.LeaderEpoch)}
	if !slices.ContainsFunc(p.response.NodeEndpoints, func(e protocol.ProduceResponseNodeEndpoint) bool { return e.NodeID == id }) {
		p.response.NodeEndpoints = append(p.response.NodeEndpoints,
			protocol.ProduceResponseNodeEndpoint{NodeID: id, Host: l.at.Host, Port: int32(l.at.Port), Rack: l.broker.Rack})
	}
}
