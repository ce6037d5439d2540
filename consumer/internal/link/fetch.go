package link

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/consumer/internal/decode"
	"github.com/skein-io/skein/consumer/internal/position"
)

// FetchConfig are the bounds of a Fetch.
type FetchConfig struct {
	MinBytes, MaxBytes, PartitionMaxBytes int32
	MaxWait                               time.Duration
	ReadCommitted                         bool
	Rack                                  string
}

// FetchAnswer is what a Fetch brought of one partition.
type FetchAnswer struct {
	Name    TopicPartition
	Err     error // a *kerr.Error, or nil
	Ends    position.Ends
	Aborted []decode.Aborted
	// PreferredReplica is the node to read from instead, -1 for none (KIP-392).
	PreferredReplica int32
	// Leader is told with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH (KIP-951); Node is -1 if it is not.
	Leader Leader
	Bytes  []byte
}

// Fetch asks a node for the partitions of a plan, and yields what it answers. The error is that of the whole request.
func (l *Link) Fetch(ctx context.Context, cfg FetchConfig, plan position.Plan, ids TopicIDs) ([]FetchAnswer, error) {
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.Rack, req.IsolationLevel = -1, cfg.Rack, isolation(cfg.ReadCommitted)
	req.MinBytes, req.MaxBytes = cfg.MinBytes, cfg.MaxBytes
	req.MaxWaitMillis = int32(cfg.MaxWait.Milliseconds())
	req.SessionID, req.SessionEpoch = 0, -1 // no fetch session
	for _, w := range plan.Wants {
		// Wants keep their order: the broker fills the answer in it, so the first ones get their share first.
		if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != w.Part.Name.Topic {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = w.Part.Name.Topic, ids.TopicID(w.Part.Name.Topic)
			req.Topics = append(req.Topics, t)
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.CurrentLeaderEpoch = w.Part.Name.Partition, w.LeaderEpoch
		p.FetchOffset, p.LastFetchedEpoch = w.From.Offset, -1
		p.LogStartOffset, p.PartitionMaxBytes = -1, cfg.PartitionMaxBytes
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, p)
	}
	resp, err := ask[*kmsg.FetchResponse](ctx, l.data, plan.Node, l.cfg.RequestTimeout+cfg.MaxWait, req)
	if err != nil {
		return nil, err
	}
	if resp.ErrorCode != 0 {
		return nil, codeError(resp.ErrorCode, nil)
	}
	var answers []FetchAnswer
	for i := range resp.Topics {
		t := &resp.Topics[i]
		topic := t.Topic
		if topic == "" {
			topic = ids.TopicName(t.TopicID)
		}
		for j := range t.Partitions {
			answers = append(answers, fetchAnswer(topic, &t.Partitions[j]))
		}
	}
	return answers, nil
}

func fetchAnswer(topic string, p *kmsg.FetchResponseTopicPartition) FetchAnswer {
	a := FetchAnswer{
		Name:             TopicPartition{Topic: topic, Partition: p.Partition},
		Ends:             position.Ends{HighWatermark: p.HighWatermark, LastStableOffset: p.LastStableOffset, LogStart: p.LogStartOffset},
		PreferredReplica: p.PreferredReadReplica,
		Leader:           Leader{Node: p.CurrentLeader.LeaderID, Epoch: p.CurrentLeader.LeaderEpoch},
		Bytes:            p.RecordBatches,
	}
	if p.ErrorCode != 0 {
		a.Err = codeError(p.ErrorCode, nil)
	}
	for _, t := range p.AbortedTransactions {
		a.Aborted = append(a.Aborted, decode.Aborted{ProducerID: t.ProducerID, FirstOffset: t.FirstOffset})
	}
	return a
}
