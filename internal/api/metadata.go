package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Metadata (3), versions 0 to 13: brokers, and topics with their leaders. Version 0 asks for all topics with an empty
// list, later ones with null. Topic ids in the answer from 10 on, in the request from 12 on (KIP-516).
//
// A topic that does not exist is created if both the request and auto.create.topics.enable allow it. Unlike Kafka,
// which answers UNKNOWN_TOPIC_OR_PARTITION and lets the client ask again, the answer waits for the creation.
//
// A client that was sent away from here and asks here again is not answered: Away.
func (n *Node) metadata(c *Call) {
	if n.sendsAway(c) {
		return
	}
	request := c.Request.(*protocol.MetadataRequest)
	missing := n.creatable(c, request)
	if len(missing) == 0 {
		n.replyMetadata(c, request, nil)
		return
	}
	n.createAutomatically(missing, func(failed map[string]error) { n.replyMetadata(c, request, failed) })
}

// creatable returns the names that this request is to create.
func (n *Node) creatable(c *Call, request *protocol.MetadataRequest) []string {
	if c.Version >= 4 && !request.AllowAutoTopicCreation || !n.Config().AutoCreateTopics {
		return nil
	}
	var missing []string
	image := n.Image()
	seen := map[string]bool{}
	for i := range request.Topics {
		name := request.Topics[i].Name
		if name == nil || seen[*name] || image.Topic(*name) != nil || metadata.CheckTopicName(*name) != nil {
			continue
		}
		seen[*name] = true
		missing = append(missing, *name)
	}
	return missing
}

func (n *Node) replyMetadata(c *Call, request *protocol.MetadataRequest, failed map[string]error) {
	image := n.Image()
	response := protocol.NewMetadataResponse()
	clusterID := image.ClusterID()
	response.ClusterID = &clusterID
	response.ClusterAuthorizedOperations = rights(request.IncludeClusterAuthorizedOperations, clusterRights)
	for broker := range image.LiveBrokers() {
		endpoint, ok := broker.Endpoint(c.Client.Listener)
		if !ok {
			continue
		}
		response.Brokers = append(response.Brokers, protocol.MetadataResponseBroker{
			NodeID: int32(broker.ID), Host: endpoint.Host, Port: int32(endpoint.Port), Rack: broker.Rack})
	}
	// Any live broker takes requests for the controller; this one is as good as any.
	response.ControllerID = int32(n.Self)
	if request.Topics == nil || c.Version == 0 && len(request.Topics) == 0 {
		for topic := range image.Topics() {
			response.Topics = append(response.Topics, describedTopic(image, topic, request.IncludeTopicAuthorizedOperations))
		}
	}
	seen := map[askedName]bool{} // a topic named twice is answered once, as in Kafka
	for i := range request.Topics {
		key := askedName{name: text(request.Topics[i].Name), null: request.Topics[i].Name == nil, id: request.Topics[i].TopicID}
		if seen[key] {
			continue
		}
		seen[key] = true
		response.Topics = append(response.Topics, n.askedTopic(c, image, &request.Topics[i], request.IncludeTopicAuthorizedOperations, failed))
	}
	c.Reply(response)
}

// askedName is how a Metadata request names a topic.
type askedName struct {
	name string
	null bool
	id   protocol.UUID
}

func (n *Node) askedTopic(c *Call, image *metadata.Image, asked *protocol.MetadataRequestTopic, withRights bool,
	failed map[string]error) protocol.MetadataResponseTopic {
	topic, err := findTopic(image, asked)
	if err == nil {
		return describedTopic(image, topic, withRights)
	}
	if asked.Name != nil && failed[*asked.Name] != nil {
		err = failed[*asked.Name]
	}
	answer := protocol.NewMetadataResponseTopic()
	answer.ErrorCode = n.fail(c, err)
	answer.TopicID = asked.TopicID
	answer.Name = asked.Name
	answer.Partitions = []protocol.MetadataResponsePartition{}
	if asked.Name != nil {
		answer.IsInternal = metadata.InternalTopic(*asked.Name)
	} else if c.Version < 12 { // the name cannot be null there
		empty := ""
		answer.Name = &empty
	}
	return answer
}

func findTopic(image *metadata.Image, asked *protocol.MetadataRequestTopic) (*metadata.Topic, error) {
	if asked.Name == nil {
		if topic := image.TopicByID(asked.TopicID); topic != nil {
			return topic, nil
		}
		return nil, protocol.Fail(protocol.UnknownTopicID, "no topic has the id %s", asked.TopicID)
	}
	if topic := image.Topic(*asked.Name); topic != nil {
		return topic, nil
	}
	if err := metadata.CheckTopicName(*asked.Name); err != nil {
		return nil, protocol.Fail(protocol.InvalidTopicException, "%w", err)
	}
	return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic %q, and it was not to be created", *asked.Name)
}

func describedTopic(image *metadata.Image, topic *metadata.Topic, withRights bool) protocol.MetadataResponseTopic {
	name := topic.Name
	answer := protocol.NewMetadataResponseTopic()
	answer.Name, answer.TopicID, answer.IsInternal = &name, topic.ID, metadata.InternalTopic(name)
	answer.TopicAuthorizedOperations = rights(withRights, topicRights)
	answer.Partitions = make([]protocol.MetadataResponsePartition, 0, topic.Len())
	for p := range topic.Partitions() {
		described := protocol.NewMetadataResponsePartition()
		described.PartitionIndex = p.Index
		described.LeaderID, described.LeaderEpoch = int32(p.Leader), int32(p.LeaderEpoch)
		described.ReplicaNodes, described.IsrNodes = metadata.Int32s(p.Replicas), metadata.Int32s(p.ISR)
		described.OfflineReplicas = offline(image, p.Replicas)
		if p.Leader == metadata.NoNode {
			described.ErrorCode = protocol.LeaderNotAvailable
		}
		answer.Partitions = append(answer.Partitions, described)
	}
	return answer
}

// offline returns the replicas whose broker does not live. It is never nil: the wire has no null there.
func offline(image *metadata.Image, replicas []metadata.NodeID) []int32 {
	out := []int32{}
	for _, id := range replicas {
		if broker := image.Broker(id); broker == nil || broker.Fenced {
			out = append(out, int32(id))
		}
	}
	return out
}
