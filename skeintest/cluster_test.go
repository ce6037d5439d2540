package skeintest_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// clusterClient knows every node of a cluster.
func clusterClient(t *testing.T, node *skeintest.Node, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(node.Bootstraps()...), kgo.Dialer(node.Dial), kgo.MetadataMinAge(50 * time.Millisecond)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func createReplicated(t *testing.T, c *kgo.Client, topic string, partitions int32, factor int16) {
	t.Helper()
	created, err := kadm.NewClient(c).CreateTopic(context.Background(), partitions, factor, nil, topic)
	if err == nil {
		err = created.Err
	}
	if err != nil {
		t.Fatal(err)
	}
}

// partitionOf is what the cluster says of a partition. Nodes hear of a topic one after the other, so it waits until the one
// that answers has.
func partitionOf(t *testing.T, c *kgo.Client, topic string, partition int32) (p kadm.PartitionDetail) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s-%d is known", topic, partition), func() (known bool) {
		listed, err := kadm.NewClient(c).ListTopics(context.Background(), topic)
		if err == nil {
			p, known = listed[topic].Partitions[partition]
		}
		return known
	})
	return p
}

// awaitISR waits until a partition has n replicas in sync.
func awaitISR(t *testing.T, c *kgo.Client, topic string, partition int32, n int) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		p := partitionOf(t, c, topic, partition)
		if len(p.ISR) == n {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("%s-%d has the leader %d and the in-sync replicas %v, not %d", topic, partition, p.Leader, p.ISR, n)
		}
	}
}

// produceAll writes the values v(from) to v(to-1). The client has its id before: it asks for that with a lock held, for which it
// waits too when the partition gets another leader meanwhile, and in a bubble time stands still then.
func produceAll(t *testing.T, c *kgo.Client, topic string, partition int32, from, to int) {
	t.Helper()
	if _, _, err := c.ProducerID(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i := from; i < to; i++ {
		r := &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Appendf(nil, "v%d", i)}
		if err := c.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// consumeAll reads a partition from its start and wants the values v0 to v(n-1), in order.
func consumeAll(t *testing.T, node *skeintest.Node, topic string, partition int32, n int) {
	t.Helper()
	c := clusterClient(t, node, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := 0; i < n; {
		fetched := c.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", i, n, err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if want := fmt.Sprintf("v%d", i); string(r.Value) != want {
				t.Fatalf("offset %d of %s-%d holds %q instead of %q", r.Offset, topic, partition, r.Value, want)
			}
			i++
		})
	}
}

// TestClusterSurvivesItsLeader: what three replicas acknowledged is there when the leader has lost its power, production
// goes on, and the old leader comes back into the ISR.
func TestClusterSurvivesItsLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		awaitISR(t, c, "t", 0, 3)
		produceAll(t, c, "t", 0, 0, 100)

		leader := node.Leader("t", 0)
		begun := time.Now()
		node.Node(leader).Crash()
		ended := time.Since(begun)
		produceAll(t, c, "t", 0, 100, 101)
		t.Logf("node %d crashed; it has ended after %v, the next record was acknowledged after %v", leader, ended, time.Since(begun))
		produceAll(t, c, "t", 0, 101, 200)
		if now := node.Leader("t", 0); now == leader {
			t.Errorf("node %d has crashed and leads", leader)
		}

		node.Node(leader).Open()
		awaitISR(t, c, "t", 0, 3)
		produceAll(t, c, "t", 0, 200, 210)
		consumeAll(t, node, "t", 0, 210)
	})
}

// TestClusterLosesPower: all three nodes lose their power at once; what was acknowledged is there.
func TestClusterLosesPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		produceAll(t, c, "t", 0, 0, 100)
		node.CrashAll()
		node.OpenAll()
		produceAll(t, c, "t", 0, 100, 110)
		consumeAll(t, node, "t", 0, 110)
	})
}

