package zookeeper

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/test/services"
)

// TestControllerKilled kills the controller again and again, under load: another leads in the next epoch, and no record is lost.
func TestControllerKilled(t *testing.T) {
	c := newCluster(t, triple(t), 3, nil)
	client := c.client()
	defer client.Close()
	c.create(client, "orders", 3)
	l := c.load("orders")
	l.goesOn(t)
	var worst time.Duration
	n := times(t, 3)
	for i := range n {
		id, epoch := c.controller(0)
		killed := time.Now()
		if err := c.nodes[id-1].Kill(); err != nil {
			t.Fatal(err)
		}
		await(t, "another controller", func() bool {
			next, e := controllerOf(t, c.see)
			return next >= 0 && next != id && e == epoch+1
		})
		worst = max(worst, time.Since(killed))
		c.create(client, fmt.Sprint("after-", i), 1)
		l.goesOn(t)
		c.start(int(id))
		awaitInSync(c, client, "orders", 3)
	}
	t.Logf("%d controllers killed; another was elected within %v, the session's timeout is %v", n, worst, sessionTimeout)
	if n >= 50 && worst > sessionTimeout+time.Second { // a release's figure: on a machine with nothing else to do
		t.Errorf("another controller was elected after %v; it must be within the session's timeout and a second", worst)
	}
	l.end(c, "orders")
	for i := range n {
		awaitInSync(c, client, fmt.Sprint("after-", i), 3)
	}
	monotone(t, c.see)
}

// awaitInSync waits until all partitions of a topic have so many replicas in sync.
func awaitInSync(c *cluster, client *kgo.Client, topic string, n int) {
	c.t.Helper()
	await(c.t, "the replicas of "+topic+" to be in sync", func() bool {
		request := kmsg.NewPtrMetadataRequest()
		one := kmsg.NewMetadataRequestTopic()
		one.Topic = kmsg.StringPtr(topic)
		request.Topics = append(request.Topics, one)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		response, err := request.RequestWith(ctx, client)
		if err != nil || len(response.Topics) != 1 || response.Topics[0].ErrorCode != 0 {
			return false
		}
		return !slices.ContainsFunc(response.Topics[0].Partitions, func(p kmsg.MetadataResponseTopicPartition) bool { return len(p.ISR) < n })
	})
}

// monotone looks at the log as ZooKeeper has it: each entry is of the same epoch as the one before, or a later.
func monotone(t *testing.T, s *zookeeper.Session) {
	t.Helper()
	head, err := member.ParseHead(get(t, s, member.HeadPath).Data)
	if err != nil {
		t.Fatal(err)
	}
	first := int64(0)
	if head.Snapshot != nil {
		first = int64(head.Snapshot.Offset) + 1
	}
	last := uint64(0)
	for offset := first; offset <= int64(head.Offset); offset++ {
		a := get(t, s, fmt.Sprintf("%s/%020d", member.LogPath, offset))
		if a.Code != member.OK {
			t.Fatalf("entry %d of the log is missing: %s", offset, a.Text)
		}
		epoch, _ := binary.Uvarint(a.Data[1:])
		if epoch < last {
			t.Errorf("entry %d of the log is of epoch %d, and the one before of epoch %d", offset, epoch, last)
		}
		last = epoch
	}
	t.Logf("the log has entries %d to %d, the last of epoch %d", first, head.Offset, last)
}

