package wire

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// BenchmarkCommit is what the client's side of a commit costs, without a
// kernel or a broker.
func BenchmarkCommit(b *testing.B) {
	r := kmsg.NewPtrOffsetCommitResponse()
	r.SetVersion(8)
	topic := kmsg.NewOffsetCommitResponseTopic()
	topic.Topic = "topic"
	for p := range int32(10) {
		one := kmsg.NewOffsetCommitResponseTopicPartition()
		one.Partition = p
		topic.Partitions = append(topic.Partitions, one)
	}
	r.Topics = append(r.Topics, topic)
	body := r.AppendTo([]byte{0, 0, 0, 0, 0})
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	newMember := func() *Member {
		c := newConn(&echo{frame: frame}, "bench")
		return &Member{Conn: c, Membership: Membership{Group: "group", Topic: "topic"}, ID: "member", Generation: 1}
	}
	b.Run("each encoded", func(b *testing.B) {
		m := newMember()
		for b.Loop() {
			if err := m.Commit(10, 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("recommit", func(b *testing.B) {
		c, err := newMember().Recommit(10)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := c.Commit(1); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// echo answers each request with the same frame, but for its correlation id.
type echo struct {
	net.Conn
	frame []byte
	left  []byte
}

func (e *echo) Write(request []byte) (int, error) {
	copy(e.frame[4:8], request[correlationAt:correlationAt+4])
	e.left = e.frame
	return len(request), nil
}

func (e *echo) Read(into []byte) (int, error) {
	if len(e.left) == 0 {
		return 0, io.EOF
	}
	n := copy(into, e.left)
	e.left = e.left[n:]
	return n, nil
}