// TestClusterStartsUnderClients: a client that reaches a node which is being started waits for its answer; the connection is
// not closed in place of it.
func TestClusterStartsUnderClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		node.CrashAll()
		var clients sync.WaitGroup
		for id := 1; id <= 3; id++ {
			clients.Go(func() {
				for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
					c, err := node.Dial(context.Background(), "tcp", node.Node(id).Bootstrap())
					if err != nil && time.Since(begun) < time.Minute {
						continue // it does not listen yet
					}
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close() //nolint:errcheck // its answer was read
					if _, err := c.Write([]byte{0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 9, 0xff, 0xff, 0, 0, 0, 0}); err != nil {
						t.Error(err)
						return
					}
					var answer [8]byte
					if _, err := io.ReadFull(c, answer[:]); err != nil || answer[7] != 9 {
						t.Errorf("node %d answers Metadata with %v: %v", id, answer, err)
					}
					return
				}
			})
		}
		node.OpenAll()
		clients.Wait()
	})
}

// TestClusterCoordinatorMoves: a commit that was acknowledged is what the next coordinator answers with.
func TestClusterCoordinatorMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node)
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		admin := kadm.NewClient(c)
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: "t", Partition: 0, At: 7, LeaderEpoch: -1})
		err := admin.CommitAllOffsets(context.Background(), "g", offsets)
		for created := time.Now(); kerr.IsRetriable(err) && time.Since(created) < time.Minute; time.Sleep(10 * time.Millisecond) {
			err = admin.CommitAllOffsets(context.Background(), "g", offsets) // the coordinator's node may not know the topic yet
		}
		if err != nil {
			t.Fatal(err)
		}
		found := admin.FindGroupCoordinators(context.Background(), "g")["g"]
		if found.Err != nil {
			t.Fatal(found.Err)
		}
		begun := time.Now()
		node.Node(int(found.NodeID)).Crash()
		var fetched kadm.OffsetResponses
		for err := error(nil); ; time.Sleep(50 * time.Millisecond) {
			next := clusterClient(t, node) // this one knows no coordinator yet
			if fetched, err = kadm.NewClient(next).FetchOffsets(context.Background(), "g"); err == nil {
				next.Close()
				break
			}
			next.Close()
			if time.Since(begun) > time.Minute {
				t.Fatal(err)
			}
		}
		t.Logf("the coordinator, node %d, crashed; the next one answered after %v", found.NodeID, time.Since(begun))
		if o, ok := fetched.Lookup("t", 0); !ok || o.At != 7 {
			t.Fatalf("the next coordinator knows %+v, offset 7 was acknowledged", fetched)
		}
	})
}

// TestClusterFollowerIsCutOff: a follower that the leader does not hear leaves the ISR and comes back, and production goes
// on without it.
func TestClusterFollowerIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Set("replica.lag.time.max.ms", "2000"))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		produceAll(t, c, "t", 0, 0, 10)
		p := partitionOf(t, c, "t", 0)
		follower := 0
		for _, r := range p.ISR {
			if r != p.Leader && int(r) != node.Controller() { // a leader that does not hear the controller would be fenced
				follower = int(r)
			}
		}
		node.CutLink(follower, int(p.Leader))
		produceAll(t, c, "t", 0, 10, 20)
		awaitISR(t, c, "t", 0, 2)
		if now := node.Leader("t", 0); now != int(p.Leader) {
			t.Errorf("node %d leads, it was node %d", now, p.Leader)
		}
		node.HealLinks()
		awaitISR(t, c, "t", 0, 3)
		produceAll(t, c, "t", 0, 20, 30)
		consumeAll(t, node, "t", 0, 30)
	})
}

// TestClusterControllerCrashes: topics are created soon after.
func TestClusterControllerCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node)
		defer c.Close()
		createReplicated(t, c, "before", 1, 3)
		controller := node.Controller()
		begun := time.Now()
		node.Node(controller).Crash()
		createReplicated(t, c, "after", 1, 2)
		t.Logf("the controller, node %d, crashed; a topic was created after %v", controller, time.Since(begun))
	})
}

// TestClusterOnDisk has three nodes on loopback with real files, each in a folder of its own.
func TestClusterOnDisk(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cluster := skeintest.Start(t, skeintest.Nodes(3))
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.Bootstraps()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(ctx, 1, 3, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte("v")}).FirstErr(); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		cluster.Node(2).Stop()
		cluster.Node(2).Open()
	}
}
