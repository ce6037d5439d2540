package api

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Controller is where changes of the cluster's state go: the controller of this process, or the way to another.
type Controller interface {
	// Ask takes a request that the controller answers: CreateTopics, DeleteTopics, CreatePartitions, AlterConfigs,
	// IncrementalAlterConfigs, ElectLeaders. done is called once, from any goroutine, with the response when what it
	// says is committed and Image shows it, or with the error for the request as a whole.
	Ask(request protocol.Message, version int16, done func(protocol.Message, error))
	// AllocateProducerIDs gives this node a block of producer ids.
	AllocateProducerIDs(self metadata.NodeID, done func(first int64, count int32, err error))
}

// ask sends a request on to the controller and answers with its response, after noting each error in it. Where the
// request as a whole failed, refuse makes the response; unfit is why it is not even sent, or nil.
func ask[Response protocol.Message](n *Node, c *Call, unfit error, errors func(Response, func(protocol.Code, *string)), refuse func(protocol.Code, *string) Response) {
	if unfit != nil {
		c.Reply(refuse(n.failText(c, unfit)))
		return
	}
	submit := n.Controller.Ask
	if c.Client.node() { // it has come a long way already
		submit = n.Quorum.Submit
	}
	submit(c.Request, c.Version, func(message protocol.Message, err error) {
		if err != nil {
			c.Reply(refuse(n.failText(c, err)))
			return
		}
		response := message.(Response)
		errors(response, func(code protocol.Code, text *string) { n.noteCode(c, code, text) })
		c.Reply(response)
	})
}

// noteCode notes an error that another package put into a response.
func (n *Node) noteCode(c *Call, code protocol.Code, text *string) {
	if code == protocol.None {
		return
	}
	reason := ""
	if text != nil {
		reason = *text
	}
	n.fail(c, protocol.Fail(code, "%s", reason))
}

// createAutomatically creates topics with the broker's defaults and calls done with the reasons of those that could
// not be created. Another client that created one at the same moment is no failure.
func (n *Node) createAutomatically(names []string, done func(failed map[string]error)) {
	request := protocol.NewCreateTopicsRequest()
	for _, name := range names {
		request.Topics = append(request.Topics, n.automaticTopic(name))
	}
	_, version := protocol.Versions(protocol.KeyCreateTopics)
	n.Controller.Ask(request, version, func(message protocol.Message, err error) {
		failed := map[string]error{}
		if err != nil {
			for _, name := range names {
				failed[name] = err
			}
			done(failed)
			return
		}
		for _, result := range message.(*protocol.CreateTopicsResponse).Topics {
			if result.ErrorCode != protocol.None && result.ErrorCode != protocol.TopicAlreadyExists {
				reason := ""
				if result.ErrorMessage != nil {
					reason = *result.ErrorMessage
				}
				failed[result.Name] = protocol.Fail(result.ErrorCode, "%s", reason)
			}
		}
		done(failed)
	})
}

func (n *Node) automaticTopic(name string) protocol.CreateTopicsRequestCreatableTopic {
	topic := protocol.NewCreateTopicsRequestCreatableTopic()
	topic.Name, topic.NumPartitions, topic.ReplicationFactor = name, -1, -1
	if name != metadata.ConsumerOffsetsTopic {
		return topic
	}
	b := n.Config()
	settings := metadata.InternalTopicSettings{Partitions: b.OffsetsTopicPartitions,
		ReplicationFactor: b.OffsetsTopicReplicationFactor, SegmentBytes: int32(b.OffsetsTopicSegment)}
	topic.NumPartitions = settings.Partitions
	topic.ReplicationFactor = n.Image().InternalReplicationFactor(settings)
	for _, setting := range metadata.InternalTopicConfig(name, settings) {
		topic.Configs = append(topic.Configs, protocol.CreateTopicsRequestCreatableTopicConfig{Name: setting.Name, Value: &setting.Value})
	}
	return topic
}
