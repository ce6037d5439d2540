package zookeeper

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/controller"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// submit asks a node's controller, and waits.
func submit(t *testing.T, n *node, request protocol.Message) protocol.Message {
	t.Helper()
	type answer struct {
		response protocol.Message
		err      error
	}
	answers := make(chan answer, 1)
	n.Submit(request, 5, func(response protocol.Message, err error) { answers <- answer{response, err} })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case a := <-answers:
		if a.err != nil {
			t.Fatalf("%T: %v", request, a.err)
		}
		return a.response
	case <-ctx.Done():
		t.Fatalf("%T: no answer", request)
		return nil
	}
}

func leads(n *node) bool {
	leader, _, ok := n.Leader()
	return ok && leader == n.id
}

// brokerOf registers a node's broker with its own controller, and unfences it.
func brokerOf(t *testing.T, n *node) {
	t.Helper()
	r := protocol.NewBrokerRegistrationRequest()
	r.BrokerID, r.ClusterID, r.IncarnationID, r.LogDirs = int32(n.id), n.Image().ClusterID(), protocol.UUID{1}, []protocol.UUID{{byte(n.id + 1)}}
	r.Listeners = []protocol.BrokerRegistrationRequestListener{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092}}
	epoch := submit(t, n, r).(*protocol.BrokerRegistrationResponse).BrokerEpoch
	await(t, "the broker to be unfenced", func() bool {
		h := protocol.NewBrokerHeartbeatRequest()
		h.BrokerID, h.BrokerEpoch, h.CurrentMetadataOffset = int32(n.id), epoch, int64(n.Image().Offset)
		return !submit(t, n, h).(*protocol.BrokerHeartbeatResponse).IsFenced
	})
}

func createTopic(t *testing.T, n *node, name string, partitions int32) {
	t.Helper()
	r := protocol.NewCreateTopicsRequest()
	r.Topics = []protocol.CreateTopicsRequestCreatableTopic{{Name: name, NumPartitions: partitions, ReplicationFactor: 1}}
	if got := submit(t, n, r).(*protocol.CreateTopicsResponse).Topics[0]; got.ErrorCode != protocol.None {
		t.Fatalf("topic %s: %v %v", name, got.ErrorCode, got.ErrorMessage)
	}
}

func dump(image *metadata.Image) string {
	return fmt.Sprintf("%d %d %q", image.Offset, image.Epoch, metadata.AppendRecords(nil, slices.Collect(image.Records())...))
}

// TestLogAndSnapshots: entries that are too large for one znode, snapshots of several znodes, what they replace is removed, and
// who comes later or is behind has the same image.
func TestLogAndSnapshots(t *testing.T) {
	at := single(t)
	broker, err := config.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	change := func(c *zookeeper.Config) {
		c.SnapshotBytes = 20_000
		c.Controller = controller.Config{PartitionsDefault: 1, ReplicationFactor: 1, TopicDeletion: true, SessionTimeout: patience,
			Rules: api.Rules{Self: c.NodeID, Static: broker}}
	}
	first := open(t, at, 1, change)
	defer func() { _ = first.Close() }()
	await(t, "the first node to lead", func() bool { return leads(first) })
	follower := open(t, at, 2, change)
	defer func() { _ = follower.Close() }()
	brokerOf(t, first)
	createTopic(t, first, "large", 12_000) // about 1.3 MB
	for i := range 300 {
		createTopic(t, first, fmt.Sprint("topic-", i), 3)
	}
	see := connect(t, at)
	defer see.Close()
	var head member.Head
	await(t, "a snapshot of several znodes, and no entry before it", func() bool {
		var err error
		if head, err = member.ParseHead(get(t, see, member.HeadPath).Data); err != nil {
			t.Fatal(err)
		}
		names := must(t, see.Do(&member.Request{Kind: member.Children, Path: member.LogPath})).Children
		old := slices.ContainsFunc(names, func(name string) bool {
			return head.Snapshot != nil && name <= fmt.Sprintf("%020d", head.Snapshot.Offset)
		})
		snapshots := must(t, see.Do(&member.Request{Kind: member.Children, Path: member.SnapshotsPath})).Children
		return head.Snapshot != nil && head.Snapshot.Parts > 1 && !old && len(snapshots) == 1
	})
	third := open(t, at, 3, change)
	want := dump(first.Image())
	for _, n := range []*node{follower, third} {
		await(t, "the same image", func() bool { return dump(n.Image()) == want })
	}
	_ = first.Close()
	await(t, "another controller", func() bool { return leads(follower) || leads(third) })
	next := follower
	if leads(third) {
		next = third
	}
	r := protocol.NewDeleteTopicsRequest()
	r.TopicNames = []string{"large"}
	if got := submit(t, next, r).(*protocol.DeleteTopicsResponse).Responses[0]; got.ErrorCode != protocol.None {
		t.Errorf("the next controller does not delete: %v", got.ErrorCode)
	}
	await(t, "both to have forgotten the topic", func() bool { return follower.Image().Topic("large") == nil && third.Image().Topic("large") == nil })
	_ = third.Close()
}
