package api

import (
	"bytes"

	"github.com/skein-io/skein/internal/protocol"
)

// recordingBytesMax bounds the events in one answer. An event is at most as large as the request it came from.
const recordingBytesMax = 16 << 20

// recordedSettings are the properties that package group decides by; a replay needs their values.
var recordedSettings = []string{
	"group.min.session.timeout.ms", "group.max.session.timeout.ms", "group.max.size", "group.initial.rebalance.delay.ms",
	"offset.metadata.max.bytes", "offsets.retention.minutes", "offsets.retention.check.interval.ms", "group.heartbeat.hold.enable",
}

// DescribeFlightRecorder (0x4001), version 0, skein's own: the last events of the group coordinator's loop for one
// partition of __consumer_offsets, with the properties that it decides by, for `skein group replay`. The events hold what
// clients sent: client ids, addresses and metadata of commits.
func (n *Node) describeFlightRecorder(c *Call) {
	request := c.Request.(*protocol.DescribeFlightRecorderRequest)
	response := protocol.NewDescribeFlightRecorderResponse()
	response.NodeID = int32(n.Self)
	tail := lineTail{max: recordingBytesMax}
	if err := n.Groups.Dump(request.Partition, &tail); err != nil {
		response.ErrorCode, response.ErrorMessage = n.failText(c, protocol.Fail(protocol.NotCoordinator, "%w", err))
		c.Reply(response)
		return
	}
	response.Events, response.OmittedBytes = tail.bytes(), tail.omitted
	present := n.Config()
	for _, name := range recordedSettings {
		if value, ok := present.Value(name); ok {
			response.Settings = append(response.Settings, protocol.DescribeFlightRecorderResponseSetting{Name: name, Value: value})
		}
	}
	c.Reply(response)
}

// lineTail keeps the last whole lines of what is written to it, up to max bytes.
type lineTail struct {
	buf     []byte
	max     int
	omitted int64 // bytes of the lines in front of buf
}

// Write never fails. It drops lines only when twice max is reached, so that each byte is moved once on average.
func (t *lineTail) Write(b []byte) (int, error) {
	t.buf = append(t.buf, b...)
	if len(t.buf) > 2*t.max {
		t.trim()
	}
	return len(b), nil
}

func (t *lineTail) bytes() []byte {
	t.trim()
	return t.buf
}

func (t *lineTail) trim() {
	over := len(t.buf) - t.max
	if over <= 0 {
		return
	}
	if t.buf[over-1] != '\n' {
		end := bytes.IndexByte(t.buf[over:], '\n')
		if end < 0 {
			end = len(t.buf) - over - 1 // one line longer than all that may be kept
		}
		over += end + 1
	}
	t.omitted += int64(over)
	t.buf = append(t.buf[:0], t.buf[over:]...)
}
