package api

import (
	"sync"
	"time"

	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// DeleteRecords (21), versions 0 to 2: moves a partition's log start up to an offset, -1 meaning the high watermark. The
// answer waits, at most TimeoutMs, until the replicas in sync have moved theirs, so that no other leader brings back what
// was deleted.

// deleteCall is a DeleteRecords that waits. mu guards the response until it is sent.
type deleteCall struct {
	node     *Node
	call     *Call
	response *protocol.DeleteRecordsResponse

	mu      sync.Mutex
	waiting int // partitions not settled, and one for the ordered stage itself
	sent    bool
	timeout Timer
}

func (n *Node) deleteRecords(c *Call) {
	request := c.Request.(*protocol.DeleteRecordsRequest)
	d := &deleteCall{node: n, call: c, response: newDeleteRecordsResponse(request), waiting: 1}
	for i := range request.Topics {
		for j := range request.Topics[i].Partitions {
			d.delete(request.Topics[i].Name, record.Offset(request.Topics[i].Partitions[j].Offset), &d.response.Topics[i].Partitions[j])
		}
	}
	d.wait(time.Duration(request.TimeoutMs) * time.Millisecond)
}

func newDeleteRecordsResponse(request *protocol.DeleteRecordsRequest) *protocol.DeleteRecordsResponse {
	response := protocol.NewDeleteRecordsResponse()
	for i := range request.Topics {
		answer := protocol.DeleteRecordsResponseTopicResult{Name: request.Topics[i].Name}
		for _, asked := range request.Topics[i].Partitions {
			answer.Partitions = append(answer.Partitions, protocol.DeleteRecordsResponsePartitionResult{PartitionIndex: asked.PartitionIndex, LowWatermark: -1})
		}
		response.Topics = append(response.Topics, answer)
	}
	return response
}

func (d *deleteCall) delete(topic string, before record.Offset, result *protocol.DeleteRecordsResponsePartitionResult) {
	hosted, err := d.node.deletable(topic, result.PartitionIndex)
	if err == nil {
		before, err = hosted.DeleteRecords(before)
	}
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		result.ErrorCode = d.node.fail(d.call, err)
		return
	}
	d.mu.Lock()
	result.ErrorCode = protocol.RequestTimedOut // what is true of it until it is settled
	d.waiting++
	d.mu.Unlock()
	hosted.OnDeleted(before, func(err error) { d.settle(result, before, err) })
}

// deletable finds a partition whose records may be deleted.
func (n *Node) deletable(topic string, index int32) (*partition.Partition, error) {
	if n.internalTopic(topic) {
		return nil, protocol.Fail(protocol.InvalidTopicException, "records of the internal topic %s cannot be deleted", topic)
	}
	hosted, err := n.hosted(false, topic, protocol.UUID{}, index)
	if err == nil && !hosted.Log().Config().Delete {
		err = protocol.Fail(protocol.PolicyViolation, "records of %s cannot be deleted: its cleanup.policy is not delete", topic)
	}
	return hosted, err
}

func (d *deleteCall) settle(result *protocol.DeleteRecordsResponsePartitionResult, start record.Offset, err error) {
	d.mu.Lock()
	if d.sent { // it timed out before
		d.mu.Unlock()
		return
	}
	result.ErrorCode = d.node.fail(d.call, err)
	if err == nil {
		result.LowWatermark = int64(start)
	}
	d.done()
}

// done counts one partition, or the ordered stage, as settled and sends the response after the last. The caller holds
// mu, which done gives back.
func (d *deleteCall) done() {
	d.waiting--
	if d.waiting > 0 || d.sent {
		d.mu.Unlock()
		return
	}
	d.sent = true
	if d.timeout != nil {
		d.timeout.Stop()
	}
	d.mu.Unlock()
	d.call.Reply(d.response)
}

// wait ends the ordered stage: the response leaves when the last partition is settled or the time is over.
func (d *deleteCall) wait(limit time.Duration) {
	d.mu.Lock()
	if d.waiting > 1 {
		d.timeout = d.node.Runtime.After(max(limit, 0), d.expire)
	}
	d.done()
}

// expire answers what is settled and leaves REQUEST_TIMED_OUT on the rest: here their records are deleted.
func (d *deleteCall) expire() {
	d.mu.Lock()
	if d.sent {
		d.mu.Unlock()
		return
	}
	d.sent = true
	d.node.fail(d.call, protocol.Fail(protocol.RequestTimedOut, "the replicas of %d of the request's partitions have not deleted the records yet", d.waiting))
	d.mu.Unlock()
	d.call.Reply(d.response)
}
