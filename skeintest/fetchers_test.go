package skeintest_test

import (
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// TestClusterWithSeveralFetchers: partitions are spread over num.replica.fetchers, and all of them are replicated, also when
// their leader is another.
func TestClusterWithSeveralFetchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Set("num.replica.fetchers", "3"))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 6, 3)
		for partition := range int32(6) {
			awaitISR(t, c, "t", partition, 3)
			produceAll(t, c, "t", partition, 0, 10)
		}
		leader := node.Leader("t", 0)
		node.Node(leader).Crash()
		for partition := range int32(6) {
			produceAll(t, c, "t", partition, 10, 20)
		}
		node.Node(leader).Open()
		for partition := range int32(6) {
			awaitISR(t, c, "t", partition, 3)
			consumeAll(t, node, "t", partition, 20)
		}
	})
}
