package skeintest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// servers notes by which node a consumer's records were served.
type servers struct {
	mu   sync.Mutex
	last int32
}

// OnFetchBatchRead implements kgo.HookFetchBatchRead.
func (s *servers) OnFetchBatchRead(node kgo.BrokerMetadata, _ string, _ int32, _ kgo.FetchBatchMetrics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = node.NodeID
}

func (s *servers) node() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.last)
}

// TestClusterServesFromTheConsumersRack: a consumer of another family that names its rack reads from the follower there, no
// later than from the leader, and from the leader again when that follower is dead (KIP-392). franz-go asks the leader anew
// only when its interval is over, also when the follower cannot be reached.
func TestClusterServesFromTheConsumersRack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Racks("a", "b", "c"),
			skeintest.Set("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector"))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		awaitISR(t, c, "t", 0, 3)
		produceAll(t, c, "t", 0, 0, 10)
		leader, near := node.Leader("t", 0), 0
		for near = 1; near == leader || near == node.Controller(); {
			near++
		}

		served := &servers{}
		reader := clusterClient(t, node, kgo.Rack(string(rune('a'+near-1))), kgo.WithHooks(served), kgo.RecheckPreferredReplicaInterval(20*time.Second),
			kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"t": {0: kgo.NewOffset().AtStart()}}))
		defer reader.Close()
		next := 0
		readTo := func(end int) {
			t.Helper()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			for next < end {
				fetched := reader.PollFetches(ctx)
				if ctx.Err() != nil {
					t.Fatalf("after %d of %d records: %v", next, end, ctx.Err())
				}
				fetched.EachRecord(func(r *kgo.Record) {
					if want := fmt.Sprintf("v%d", next); string(r.Value) != want {
						t.Fatalf("offset %d holds %q instead of %q", r.Offset, r.Value, want)
					}
					next++
				})
			}
		}
		readTo(10)
		if served.node() != near {
			t.Errorf("the consumer is in the rack of node %d, the leader is node %d, and node %d serves it", near, leader, served.node())
		}
		time.Sleep(5 * time.Second) // everybody waits
		begun := time.Now()
		produceAll(t, c, "t", 0, 10, 11)
		readTo(11)
		if took := time.Since(begun); took > 100*time.Millisecond || served.node() != near {
			t.Errorf("a record reached the consumer after %v, by node %d, want node %d", took, served.node(), near)
		}

		begun = time.Now()
		node.Node(near).Crash()
		produceAll(t, c, "t", 0, 11, 20)
		readTo(20)
		t.Logf("node %d, which served, crashed; node %d goes on after %v", near, served.node(), time.Since(begun))
		if served.node() == near {
			t.Errorf("node %d is dead and serves", near)
		}
	})
}
