package tour

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/tour/lane"
)

// standing is what the cluster says of the scene's partition.
type standing struct {
	leader, epoch  int32
	isr, elr, last []int32 // last is who led last, where nobody is eligible
	code           protocol.Code
}

// standing asks any node (DescribeTopicPartitions).
func (s *replicated) standing() (standing, error) {
	request := kmsg.NewPtrDescribeTopicPartitionsRequest()
	request.Topics = []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: s.topic}}
	request.ResponsePartitionLimit = 10
	response, err := request.RequestWith(s.ctx, s.client)
	if err != nil {
		return standing{}, err
	}
	if len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return standing{}, fmt.Errorf("DescribeTopicPartitions was answered with %+v", response.Topics)
	}
	p := &response.Topics[0].Partitions[0]
	found := standing{leader: p.LeaderID, epoch: p.LeaderEpoch, isr: p.ISR, elr: p.EligibleLeaderReplicas, last: p.LastKnownELR, code: protocol.Code(p.ErrorCode)}
	for _, ids := range []*[]int32{&found.isr, &found.elr, &found.last} {
		*ids = append([]int32{}, *ids...)
		slices.Sort(*ids)
	}
	return found, nil
}

// awaitStanding asks until it is as wanted, and shows it.
func (s *replicated) awaitStanding(what string, wanted func(standing) bool) (found standing, err error) {
	err = s.await(what, 30*time.Second, func() (err error) {
		if found, err = s.standing(); err == nil && !wanted(found) {
			err = fmt.Errorf("%w: %+v", errNotYet, found)
		}
		return err
	})
	if err != nil {
		return found, err
	}
	s.table([]string{"leader", "leader-epoch", "isr", "elr"},
		[][]string{{s.nodes(found.leader), fmt.Sprint(found.epoch), s.nodes(found.isr...), s.nodes(found.elr...)}})
	return found, nil
}

// nodes names nodes as the lanes do.
func (s *replicated) nodes(ids ...int32) string {
	said := ""
	for _, id := range ids {
		if id < 0 {
			continue
		}
		if said != "" {
			said += " "
		}
		said += laneOfNode(id)
	}
	if said == "" {
		return "-"
	}
	return said
}

func laneOfNode(id int32) string { return fmt.Sprintf("n%d", id) }

// drawNodes gives each node a lane.
func (s *replicated) drawNodes() {
	for _, id := range []int32{s.leader, s.slow, s.last} {
		s.laneOf(laneOfNode(id))
	}
}

// kill ends a node.
func (s *replicated) kill(id int32) error {
	if err := s.broker.Faults.Kill(id); err != nil {
		return err
	}
	s.mark(laneOfNode(id), lane.End, "killed", laneOfNode(id))
	return nil
}

// restart brings it back.
func (s *replicated) restart(id int32) error {
	name := laneOfNode(id)
	s.ended = slices.DeleteFunc(s.ended, func(ended string) bool { return ended == name })
	s.mark(name, lane.Begin, "begin", name)
	return s.broker.Faults.Restart(id)
}

// cutOff cuts all links between a node and the others.
func (s *replicated) cutOff(id int32) {
	for other := range s.addresses {
		if other != id {
			s.broker.Faults.Cut(id, other)
		}
	}
}

// write produces records one after the other, each with acks=all, and gives their offsets. The producer is not idempotent:
// what it sends says nothing of what it sent before.
func (s *replicated) write(values ...string) ([]int64, error) {
	if s.writer == nil {
		client, err := kgo.NewClient(kgo.SeedBrokers(s.broker.Bootstrap), kgo.Dialer(s.broker.Dial), kgo.ClientID("writer"), kgo.DisableIdempotentWrite(),
			kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.RetryBackoffFn(retryAfter), kgo.MetadataMinAge(50*time.Millisecond),
			kgo.DisableClientMetrics())
		if err != nil {
			return nil, err
		}
		s.writer = client
		s.closing = append(s.closing, client.Close)
	}
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	offsets := []int64{}
	for _, v := range values {
		r, err := s.writer.ProduceSync(ctx, &kgo.Record{Topic: s.topic, Value: []byte(v)}).First()
		if err != nil {
			return offsets, fmt.Errorf("to write %q: %w", v, err)
		}
		offsets = append(offsets, r.Offset)
	}
	return offsets, nil
}

