package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Commit commits one offset for each of the first n partitions of the topic.
func (m *Member) Commit(n int32, offset int64) error {
	if err := m.SendCommit(n, offset); err != nil {
		return err
	}
	return m.ReceiveCommit()
}

// SendCommit is the first half of Commit.
func (m *Member) SendCommit(n int32, offset int64) error { return m.Send(m.commitRequest(n, offset)) }

// ReceiveCommit is its second half.
func (m *Member) ReceiveCommit() error {
	r, err := m.Receive(m.commitRequest(0, 0))
	if err != nil {
		return err
	}
	return commitError(r.(*kmsg.OffsetCommitResponse))
}

func (m *Member) commitRequest(n int32, offset int64) kmsg.Request {
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = m.Topic
	for p := range n {
		one := kmsg.NewOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset = p, offset
		topic.Partitions = append(topic.Partitions, one)
	}
	request := kmsg.NewPtrOffsetCommitRequest()
	request.SetVersion(8)
	request.Group, request.MemberID, request.Generation = m.Group, m.ID, m.Generation
	request.Topics = append(request.Topics, topic)
	return request
}

// commitError is the first error of an answer to OffsetCommit.
func commitError(r *kmsg.OffsetCommitResponse) error {
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("commit %s-%d: %w", topic.Topic, p.Partition, err)
			}
		}
	}
	return nil
}

// Recommit commits again and again at the least cost to the client: the
// request is encoded once, and only its correlation id and its offsets change.
//
//	request: size:4 | key:2 | version:2 | correlation:4 | ... offset:8 ... offset:8 ...
//	answer:  size:4 | correlation:4 | tags:1 | throttle:4 | topics with an error code for each partition
//
// What follows the throttle time is the same in each answer without errors, so
// it is compared with that of the first one. Only where it differs is the
// answer decoded, and its error codes looked at one by one.
type Recommit struct {
	m       *Member
	request []byte
	offsets []int  // where in the request they are
	good    []byte // what follows the throttle time if there is no error
}

const (
	correlationAt = 8
	topicsAt      = 5 // in an answer, after its correlation id

	// placeholder is an offset that no other bytes of a request look like.
	placeholder = int64(0x5B17A2E9C43D68F7)
)

// Recommit prepares commits for the first n partitions of the topic, in the
// generation that the member is in now, and makes the first one, of offset 0.
func (m *Member) Recommit(n int32) (*Recommit, error) {
	c := &Recommit{m: m, request: m.format.AppendRequest(nil, m.commitRequest(n, placeholder), 0)}
	mark := binary.BigEndian.AppendUint64(nil, uint64(placeholder))
	for at := 0; ; at += len(mark) {
		next := bytes.Index(c.request[at:], mark)
		if next < 0 {
			break
		}
		at += next
		c.offsets = append(c.offsets, at)
	}
	if len(c.offsets) != int(n) {
		return nil, fmt.Errorf("%d offsets in a request of %d", len(c.offsets), n)
	}
	return c, c.Commit(0)
}

// Commit commits one offset for each of the partitions. It returns nil only if
// the answer has no error for any of them.
func (c *Recommit) Commit(offset int64) error {
	m := c.m
	m.correlation++
	binary.BigEndian.PutUint32(c.request[correlationAt:], uint32(m.correlation))
	for _, at := range c.offsets {
		binary.BigEndian.PutUint64(c.request[at:], uint64(offset))
	}
	if _, err := m.conn.Write(c.request); err != nil {
		return err
	}
	body, err := m.answer()
	if err != nil {
		return fmt.Errorf("OffsetCommit: %w", err)
	}
	if len(body) > topicsAt && bytes.Equal(body[topicsAt:], c.good) {
		return nil
	}
	return c.learn(body)
}

// learn decodes an answer that is not as the last good one was.
func (c *Recommit) learn(body []byte) error {
	r := kmsg.NewPtrOffsetCommitResponse()
	r.SetVersion(8)
	if err := r.ReadFrom(body[1:]); err != nil {
		return fmt.Errorf("OffsetCommit: %w", err)
	}
	if err := commitError(r); err != nil {
		return err
	}
	answered := 0
	for _, topic := range r.Topics {
		answered += len(topic.Partitions)
	}
	if answered != len(c.offsets) {
		return fmt.Errorf("OffsetCommit: %d partitions in an answer for %d", answered, len(c.offsets))
	}
	c.good = append(c.good[:0], body[topicsAt:]...)
	return nil
}
