package skeintest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// TestRefuseProduce: a client tries again as often as it is refused, and then its records are there once.
func TestRefuseProduce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		c := client(t, node)
		defer c.Close()
		produce(t, c, "orders", 1)
		refusal := node.Refuse(kmsg.Produce.Int16(), kerr.NotLeaderForPartition.Code, 3)
		produce(t, c, "orders", 1)
		if n := refusal.Count(); n != 3 {
			t.Errorf("%d requests were refused", n)
		}
		node.Refuse(kmsg.Produce.Int16(), kerr.MessageTooLarge.Code, 1)
		if err := c.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Value: []byte("v")}).FirstErr(); !errors.Is(err, kerr.MessageTooLarge) {
			t.Errorf("the client was told %v", err)
		}
		reader := client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer reader.Close()
		consume(t, reader, 2)
	})
}

// TestRefuseFetch: a consumer with a fetch session gets nothing while it is refused, and everything after.
func TestRefuseFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		c := client(t, node)
		defer c.Close()
		produce(t, c, "orders", 5)
		reader := client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer reader.Close()
		consume(t, reader, 5)
		refusal := node.Refuse(kmsg.Fetch.Int16(), kerr.NotLeaderForPartition.Code, 0)
		time.Sleep(10 * time.Second) // the fetch that was waiting is over
		produce(t, c, "orders", 5)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if n := reader.PollFetches(ctx).NumRecords(); n != 0 {
			t.Errorf("%d records were fetched", n)
		}
		if refusal.Count() == 0 {
			t.Error("nothing was refused")
		}
		refusal.End()
		consume(t, reader, 5)
	})
}

// TestRefuseOneNode: the other nodes are not concerned, and the nodes' own requests are not refused.
func TestRefuseOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		leader := node.Leader("t", 0)
		for id := 1; id <= 3; id++ {
			node.Node(id).Refuse(kmsg.Fetch.Int16(), kerr.NotLeaderForPartition.Code, 0)
			if id != leader {
				node.Node(id).Refuse(kmsg.Produce.Int16(), kerr.MessageTooLarge.Code, 0)
			}
		}
		produceAll(t, c, "t", 0, 0, 5) // acks=all: the followers fetch
	})
}

// TestRefuseCommit: what a group's member is told is the error, and nothing was committed.
func TestRefuseCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		c := client(t, node)
		defer c.Close()
		produce(t, c, "orders", 1)
		admin := kadm.NewClient(c)
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: "orders", At: 1, LeaderEpoch: -1})
		if err := admin.CommitAllOffsets(context.Background(), "g", offsets); err != nil {
			t.Fatal(err)
		}
		node.Refuse(kmsg.OffsetCommit.Int16(), kerr.IllegalGeneration.Code, 1)
		offsets.Add(kadm.Offset{Topic: "orders", At: 2, LeaderEpoch: -1})
		if err := admin.CommitAllOffsets(context.Background(), "g", offsets); !errors.Is(err, kerr.IllegalGeneration) {
			t.Errorf("the member was told %v", err)
		}
		fetched, err := admin.FetchOffsets(context.Background(), "g")
		if o, ok := fetched.Lookup("orders", 0); err != nil || !ok || o.At != 1 {
			t.Errorf("%+v is committed, %v", fetched, err)
		}
	})
}
