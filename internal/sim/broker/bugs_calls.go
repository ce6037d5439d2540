package broker

import (
	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/scene"
)

// intercept treats a client's call as a broker with the bug would. It reports whether the call is answered by that.
func (p *Process) intercept(c *api.Call) bool {
	b := p.World.Bug()
	switch r := c.Request.(type) {
	case *protocol.ProduceRequest:
		data := &r.TopicData[0].PartitionData[0]
		switch b {
		case WindowOfOne, ProducersForgotten:
			data.Records = p.unrecognised(b, record.Batch(data.Records))
		case RefusesAppended:
			return p.refusesAppended(c, r)
		case RetryOffsetWrong:
			return p.answersRetry(c, r.TopicData[0].Name, data)
		}
	case *protocol.FetchRequest:
		if b == ReadAboveWatermark && c.Client.SoftwareName != api.NodeSoftwareName {
			p.fetchEverything(c, r)
			return true
		}
	case *protocol.ListOffsetsRequest:
		if b == UnsettledOffsets {
			return p.listUnsettled(c, r)
		}
	}
	return false
}

// answersRetry tells of a batch that was sent again that it is at the log's end.
func (p *Process) answersRetry(c *api.Call, topic string, data *protocol.ProduceRequestPartitionProduceData) bool {
	batch := record.Batch(data.Records)
	last, known := p.newestSequence(batch)
	hosted := p.Host.Find(topic, data.Index)
	if batch.ProducerID() < 0 || !known || batch.BaseSequence() >= last || hosted == nil {
		return false
	}
	if _, leading := hosted.LeaderEpoch(); !leading {
		return false
	}
	var answer protocol.ProduceResponsePartitionProduceResponse
	answer.Default()
	answer.Index, answer.BaseOffset = data.Index, int64(hosted.LogEnd())
	replyProduce(c, topic, answer)
	return true
}

func replyProduce(c *api.Call, topic string, answer protocol.ProduceResponsePartitionProduceResponse) {
	response := protocol.NewProduceResponse()
	response.Responses = []protocol.ProduceResponseTopicProduceResponse{{Name: topic,
		PartitionResponses: []protocol.ProduceResponsePartitionProduceResponse{answer}}}
	c.Reply(response)
}

// refusesAppended appends what needs the leader alone, and says that it does not lead.
func (p *Process) refusesAppended(c *api.Call, r *protocol.ProduceRequest) bool {
	hosted := p.producedTo(c)
	if r.Acks != 1 || hosted == nil {
		return false
	}
	data := &r.TopicData[0].PartitionData[0]
	if _, err := hosted.Append(data.Records, commitlog.Client, partition.AcksLeader); err != nil {
		return false
	}
	var answer protocol.ProduceResponsePartitionProduceResponse
	answer.Default()
	answer.Index, answer.ErrorCode = data.Index, protocol.NotLeaderOrFollower
	replyProduce(c, r.TopicData[0].Name, answer)
	return true
}

// newestSequence is the newest sequence of a batch's producer before it, and notes its own.
func (p *Process) newestSequence(batch record.Batch) (last int32, known bool) {
	if p.sequences == nil {
		p.sequences = map[int64]int32{}
	}
	last, known = p.sequences[batch.ProducerID()]
	p.sequences[batch.ProducerID()] = max(last, batch.BaseSequence())
	return last, known
}

// listUnsettled answers for the newest offset with a high watermark that may be lower than one that a client knows.
func (p *Process) listUnsettled(c *api.Call, r *protocol.ListOffsetsRequest) bool {
	response := protocol.NewListOffsetsResponse()
	topic := protocol.ListOffsetsResponseTopicResponse{Name: r.Topics[0].Name}
	for _, asked := range r.Topics[0].Partitions {
		hosted := p.Host.Find(topic.Name, asked.PartitionIndex)
		if hosted == nil || asked.Timestamp != -1 {
			return false
		}
		var answer protocol.ListOffsetsResponsePartitionResponse
		answer.Default()
		answer.PartitionIndex, answer.Offset = asked.PartitionIndex, int64(hosted.HighWatermark())
		if _, leading := hosted.LeaderEpoch(); !leading {
			answer.ErrorCode = protocol.NotLeaderOrFollower
		}
		topic.Partitions = append(topic.Partitions, answer)
	}
	response.Topics = append(response.Topics, topic)
	c.Reply(response)
	return true
}

// unrecognised takes the producer off a batch that a broker with the bug would not recognise as sent before.
func (p *Process) unrecognised(b scene.Bug, batch record.Batch) record.Batch {
	if batch.ProducerID() < 0 {
		return batch
	}
	last, known := p.newestSequence(batch)
	strip := b == WindowOfOne && known && batch.BaseSequence() < last || b == ProducersForgotten && !known && batch.BaseSequence() > 0
	if !strip {
		return batch
	}
	builder := record.NewBuilder()
	list := batch.Records(record.Limits{})
	defer list.Close()
	for list.Next() {
		r := list.Record()
		if err := builder.Add(r.Timestamp, r.Key, r.Value); err != nil {
			panic(err)
		}
	}
	again, err := builder.Build()
	if err != nil {
		panic(err)
	}
	return again
}

// fetchEverything answers with what is in the log, committed or not.
func (p *Process) fetchEverything(c *api.Call, r *protocol.FetchRequest) {
	response := protocol.NewFetchResponse()
	topic := protocol.FetchResponseFetchableTopicResponse{Topic: r.Topics[0].Topic}
	for _, asked := range r.Topics[0].Partitions {
		var answer protocol.FetchResponsePartitionData
		answer.Default()
		answer.PartitionIndex = asked.Partition
		answer.Records = protocol.Bytes{}
		hosted := p.Host.Find(topic.Topic, asked.Partition)
		if hosted == nil {
			answer.ErrorCode = protocol.NotLeaderOrFollower
		} else {
			end := hosted.LogEnd()
			answer.HighWatermark, answer.LogStartOffset = int64(end), int64(hosted.LogStart())
			slice, err := hosted.Read(record.Offset(asked.FetchOffset), end, int(asked.PartitionMaxBytes), true)
			if err != nil {
				answer.ErrorCode = protocol.CodeOf(err)
			} else {
				bytes, _ := slice.ReadAll()
				slice.Release()
				answer.Records = protocol.Bytes(bytes)
			}
		}
		topic.Partitions = append(topic.Partitions, answer)
	}
	response.Responses = append(response.Responses, topic)
	c.Reply(response)
}
