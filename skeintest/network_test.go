package skeintest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// produceOne sends a record and tells when it is acknowledged.
func produceOne(t *testing.T, c *kgo.Client, topic, value string) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	c.Produce(context.Background(), &kgo.Record{Topic: topic, Value: []byte(value)}, func(_ *kgo.Record, err error) { done <- err })
	return done
}

// TestPauseHoldsEverythingBack: as long as a node is paused nothing is acknowledged, however long that is, and no
// connection ends by it; then everything is.
func TestPauseHoldsEverythingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		c := client(t, node, kgo.RequestTimeoutOverhead(5*time.Minute))
		defer c.Close()
		produce(t, c, "orders", 1)
		node.Pause()
		done := produceOne(t, c, "orders", "v")
		time.Sleep(2 * time.Minute)
		select {
		case err := <-done:
			t.Fatalf("a node that is paused answers: %v", err)
		default:
		}
		node.Resume()
		begun := time.Now()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("after the pause the answer took %v", took)
		}
	})
}

// TestPausedLeaderIsReplaced: the other nodes take over what it leads, and it comes back as a follower.
func TestPausedLeaderIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		awaitISR(t, c, "t", 0, 3)
		produceAll(t, c, "t", 0, 0, 10)
		leader := node.Leader("t", 0)
		node.Node(leader).Pause()
		begun := time.Now()
		produceAll(t, c, "t", 0, 10, 20)
		t.Logf("node %d is paused; the next record was acknowledged after %v", leader, time.Since(begun))
		if now := node.Leader("t", 0); now == leader {
			t.Errorf("node %d is paused and leads", now)
		}
		node.Node(leader).Resume()
		awaitISR(t, c, "t", 0, 3)
		produceAll(t, c, "t", 0, 20, 30)
		consumeAll(t, node, "t", 0, 30)
	})
}

// TestIsolatedLeaderAcknowledgesNothing: clients reach a leader that its cluster has lost. What it takes is acknowledged
// by the next leader only.
func TestIsolatedLeaderAcknowledgesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		awaitISR(t, c, "t", 0, 3)
		produceAll(t, c, "t", 0, 0, 10)
		leader := node.Leader("t", 0)
		node.Node(leader).Isolate()
		begun := time.Now()
		produceAll(t, c, "t", 0, 10, 20)
		t.Logf("node %d is cut off; the next record was acknowledged after %v", leader, time.Since(begun))
		node.HealLinks()
		awaitISR(t, c, "t", 0, 3)
		if now := node.Leader("t", 0); now == leader {
			t.Logf("node %d leads again", now)
		}
		produceAll(t, c, "t", 0, 20, 30)
		consumeAll(t, node, "t", 0, 30)
	})
}

// TestCutLinkIsOneWay: a follower that the leader cannot send to falls behind, while the leader hears it.
func TestCutLinkIsOneWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Set("replica.lag.time.max.ms", "2000"))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		awaitISR(t, c, "t", 0, 3)
		controller := node.Controller()
		node.MoveLeader("t", 0, controller) // a leader without its controller would be fenced
		follower := controller%3 + 1
		node.CutLink(controller, follower)
		produceAll(t, c, "t", 0, 0, 10)
		awaitISR(t, c, "t", 0, 2)
		node.HealLink(controller, follower)
		awaitISR(t, c, "t", 0, 3)
		consumeAll(t, node, "t", 0, 10)
	})
}

// TestKilledNodeKeepsWhatItWrote: kill -9 loses nothing that was written, synced or not.
func TestKilledNodeKeepsWhatItWrote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Set("log.flush.interval.messages", "9223372036854775807"))
		c := client(t, node)
		defer c.Close()
		produce(t, c, "orders", 100)
		node.Kill()
		node.Open()
		reader := client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer reader.Close()
		consume(t, reader, 100)
	})
}
