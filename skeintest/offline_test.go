package skeintest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/skeintest"
)

// TestClusterLosesALogDirectory: a leader whose disk fails while its process goes on says so, and another leads at once, not
// when a session has ended.
func TestClusterLosesALogDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 6, 3)
		controller, partition := node.Controller(), int32(0)
		for node.Leader("t", partition) == controller {
			partition++
		}
		awaitISR(t, c, "t", partition, 3)
		produceAll(t, c, "t", partition, 0, 10)
		leader := node.Leader("t", partition)
		failing := node.Node(leader)
		failing.Disk().Inject(disk.Fault{Op: disk.OpSync, Count: -1, Err: errors.New("input/output error")})
		begun := time.Now()
		produceAll(t, c, "t", partition, 10, 20)
		took := time.Since(begun)
		t.Logf("the disk of node %d failed; node %d goes on after %v", leader, node.Leader("t", partition), took)
		if now := node.Leader("t", partition); now == leader || took > time.Second {
			t.Errorf("node %d leads after %v", now, took)
		}
		select {
		case <-failing.Broker().Done():
		case <-time.After(time.Second):
			t.Error("the node has lost its disk and does not end")
		}
		failing.Disk().ClearFaults()
		begun = time.Now()
		if err := failing.Broker().Close(); err == nil {
			t.Error("the node says nothing of its lost disk when it ends")
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("the node has taken %v to end", took)
		}
		failing.Crash()
		failing.Open()
		awaitISR(t, c, "t", partition, 3)
		consumeAll(t, node, "t", partition, 20)
	})
}
