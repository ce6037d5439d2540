package api_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// wire is a connection that sends exactly the request and version a test wants, encoded by kmsg and not by skein.
type wire struct {
	t    *testing.T
	conn net.Conn
	next int32
}

func dial(t *testing.T, node *skeintest.Node) *wire {
	t.Helper()
	conn, err := node.Dial(context.Background(), "tcp", node.Bootstrap())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &wire{t: t, conn: conn}
}

// send writes one request and returns its correlation id.
func (w *wire) send(request kmsg.Request, version int16) int32 {
	w.t.Helper()
	w.next++
	if _, err := w.conn.Write(frame(request, version, w.next)); err != nil {
		w.t.Fatal(err)
	}
	return w.next
}

func frame(request kmsg.Request, version int16, correlation int32) []byte {
	request.SetVersion(version)
	b := make([]byte, 4, 256)
	b = binary.BigEndian.AppendUint16(b, uint16(request.Key()))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, uint32(correlation))
	b = append(b, 0, 4, 't', 'e', 's', 't')
	if request.IsFlexible() {
		b = append(b, 0)
	}
	b = request.AppendTo(b)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// receive reads the answer to a request that was sent.
func (w *wire) receive(request kmsg.Request, correlation int32) kmsg.Response {
	w.t.Helper()
	body, err := w.read(correlation)
	if err != nil {
		w.t.Fatalf("%s version %d: %v", kmsg.NameForKey(request.Key()), request.GetVersion(), err)
	}
	response := request.ResponseKind()
	if response.IsFlexible() && request.Key() != 18 {
		body = body[1:] // no tags in the header
	}
	if err := response.ReadFrom(body); err != nil {
		w.t.Fatalf("%s version %d: kmsg cannot read the answer: %v", kmsg.NameForKey(request.Key()), request.GetVersion(), err)
	}
	return response
}

// answerMax bounds the wait for an answer; a machine with much else to do takes a minute over the largest.
const answerMax = 10 * time.Minute

func (w *wire) read(correlation int32) ([]byte, error) {
	_ = w.conn.SetReadDeadline(time.Now().Add(answerMax))
	var head [8]byte
	if _, err := io.ReadFull(w.conn, head[:]); err != nil {
		return nil, err
	}
	if got := int32(binary.BigEndian.Uint32(head[4:])); got != correlation {
		w.t.Fatalf("answer to request %d came, want %d", got, correlation)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:])-4)
	_, err := io.ReadFull(w.conn, body)
	return body, err
}

// ask sends a request and returns its answer.
func ask[R kmsg.Response](w *wire, request kmsg.Request, version int16) R {
	w.t.Helper()
	return w.receive(request, w.send(request, version)).(R)
}

// closed says whether the broker closes the connection instead of answering.
func (w *wire) closed() bool {
	_ = w.conn.SetReadDeadline(time.Now().Add(answerMax))
	var b [1]byte
	_, err := w.conn.Read(b[:])
	return err == io.EOF
}

func create(w *wire, topic string, partitions int32, configs ...string) {
	w.t.Helper()
	request := kmsg.NewPtrCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, partitions, 1
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		t.Configs = append(t.Configs, c)
	}
	request.Topics = append(request.Topics, t)
	if code := ask[*kmsg.CreateTopicsResponse](w, request, 5).Topics[0].ErrorCode; code != 0 {
		w.t.Fatalf("creating %s: error %d", topic, code)
	}
}