// values reads n records from the beginning, as a consumer of its own.
func (s *replicated) values(n int) ([]string, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(s.broker.Bootstrap), kgo.Dialer(s.broker.Dial), kgo.ClientID("reader"), kgo.RetryBackoffFn(retryAfter),
		kgo.MetadataMinAge(50*time.Millisecond), kgo.FetchMaxWait(500*time.Millisecond), kgo.DisableClientMetrics(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: {0: kgo.NewOffset().At(0)}}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	values := []string{}
	for len(values) < n {
		fetched := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return values, fmt.Errorf("to read %d records; %d came: %w", n, len(values), err)
		}
		fetched.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values, nil
}

// batchOf is records as a producer sends them.
func batchOf(values ...string) ([]byte, error) {
	b := record.NewBuilder()
	for _, v := range values {
		if err := b.Add(time.Now().UnixMilli(), nil, []byte(v)); err != nil {
			return nil, err
		}
	}
	return b.Build()
}

// produceVersion is one in which Produce names topics.
const produceVersion = 9

// produceAt sends records to one node, whoever leads, with acks=all, and gives what the node says.
func (s *replicated) produceAt(l *line, values ...string) (protocol.Code, int64, error) {
	batch, err := batchOf(values...)
	if err != nil {
		return 0, 0, err
	}
	response := protocol.NewProduceResponse()
	if err := l.ask(2*askMax, produceOf(s.topic, batch), produceVersion, response); err != nil {
		return 0, 0, err
	}
	return producedOf(response)
}

// produceOf is a request with acks=all.
func produceOf(topic string, batch []byte) *protocol.ProduceRequest {
	request := protocol.NewProduceRequest()
	request.Acks, request.TimeoutMs = -1, int32(askMax.Milliseconds())
	request.TopicData = []protocol.ProduceRequestTopicProduceData{{Name: topic, PartitionData: []protocol.ProduceRequestPartitionProduceData{{Records: batch}}}}
	return request
}

// producedOf is what an answer says of its only partition.
func producedOf(response *protocol.ProduceResponse) (protocol.Code, int64, error) {
	if len(response.Responses) != 1 || len(response.Responses[0].PartitionResponses) != 1 {
		return 0, 0, fmt.Errorf("the answer to Produce is %+v", response)
	}
	p := &response.Responses[0].PartitionResponses[0]
	return p.ErrorCode, p.BaseOffset, nil
}

// endOfEpoch asks a leader where an epoch ended in its log (OffsetForLeaderEpoch), with the epoch that it found.
func (s *replicated) endOfEpoch(leader, epoch int32) (found int32, end int64, err error) {
	request := kmsg.NewPtrOffsetForLeaderEpochRequest()
	request.ReplicaID = -1
	topic := kmsg.NewOffsetForLeaderEpochRequestTopic()
	topic.Topic = s.topic
	partition := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	partition.CurrentLeaderEpoch, partition.LeaderEpoch = -1, epoch
	topic.Partitions = append(topic.Partitions, partition)
	request.Topics = append(request.Topics, topic)
	err = s.await("the end of an epoch", 10*time.Second, func() error { // a new leader may serve a moment after Metadata names it
		answer, err := s.client.Broker(int(leader)).RetriableRequest(s.ctx, request)
		if err != nil {
			return err
		}
		response := answer.(*kmsg.OffsetForLeaderEpochResponse)
		if len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
			return fmt.Errorf("OffsetForLeaderEpoch was answered with %+v", response.Topics)
		}
		p := response.Topics[0].Partitions[0]
		if p.ErrorCode != 0 {
			return fmt.Errorf("OffsetForLeaderEpoch was answered with %s", protocol.Code(p.ErrorCode))
		}
		found, end = p.LeaderEpoch, p.EndOffset
		return nil
	})
	return found, end, err
}

// fetchAt asks a node for the records from an offset on, as a consumer does that believes in a leader epoch, and gives the error.
func (s *replicated) fetchAt(node int32, offset int64, believed int32) (protocol.Code, error) {
	request := kmsg.NewPtrFetchRequest()
	request.ReplicaID, request.MaxWaitMillis, request.MinBytes, request.MaxBytes, request.SessionEpoch = -1, 100, 0, 1<<20, -1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = s.topic, s.topicID
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.FetchOffset, partition.CurrentLeaderEpoch, partition.PartitionMaxBytes = offset, believed, 1<<20
	topic.Partitions = append(topic.Partitions, partition)
	request.Topics = append(request.Topics, topic)
	answer, err := s.client.Broker(int(node)).RetriableRequest(s.ctx, request)
	if err != nil {
		return 0, err
	}
	response := answer.(*kmsg.FetchResponse)
	if response.ErrorCode != 0 {
		return protocol.Code(response.ErrorCode), nil
	}
	if len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("the answer to Fetch is %+v", response.Topics)
	}
	return protocol.Code(response.Topics[0].Partitions[0].ErrorCode), nil
}
