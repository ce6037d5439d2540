package api

import (
	"errors"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Produce (0), versions 3 to 13; 0 to 2 are advertised because librdkafka before 2.8 chooses its batch format by them
// (KAFKA-18659), and refused. From 8 on a refused batch names its records (KIP-467), from 10 on the present leader is
// named with NOT_LEADER_OR_FOLLOWER (KIP-951), from 13 on topics go by id (KIP-516).
//
// The ordered stage appends every batch; the answer waits until the last of them is as safe as acks asks for: with -1
// committed, with 1 durable here, with 0 there is none.

// produceCall is a Produce whose batches are appended and which waits. mu guards the response until it is sent.
type produceCall struct {
	node     *Node
	call     *Call
	response *protocol.ProduceResponse

	mu      sync.Mutex
	waiting int // partitions not settled, and one for the ordered stage itself
	sent    bool
	timeout Timer
}

func (n *Node) produce(c *Call) {
	request := c.Request.(*protocol.ProduceRequest)
	acks := partition.Acks(request.Acks)
	p := &produceCall{node: n, call: c, response: newProduceResponse(request), waiting: 1}
	refused := p.refused(request, acks)
	for i := range request.TopicData {
		for j := range request.TopicData[i].PartitionData {
			data := &request.TopicData[i].PartitionData[j]
			answer := &p.response.Responses[i].PartitionResponses[j]
			if refused != nil {
				p.fail(answer, refused)
				continue
			}
			p.append(&request.TopicData[i], data, answer, acks)
		}
	}
	c.ReleaseFrame()
	if acks == partition.AcksNone {
		p.endSilently()
		return
	}
	p.wait(time.Duration(request.TimeoutMs) * time.Millisecond)
}

func newProduceResponse(request *protocol.ProduceRequest) *protocol.ProduceResponse {
	response := protocol.NewProduceResponse()
	response.Responses = make([]protocol.ProduceResponseTopicProduceResponse, len(request.TopicData))
	for i := range request.TopicData {
		topic := &request.TopicData[i]
		answers := make([]protocol.ProduceResponsePartitionProduceResponse, len(topic.PartitionData))
		for j := range answers {
			answers[j].Default()
			answers[j].Index = topic.PartitionData[j].Index
			answers[j].BaseOffset = -1
		}
		response.Responses[i].Name, response.Responses[i].TopicID = topic.Name, topic.TopicID
		response.Responses[i].PartitionResponses = answers
	}
	return response
}

// refused is why the request as a whole cannot be served, or nil.
func (p *produceCall) refused(request *protocol.ProduceRequest, acks partition.Acks) error {
	switch {
	case acks < partition.AcksAll || acks > partition.AcksLeader:
		return protocol.Fail(protocol.InvalidRequiredAcks, "acks is %d; it is -1 (all), 0 or 1", acks)
	case request.TransactionalID != nil:
		return protocol.Fail(protocol.InvalidTxnState, "transactions are not supported yet; take transactional.id (%q) away", *request.TransactionalID)
	}
	return nil
}

func (p *produceCall) append(topic *protocol.ProduceRequestTopicProduceData, data *protocol.ProduceRequestPartitionProduceData,
	answer *protocol.ProduceResponsePartitionProduceResponse, acks partition.Acks) {
	hosted, err := p.node.hosted(p.call.Version >= 13, topic.Name, topic.TopicID, data.Index)
	if err == nil {
		err = oneBatch(data.Records)
	}
	if err != nil {
		p.fail(answer, err)
		return
	}
	if p.node.internalTopic(hosted.Name.Topic) {
		p.fail(answer, protocol.Fail(protocol.InvalidTopicException, "%s is written by the coordinator alone", hosted.Name.Topic))
		return
	}
	appended, err := hosted.Append(data.Records, commitlog.Client, acks)
	if err != nil {
		p.fail(answer, err)
		if tellsLogStart(answer.ErrorCode) {
			answer.LogStartOffset = int64(hosted.LogStart())
		}
		return
	}
	answer.BaseOffset = int64(appended.First)
	answer.LogAppendTimeMs = appended.LogAppendTime
	answer.LogStartOffset = int64(appended.LogStart)
	if acks == partition.AcksNone {
		return
	}
	answer.ErrorCode = protocol.RequestTimedOut // what is true of it until it is settled
	p.mu.Lock()
	p.waiting++
	p.mu.Unlock()
	settled := func(err error) { p.settle(answer, err) }
	if acks == partition.AcksAll {
		hosted.OnCommitted(appended.Last+1, settled)
	} else {
		hosted.OnDurable(appended.Last+1, settled)
	}
}

// tellsLogStart says whether the log start offset stands beside a refusal: in Kafka beside those of a record's content
// and of a producer's sequence, so that the producer can see whether its earlier records were deleted.
func tellsLogStart(code protocol.Code) bool {
	switch code {
	case protocol.InvalidRecord, protocol.InvalidTimestamp, protocol.OutOfOrderSequenceNumber, protocol.InvalidProducerEpoch, protocol.DuplicateSequenceNumber:
		return true
	}
	return false
}

// oneBatch says what is wrong with records that are not exactly one batch, as Kafka wants them since magic 2.
func oneBatch(records []byte) error {
	if len(records) == 0 {
		return protocol.Fail(protocol.InvalidRecord, "there is no record batch")
	}
	length, err := record.PeekLength(records)
	switch {
	case errors.Is(err, record.ErrTruncated) || err == nil && length > len(records):
		return protocol.Fail(protocol.InvalidRecord, "the record batch is cut short: there are %d bytes of it", len(records))
	case err == nil && length < len(records):
		return protocol.Fail(protocol.InvalidRecord, "a partition's records are one batch; there are %d bytes behind it", len(records)-length)
	}
	if err == nil {
		return record.Batch(records).CheckHeader() // the magic
	}
	return nil // whatever else is wrong with it, the log says better
}

// fail writes an error into a partition's answer. The caller holds mu or has not shared p yet.
func (p *produceCall) fail(answer *protocol.ProduceResponsePartitionProduceResponse, err error) {
	code, text := p.node.failText(p.call, err)
	answer.ErrorCode, answer.ErrorMessage = code, text
	answer.BaseOffset, answer.LogAppendTimeMs, answer.LogStartOffset = -1, record.NoTimestamp, -1
	if rejected, ok := errors.AsType[*commitlog.RejectedError](err); ok {
		for _, r := range rejected.Records {
			e := protocol.ProduceResponseBatchIndexAndErrorMessage{BatchIndex: r.Index}
			if r.Message != "" {
				e.BatchIndexErrorMessage = &r.Message
			}
			answer.RecordErrors = append(answer.RecordErrors, e)
		}
	}
}

func (p *produceCall) settle(answer *protocol.ProduceResponsePartitionProduceResponse, err error) {
	p.mu.Lock()
	if p.sent { // it timed out before
		p.mu.Unlock()
		return
	}
	if err != nil {
		p.fail(answer, err)
	} else {
		answer.ErrorCode = protocol.None
	}
	p.done()
}

// done counts one partition, or the ordered stage, as settled and sends the response after the last. The caller holds
// mu, which done gives back.
func (p *produceCall) done() {
	p.waiting--
	if p.waiting > 0 || p.sent {
		p.mu.Unlock()
		return
	}
	p.sent = true
	if p.timeout != nil {
		p.timeout.Stop()
	}
	p.mu.Unlock()
	p.tellLeaders()
	p.call.Reply(p.response)
}

// syncTimeMin is what the disk gets at least. A client's timeout is for the other replicas: one that gives no time expects
// what Kafka's page cache has at once, and would be told of every record that it timed out.
const syncTimeMin = time.Second

// wait ends the ordered stage: the response leaves when the last partition is settled or the time is over.
func (p *produceCall) wait(limit time.Duration) {
	p.mu.Lock()
	if p.waiting > 1 {
		p.timeout = p.node.Runtime.After(max(limit, syncTimeMin), p.expire)
	}
	p.done()
}

// expire answers what is settled and leaves REQUEST_TIMED_OUT on the rest: those records are in the log, and may yet
// be committed.
func (p *produceCall) expire() {
	p.mu.Lock()
	if p.sent {
		p.mu.Unlock()
		return
	}
	p.sent = true
	p.node.fail(p.call, protocol.Fail(protocol.RequestTimedOut, "%d of the request's partitions were not safe in time", p.waiting))
	p.mu.Unlock()
	p.tellLeaders()
	p.call.Reply(p.response)
}

func (p *produceCall) endSilently() {
	for i := range p.response.Responses {
		for j := range p.response.Responses[i].PartitionResponses {
			answer := &p.response.Responses[i].PartitionResponses[j]
			if answer.ErrorCode != protocol.None {
				p.call.Close("Produce with acks=0 failed: " + *answer.ErrorMessage)
				return
			}
		}
	}
	p.call.Silent()
}
