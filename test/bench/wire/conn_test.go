package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// connected is a member whose requests a test answers by hand at the other end
// of a pipe.
func connected(t *testing.T) (*Member, *far) {
	near, other := net.Pipe()
	c, err := DialWith(context.Background(), func(context.Context, string, string) (net.Conn, error) { return near, nil }, "", "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		_ = other.Close()
	})
	m := &Member{Conn: c, Membership: Membership{Group: "g", Topic: "t"}, ID: "m", Generation: 7}
	return m, &far{t, other}
}

// far is the broker's end.
type far struct {
	t    *testing.T
	conn net.Conn
}

// take reads one request: its correlation id, and itself in a kind.
func (f *far) take(into kmsg.Request) int32 {
	f.t.Helper()
	var size [4]byte
	if _, err := io.ReadFull(f.conn, size[:]); err != nil {
		f.t.Fatal(err)
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(f.conn, frame); err != nil {
		f.t.Fatal(err)
	}
	into.SetVersion(int16(binary.BigEndian.Uint16(frame[2:])))
	client := int(binary.BigEndian.Uint16(frame[8:]))
	if err := into.ReadFrom(frame[10+client+1:]); err != nil { // no tags
		f.t.Fatal(err)
	}
	return int32(binary.BigEndian.Uint32(frame[4:]))
}

// give answers.
func (f *far) give(correlation int32, version int16, r kmsg.Response) {
	f.t.Helper()
	r.SetVersion(version)
	body := r.AppendTo(append(binary.BigEndian.AppendUint32(nil, uint32(correlation)), 0))
	if _, err := f.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
		f.t.Error(err)
	}
}

// takeCommit answers one commit with an error code for each of its partitions
// and returns the offset that all of them have.
func (f *far) takeCommit(throttle int32, codes ...int16) int64 {
	f.t.Helper()
	request := kmsg.NewPtrOffsetCommitRequest()
	correlation := f.take(request)
	if request.Group != "g" || request.MemberID != "m" || request.Generation != 7 || len(request.Topics) != 1 {
		f.t.Errorf("%+v", request)
	}
	offset := request.Topics[0].Partitions[0].Offset
	topic := kmsg.NewOffsetCommitResponseTopic()
	topic.Topic = request.Topics[0].Topic
	for i, p := range request.Topics[0].Partitions {
		if p.Partition != int32(i) || p.Offset != offset {
			f.t.Errorf("partition %d, offset %d", p.Partition, p.Offset)
		}
	}
	for i, code := range codes {
		one := kmsg.NewOffsetCommitResponseTopicPartition()
		one.Partition, one.ErrorCode = int32(i), code
		topic.Partitions = append(topic.Partitions, one)
	}
	r := kmsg.NewPtrOffsetCommitResponse()
	r.ThrottleMillis, r.Topics = throttle, append(r.Topics, topic)
	f.give(correlation, 8, r)
	return offset
}

func TestRecommitSendsEachOffsetAndSeesEachError(t *testing.T) {
	m, broker := connected(t)
	commits := make(chan *Recommit)
	go func() {
		c, err := m.Recommit(3)
		if err != nil {
			t.Error(err)
		}
		commits <- c
	}()
	if offset := broker.takeCommit(0, 0, 0, 0); offset != 0 {
		t.Errorf("the first commit is of offset %d", offset)
	}
	c := <-commits
	if c == nil {
		t.FailNow()
	}
	for i, step := range []struct {
		throttle int32
		codes    []int16
		want     error // nil: none; errAny: some
	}{
		{0, []int16{0, 0, 0}, nil},
		{9, []int16{0, 0, 0}, nil}, // a throttle time is no error
		{0, []int16{0, 0, kerr.IllegalGeneration.Code}, kerr.IllegalGeneration},
		{0, []int16{kerr.NotCoordinator.Code, 0, 0}, kerr.NotCoordinator},
		{0, []int16{0, 0}, errAny}, // a partition is missing
		{0, []int16{0, 0, 0}, nil},
	} {
		result, want := make(chan error), int64(1)<<40+int64(i)
		go func() { result <- c.Commit(want) }()
		if got := broker.takeCommit(step.throttle, step.codes...); got != want {
			t.Errorf("step %d: offset %d, want %d", i, got, want)
		}
		if err := <-result; !errors.Is(err, step.want) && (step.want != errAny || err == nil) {
			t.Errorf("step %d: %v, want %v", i, err, step.want)
		}
	}
}

var errAny = errors.New("any error")

func TestAwaitAnswerEndsWithTheTimeAnAnswerOrAnInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, broker := connected(t)
		begin := time.Now()
		if answered, err := m.AwaitAnswer(begin.Add(time.Minute)); answered || err != nil || time.Since(begin) != time.Minute {
			t.Errorf("nothing comes: %v, %v after %v", answered, err, time.Since(begin))
		}

		var correlation int32
		go func() {
			correlation = broker.take(kmsg.NewPtrHeartbeatRequest())
			time.Sleep(time.Second)
			r := kmsg.NewPtrHeartbeatResponse()
			r.ErrorCode = kerr.RebalanceInProgress.Code
			broker.give(correlation, 4, r)
		}()
		if err := m.SendHeartbeat(); err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		if answered, err := m.AwaitAnswer(begin.Add(time.Hour)); !answered || err != nil || time.Since(begin) != time.Second {
			t.Errorf("an answer comes: %v, %v after %v", answered, err, time.Since(begin))
		}
		if err := m.ReceiveHeartbeat(); err != kerr.RebalanceInProgress {
			t.Errorf("the answer is %v", err)
		}

		begin = time.Now()
		time.AfterFunc(2*time.Second, m.Interrupt)
		if answered, err := m.AwaitAnswer(begin.Add(time.Hour)); answered || err != nil || time.Since(begin) != 2*time.Second {
			t.Errorf("interrupted: %v, %v after %v", answered, err, time.Since(begin))
		}
		if answered, err := m.AwaitAnswer(begin.Add(time.Hour)); answered || err != nil || time.Since(begin) != 2*time.Second {
			t.Errorf("interrupted before: %v, %v after %v", answered, err, time.Since(begin))
		}
	})
}

func TestAnswersComeInTheOrderOfTheRequests(t *testing.T) {
	m, broker := connected(t)
	go func() {
		broker.take(kmsg.NewPtrHeartbeatRequest())
		later := broker.take(kmsg.NewPtrOffsetCommitRequest())
		broker.give(later, 4, kmsg.NewPtrHeartbeatResponse()) // the wrong one first
	}()
	if err := errors.Join(m.SendHeartbeat(), m.SendCommit(1, 5)); err != nil {
		t.Fatal(err)
	}
	if err := m.ReceiveHeartbeat(); err == nil {
		t.Fatal("the answer to another request was taken")
	}
}
