package api

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
	"github.com/skein-io/skein/internal/record"
)

// hungQuorum knows the controller, and its goroutine answers nobody before it is let go.
type hungQuorum struct {
	Quorum
	asked func(quorum.Status, error)
}

func (*hungQuorum) Leader() (metadata.NodeID, record.LeaderEpoch, bool) { return 3, 7, true }

func (q *hungQuorum) Status(done func(quorum.Status, error)) { q.asked = done }

// oneAnswer is a Sink that keeps the answer.
type oneAnswer struct {
	Sink
	mu      sync.Mutex
	replies []protocol.Message
}

func (s *oneAnswer) Reply(m protocol.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = append(s.replies, m)
}

func (s *oneAnswer) answers() []protocol.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replies
}

// TestDescribeNodeOfAnIllNode: a part of the node that does not answer keeps nobody from seeing the others.
func TestDescribeNodeOfAnIllNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &hungQuorum{}
		image := metadata.NewImage("c")
		n := NewNode(Parts{Self: 1, Config: config.Defaults, Image: func() *metadata.Image { return image }, Quorum: q, Now: time.Now,
			Partitions: partition.NewHost(partition.HostConfig{Self: 1, Broker: config.Defaults, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}),
			Inside: Inside{Waiting: func() (int, int) { return 5, 6 }, Traffic: func() Traffic {
				return Traffic{Listeners: map[string]int{"A": 2}, Requests: map[protocol.Key]UnderWay{protocol.KeyFetch: {Waiting: 3, Oldest: time.Second}}}
			}}})
		began := time.Now()
		sink := &oneAnswer{}
		n.Start(NewCall(sink, protocol.KeyDescribeNode, 0, &Client{SoftwareName: "skein-cli"}, began, protocol.NewDescribeNodeRequest()))
		if len(sink.answers()) != 0 {
			t.Fatal("it is answered before the controller's part is there")
		}
		time.Sleep(anatomyPatience)
		synctest.Wait()
		if len(sink.answers()) != 1 {
			t.Fatalf("%d answers after %v", len(sink.answers()), time.Since(began))
		}
		r := sink.answers()[0].(*protocol.DescribeNodeResponse)
		if r.ControllerID != 3 || r.ControllerEpoch != 7 || r.MetadataCommitted != -1 || r.ControllerQueue != 5 || r.QuorumQueue != 6 ||
			len(r.Requests) != 1 || r.Requests[0].Waiting != 3 || r.Requests[0].OldestUs != 1_000_000 || len(r.Listeners) != 1 || r.Goroutines == 0 || r.MemoryBytes == 0 {
			t.Errorf("answered %+v", r)
		}
		q.asked(quorum.Status{HighWatermark: 9}, nil) // too late: the answer is sent
		if len(sink.answers()) != 1 || r.MetadataCommitted != -1 {
			t.Errorf("a late part made %d answers, %+v", len(sink.answers()), r)
		}
		sink = &oneAnswer{}
		n.Start(NewCall(sink, protocol.KeyDescribeNode, 0, &Client{SoftwareName: "skein-cli"}, began, protocol.NewDescribeNodeRequest()))
		q.asked(quorum.Status{HighWatermark: 9, Members: []quorum.MemberStatus{{Member: quorum.Member{ID: 1}, LogEnd: 11}}}, nil)
		if len(sink.answers()) != 1 || sink.answers()[0].(*protocol.DescribeNodeResponse).MetadataLogEnd != 11 {
			t.Errorf("in time: %+v", sink.answers())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(sink.answers()) != 1 {
			t.Errorf("%d answers", len(sink.answers()))
		}
	})
}
