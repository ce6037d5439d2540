package link

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Topic is what metadata says of a topic.
type Topic struct {
	Name       string
	ID         [16]byte
	Internal   bool
	Err        error
	Partitions []Leader // by partition number; without gaps
}

// Leader is the leader of a partition; Node is -1 if it has none.
type Leader struct{ Node, Epoch int32 }

// Metadata asks any node for topics; for all of them if names is nil. create lets the broker create those that are
// missing, if it does that at all (auto.create.topics.enable).
func (l *Link) Metadata(ctx context.Context, names []string, create bool) ([]Topic, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = create
	if names != nil {
		req.Topics = []kmsg.MetadataRequestTopic{}
	}
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := ask[*kmsg.MetadataResponse](ctx, l.data, anyNode, l.cfg.RequestTimeout, req)
	if err != nil {
		return nil, err
	}
	topics := make([]Topic, 0, len(resp.Topics))
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		topic := Topic{Name: *t.Topic, ID: t.TopicID, Internal: t.IsInternal}
		if t.ErrorCode != 0 {
			topic.Err = codeError(t.ErrorCode, nil)
		}
		for _, p := range t.Partitions {
			// A partition number decides how much is allocated, so it is believed only within what was sent.
			if p.Partition < 0 || int(p.Partition) >= len(t.Partitions) {
				topic.Err = fmt.Errorf("%w: of %d partitions of topic %s one has the number %d", ErrNonsense, len(t.Partitions), topic.Name, p.Partition)
				break
			}
			for len(topic.Partitions) <= int(p.Partition) {
				topic.Partitions = append(topic.Partitions, Leader{Node: -1, Epoch: -1})
			}
			topic.Partitions[p.Partition] = Leader{Node: p.Leader, Epoch: p.LeaderEpoch}
		}
		if errors.Is(topic.Err, ErrNonsense) {
			topic.Partitions = nil
		}
		topics = append(topics, topic)
	}
	return topics, nil
}
