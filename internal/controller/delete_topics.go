package controller

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// deletion is one topic that a request wants to be gone: by name, by id, or wrongly by both or neither.
type deletion struct {
	name *string
	id   protocol.UUID
}

// deleteTopics answers in the order of the request; Kafka shuffles, so that nobody learns of topics that he may not see.
func (c *Controller) deleteTopics(e *DeleteTopics) (protocol.Message, []metadata.Record, error) {
	if !c.config.TopicDeletion {
		if e.Version < 3 {
			return nil, nil, protocol.Fail(protocol.InvalidRequest, "topic deletion is disabled (delete.topic.enable)")
		}
		return nil, nil, protocol.Fail(protocol.TopicDeletionDisabled, "topic deletion is disabled (delete.topic.enable)")
	}
	wanted := deletions(e.Request)
	twice := make(map[deletionKey]int, len(wanted))
	for i := range wanted {
		twice[wanted[i].key()]++
	}
	response := protocol.NewDeleteTopicsResponse()
	var records []metadata.Record
	gone := make(map[protocol.UUID]struct{})
	for i := range wanted {
		d := &wanted[i]
		n := twice[d.key()]
		if n == 0 {
			continue // a duplicate that was answered
		}
		twice[d.key()] = 0
		topic, err := c.findDeletion(d, n, gone)
		if err == nil {
			gone[topic.ID] = struct{}{}
			records = append(records, &protocol.RemoveTopicRecord{TopicID: topic.ID})
		}
		response.Responses = append(response.Responses, deleted(d, topic, err))
	}
	return response, records, nil
}

// deletions unites the two forms in which versions of the request name topics.
func deletions(r *protocol.DeleteTopicsRequest) []deletion {
	var wanted []deletion
	for i := range r.TopicNames {
		wanted = append(wanted, deletion{name: &r.TopicNames[i]})
	}
	for _, t := range r.Topics {
		wanted = append(wanted, deletion{name: t.Name, id: t.TopicID})
	}
	return wanted
}

type deletionKey struct {
	name  string
	named bool
	id    protocol.UUID
}

func (d *deletion) key() deletionKey {
	k := deletionKey{id: d.id}
	if d.name != nil {
		k.name, k.named = *d.name, true
	}
	return k
}

func (c *Controller) findDeletion(d *deletion, occurrences int, gone map[protocol.UUID]struct{}) (*metadata.Topic, error) {
	var topic *metadata.Topic
	switch {
	case d.name == nil && d.id.IsZero():
		return nil, protocol.Fail(protocol.InvalidRequest, "neither topic name nor id were specified")
	case d.name != nil && !d.id.IsZero():
		return nil, protocol.Fail(protocol.InvalidRequest, "you may not specify both topic name and topic id")
	case occurrences > 1:
		return nil, protocol.Fail(protocol.InvalidRequest, "duplicate topic name or id")
	case d.name == nil:
		if topic = c.image.TopicByID(d.id); topic == nil {
			return nil, protocol.Fail(protocol.UnknownTopicID, "there is no topic with id %s", d.id)
		}
	default:
		if topic = c.image.Topic(*d.name); topic == nil {
			return nil, protocol.Fail(protocol.UnknownTopicOrPartition, "there is no topic '%s'", *d.name)
		}
	}
	if _, ok := gone[topic.ID]; ok {
		return nil, protocol.Fail(protocol.InvalidRequest, "the provided topic name maps to an id that was already supplied")
	}
	return topic, nil
}

func deleted(d *deletion, topic *metadata.Topic, err error) protocol.DeleteTopicsResponseDeletableTopicResult {
	r := protocol.NewDeleteTopicsResponseDeletableTopicResult()
	r.Name, r.TopicID = d.name, d.id
	if topic != nil {
		r.Name, r.TopicID = &topic.Name, topic.ID
	}
	r.ErrorCode, r.ErrorMessage = answer(err)
	return r
}
