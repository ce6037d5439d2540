package skeintest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// rotting starts three nodes whose consumers may choose by which of them they are served.
func rotting(t *testing.T) (*skeintest.Node, *kgo.Client) {
	t.Helper()
	node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Racks("1", "2", "3"),
		skeintest.Set("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector"))
	c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	createReplicated(t, c, "t", 1, 3)
	awaitISR(t, c, "t", 0, 3)
	return node, c
}

// consumeFrom reads a partition from its start by one node, and wants the values v0 to v(n-1), in order. For a moment after a replica has
// joined, the leader may serve the reader itself.
func consumeFrom(t *testing.T, node *skeintest.Node, id int, topic string, partition int32, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("node %d serves", id), func() bool { return consumeNear(t, node, id, topic, partition, n) == id })
}

// consumeNear is consumeFrom without the demand that it is that node which serves; it returns which one did.
func consumeNear(t *testing.T, node *skeintest.Node, id int, topic string, partition int32, n int) (servedBy int) {
	t.Helper()
	served := &servers{}
	c := clusterClient(t, node, kgo.Rack(fmt.Sprint(id)), kgo.WithHooks(served),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := 0; i < n; {
		fetched := c.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("node %d: after %d of %d records: %v", id, i, n, ctx.Err())
		}
		fetched.EachError(func(_ string, _ int32, err error) { t.Errorf("node %d: after %d of %d records: %v", id, i, n, err) })
		fetched.EachRecord(func(r *kgo.Record) {
			if want := fmt.Sprintf("v%d", i); string(r.Value) != want {
				t.Fatalf("node %d: offset %d of %s-%d holds %q instead of %q", id, r.Offset, topic, partition, r.Value, want)
			}
			i++
		})
	}
	return served.node()
}

// wantAside wants a node to have kept, or not, a damaged folder.
func wantAside(t *testing.T, node *skeintest.Node, id int, folder string, want bool) {
	t.Helper()
	if aside(node, id, folder) != want {
		t.Errorf("node %d holds %v; a damaged folder was to be kept: %v", id, node.Node(id).Files("."), want)
	}
}

// aside is whether a node has kept a damaged folder.
func aside(node *skeintest.Node, id int, folder string) bool {
	kept := func(name string) bool {
		return strings.HasPrefix(name, folder+".") && strings.HasSuffix(name, "-stray")
	}
	return slices.ContainsFunc(node.Node(id).Files("."), kept)
}

const firstSegment = "t-0/00000000000000000000.log"

// Where bits are in the first batch of a segment: magic is found at the start, as every header below the durable mark is looked
// at; a value is found by nobody but who computes the CRC.
const magicBit = 16 * 8

// TestRotIsFoundAtTheStart: a follower's, and that of a node which led until its power failed. The log is given up, refilled
// from another node, and joins again.
func TestRotIsFoundAtTheStart(t *testing.T) {
	for _, role := range []string{"follower", "leader"} {
		t.Run(role, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node, c := rotting(t)
				defer c.Close()
				produceAll(t, c, "t", 0, 0, 50)
				time.Sleep(2 * time.Second) // the durable mark is synced each second
				leader := node.Leader("t", 0)
				rotten := leader
				if role == "follower" {
					rotten = leader%3 + 1
				}
				node.Node(rotten).Crash()
				node.Node(rotten).FlipBit(firstSegment, magicBit)
				produceAll(t, c, "t", 0, 50, 60)
				node.Node(rotten).Open()
				awaitISR(t, c, "t", 0, 3)
				produceAll(t, c, "t", 0, 60, 70)
				for id := 1; id <= 3; id++ {
					consumeFrom(t, node, id, "t", 0, 70)
					wantAside(t, node, id, "t-0", id == rotten)
				}
			})
		})
	}
}

// TestRotAfterAPowerCut: all nodes lose their power, and the log of one is damaged that the controller has for eligible. It must
// not lead with what is left of it.
func TestRotAfterAPowerCut(t *testing.T) {
	for rotten := 1; rotten <= 3; rotten++ {
		t.Run(fmt.Sprint("node ", rotten), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node, c := rotting(t)
				defer c.Close()
				produceAll(t, c, "t", 0, 0, 50)
				time.Sleep(2 * time.Second)
				node.CrashAll()
				node.Node(rotten).FlipBit(firstSegment, magicBit)
				node.OpenAll()
				produceAll(t, c, "t", 0, 50, 60)
				awaitISR(t, c, "t", 0, 3)
				for id := 1; id <= 3; id++ {
					consumeFrom(t, node, id, "t", 0, 60)
					wantAside(t, node, id, "t-0", id == rotten)
				}
			})
		})
	}
}

// TestRotOfALeader: a follower that comes back finds that what its leader sends is damaged. The leader looks at it, steps down,
// and is refilled from the third.
func TestRotOfALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, c := rotting(t)
		defer c.Close()
		produceAll(t, c, "t", 0, 0, 10)
		leader := node.Leader("t", 0)
		away := leader%3 + 1
		node.Node(away).Crash()
		produceAll(t, c, "t", 0, 10, 60)
		time.Sleep(2 * time.Second)
		const batchSize = 61 + 7 + 3 // each record is a batch of its own, with a value of 3 bytes from the tenth on
		node.Node(leader).FlipBit(firstSegment, 8*(10*(batchSize-1)+20*batchSize+batchSize-2))
		node.Node(away).Open()
		awaitISR(t, c, "t", 0, 3)
		produceAll(t, c, "t", 0, 60, 70)
		if now := node.Leader("t", 0); now == away {
			t.Errorf("node %d was away and leads", now)
		}
		for id := 1; id <= 3; id++ {
			consumeFrom(t, node, id, "t", 0, 70)
			wantAside(t, node, id, "t-0", id == leader)
		}
	})
}

// TestRotOfACoordinator: a node that takes a group over finds its offsets damaged while it loads them. It gives the replica up, and
// a node whose replica is sound coordinates.
func TestRotOfACoordinator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Set("offsets.topic.num.partitions", "1"))
		c := clusterClient(t, node)
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: "t", Partition: 0, At: 7, LeaderEpoch: -1})
		var err error
		eventually(t, "the commit is written", func() bool { // the coordinator's node may not know the topic yet
			err = kadm.NewClient(c).CommitAllOffsets(context.Background(), "g", offsets)
			return err == nil || !kerr.IsRetriable(err)
		})
		if err != nil {
			t.Fatal(err)
		}
		awaitISR(t, c, "__consumer_offsets", 0, 3)
		rotten := node.Coordinator("g")%3 + 1
		node.Node(rotten).FlipBit("__consumer_offsets-0/00000000000000000000.log", 8*(61+7)) // behind the header of the first batch
		node.MoveLeader("__consumer_offsets", 0, rotten)
		// The node that coordinated may answer for a moment more, and until the next one has loaded nobody knows of the damage.
		eventually(t, "the damaged replica is set aside", func() bool { return aside(node, rotten, "__consumer_offsets-0") })
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		fetched, err := kadm.NewClient(c).FetchOffsets(ctx, "g")
		if err != nil {
			t.Fatalf("node %d coordinates: %v", node.Leader("__consumer_offsets", 0), err)
		}
		if o, ok := fetched.Lookup("t", 0); !ok || o.At != 7 {
			t.Errorf("the group has committed %+v, want 7", o)
		}
		awaitISR(t, c, "__consumer_offsets", 0, 3)
		for id := 1; id <= 3; id++ {
			wantAside(t, node, id, "__consumer_offsets-0", id == rotten)
		}
	})
}