// TestPausedControllerWritesNothing stops the controller's process for longer than its session: another leads, and when the old
// one goes on it writes nothing more, though it was given a request meanwhile.
func TestPausedControllerWritesNothing(t *testing.T) {
	c := newCluster(t, single(t), 3, nil)
	client := c.client()
	defer client.Close()
	c.create(client, "orders", 3)
	l := c.load("orders")
	l.goesOn(t)
	for i := range times(t, 2) {
		id, epoch := c.controller(0)
		old := c.nodes[id-1]
		signal(t, old, syscall.SIGSTOP)
		asked := ask(t, old.Addr(), fmt.Sprint("paused-", i)) // it lies in the socket until the process goes on
		_, next := c.controller(epoch)
		c.create(client, fmt.Sprint("meanwhile-", i), 1)
		signal(t, old, syscall.SIGCONT)
		<-asked // answered, refused, or the connection ended
		awaitInSync(c, client, "orders", 3)
		l.goesOn(t)
		head, err := member.ParseHead(get(t, c.see, member.HeadPath).Data)
		if err != nil || int64(head.Epoch) < next {
			t.Errorf("after another controller in epoch %d the last entry is of epoch %d (%v)", next, head.Epoch, err)
		}
		monotone(t, c.see)
	}
	l.end(c, "orders")
	monotone(t, c.see)
}

func signal(t *testing.T, s *services.Skein, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(s.PID(), sig); err != nil {
		t.Fatal(err)
	}
}

// ask sends one node a request to create a topic, and does not care for the answer. The channel is closed when it is there, or
// the connection has ended.
func ask(t *testing.T, addr, topic string) <-chan struct{} {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Version = 2
	one := kmsg.NewCreateTopicsRequestTopic()
	one.Topic, one.NumPartitions, one.ReplicationFactor = topic, 1, 1
	request.Topics = append(request.Topics, one)
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, request, 1)
	if _, err := conn.Write(frame); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		_, _ = conn.Read(make([]byte, 4))
		_ = conn.Close()
	}()
	return done
}

// TestBrokerWithoutSession: a broker whose session ends is fenced because its znode goes, though its heartbeats would not be
// missed for hours; when it goes on it registers again, and is in sync.
func TestBrokerWithoutSession(t *testing.T) {
	c := newCluster(t, single(t), 3, map[string]string{"broker.session.timeout.ms": "36000000", "replica.lag.time.max.ms": "36000000"})
	client := c.client()
	defer client.Close()
	c.create(client, "orders", 3)
	awaitInSync(c, client, "orders", 3)
	controller, _ := c.controller(0)
	id := controller%3 + 1 // another
	signal(t, c.nodes[id-1], syscall.SIGSTOP)
	way := c.client(kgo.SeedBrokers(c.nodes[controller-1].Addr())) // nobody must be asked who does not answer
	defer way.Close()
	await(t, "the broker to be fenced", func() bool {
		request := kmsg.NewPtrMetadataRequest()
		request.Topics = []kmsg.MetadataRequestTopic{}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		response, err := way.Broker(int(controller)).Request(ctx, request)
		return err == nil && len(response.(*kmsg.MetadataResponse).Brokers) == 2
	})
	if a := get(t, c.see, member.BrokerPath(metadata.NodeID(id))); a.Code != member.NoNode {
		t.Errorf("the broker is fenced, and its znode is there: %s", a.Data)
	}
	signal(t, c.nodes[id-1], syscall.SIGCONT)
	// The broker itself knows only what was, until it hears of the rest.
	await(t, "the broker's znode", func() bool { return get(t, c.see, member.BrokerPath(metadata.NodeID(id))).Code == member.OK })
	awaitInSync(c, way, "orders", 3)
}

// TestEnsembleMemberKilled kills each member of the ensemble in turn, its leader too, under load: the cluster goes on, and loses
// nothing.
func TestEnsembleMemberKilled(t *testing.T) {
	at := triple(t)
	c := newCluster(t, at, 3, nil)
	client := c.client()
	defer client.Close()
	c.create(client, "orders", 3)
	l := c.load("orders")
	l.goesOn(t)
	for i, z := range shared.triple.ensemble.Servers {
		mode, err := z.Mode(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := z.Kill(); err != nil {
			t.Fatal(err)
		}
		l.goesOn(t)
		c.create(client, fmt.Sprint("without-", i), 1)
		if err := z.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		id, epoch := c.controller(0)
		t.Logf("ZooKeeper's %s was killed and came back: node %d is the controller in epoch %d", mode, id, epoch)
	}
	l.end(c, "orders")
	awaitInSync(c, client, "orders", 3)
	monotone(t, c.see)
}
