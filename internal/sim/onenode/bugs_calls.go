package onenode

import (
	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// intercept treats a call as a broker with the bug would. It reports whether the call is answered by that.
func (l *life) intercept(c *api.Call) bool {
	b := l.world.options.Bug
	switch r := c.Request.(type) {
	case *protocol.ProduceRequest:
		if b == WindowOfOne || b == ProducersForgotten {
			data := &r.TopicData[0].PartitionData[0]
			data.Records = l.unrecognised(b, record.Batch(data.Records))
		}
	case *protocol.FetchRequest:
		if b == ReadAboveWatermark {
			l.fetchEverything(c, r)
			return true
		}
	}
	return false
}

// unrecognised takes the producer off a batch that a broker with the bug would not recognise as sent before.
func (l *life) unrecognised(b Bug, batch record.Batch) record.Batch {
	if batch.ProducerID() < 0 {
		return batch
	}
	last, known := l.sequences[batch.ProducerID()]
	l.sequences[batch.ProducerID()] = max(last, batch.BaseSequence())
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
func (l *life) fetchEverything(c *api.Call, r *protocol.FetchRequest) {
	response := protocol.NewFetchResponse()
	topic := protocol.FetchResponseFetchableTopicResponse{Topic: topicName}
	for _, p := range r.Topics[0].Partitions {
		var answer protocol.FetchResponsePartitionData
		answer.Default()
		answer.PartitionIndex = p.Partition
		answer.Records = protocol.Bytes{}
		hosted := l.Host.Find(topicName, p.Partition)
		if hosted == nil {
			answer.ErrorCode = protocol.NotLeaderOrFollower
		} else {
			end := hosted.LogEnd()
			answer.HighWatermark, answer.LogStartOffset = int64(end), int64(hosted.LogStart())
			slice, err := hosted.Read(record.Offset(p.FetchOffset), end, int(p.PartitionMaxBytes), true)
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
