package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// ledBy is a partition as this node's image has it, with its leader, where this client can reach that: the answers of Fetch and
// Produce tell so beside an error that sends the client away, and spare it the question (KIP-951).
func (n *Node) ledBy(c *Call, byID bool, name string, id protocol.UUID, index int32) (*metadata.Partition, *metadata.Broker, metadata.Endpoint) {
	image := n.Image()
	topic := image.TopicByID(id)
	if !byID {
		topic = image.Topic(name)
	}
	if topic == nil {
		return nil, nil, metadata.Endpoint{}
	}
	p := topic.Partition(index)
	if p == nil {
		return nil, nil, metadata.Endpoint{}
	}
	leader := image.Broker(p.Leader)
	if leader == nil {
		return nil, nil, metadata.Endpoint{}
	}
	endpoint, ok := leader.Endpoint(c.Client.Listener)
	if !ok {
		return nil, nil, metadata.Endpoint{}
	}
	return p, leader, endpoint
}

// tellLeaders names the leaders of the partitions from which a client is sent away, and where those are.
func (f *fetchCall) tellLeaders(response *protocol.FetchResponse) {
	if f.call.Version < 16 || f.follower != nil {
		return
	}
	for i := range response.Responses {
		topic := &response.Responses[i]
		for j := range topic.Partitions {
			data := &topic.Partitions[j]
			if data.ErrorCode != protocol.NotLeaderOrFollower && data.ErrorCode != protocol.FencedLeaderEpoch {
				continue
			}
			p, leader, at := f.node.ledBy(f.call, true, topic.Topic, topic.TopicID, data.PartitionIndex)
			if p == nil || p.Leader == f.node.Self && data.ErrorCode == protocol.NotLeaderOrFollower { // the image knows no better
				continue
			}
			data.CurrentLeader = protocol.FetchResponseLeaderIDAndEpoch{LeaderID: int32(p.Leader), LeaderEpoch: int32(p.LeaderEpoch)}
			known := false
			for _, e := range response.NodeEndpoints {
				known = known || e.NodeID == int32(leader.ID)
			}
			if !known {
				response.NodeEndpoints = append(response.NodeEndpoints, protocol.FetchResponseNodeEndpoint{
					NodeID: int32(leader.ID), Host: at.Host, Port: int32(at.Port), Rack: leader.Rack})
			}
		}
	}
}

// tellLeaders is the same for Produce.
func (p *produceCall) tellLeaders() {
	if p.call.Version < 10 {
		return
	}
	for i := range p.response.Responses {
		topic := &p.response.Responses[i]
		for j := range topic.PartitionResponses {
			answer := &topic.PartitionResponses[j]
			if answer.ErrorCode != protocol.NotLeaderOrFollower {
				continue
			}
			found, leader, at := p.node.ledBy(p.call, p.call.Version >= 13, topic.Name, topic.TopicID, answer.Index)
			if found == nil || found.Leader == p.node.Self {
				continue
			}
			answer.CurrentLeader = protocol.ProduceResponseLeaderIDAndEpoch{LeaderID: int32(found.Leader), LeaderEpoch: int32(found.LeaderEpoch)}
			known := false
			for _, e := range p.response.NodeEndpoints {
				known = known || e.NodeID == int32(leader.ID)
			}
			if !known {
				p.response.NodeEndpoints = append(p.response.NodeEndpoints, protocol.ProduceResponseNodeEndpoint{
					NodeID: int32(leader.ID), Host: at.Host, Port: int32(at.Port), Rack: leader.Rack})
			}
		}
	}
}
