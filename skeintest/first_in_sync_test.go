package skeintest_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// TestFirstInSyncNeedNotHaveTheMost: a follower reads up to the leader's log end, a consumer up to the high watermark. So in-sync replicas
// can differ in what nobody was told of. When the leader dies, the first of them leads, whoever has more: what only the other had is
// gone, and what was committed is there.
func TestFirstInSyncNeedNotHaveTheMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		admin := kadm.NewClient(c)
		createReplicated(t, c, "t", 6, 3)
		partition := int32(0)
		for partitionOf(t, c, "t", partition).Replicas[0] == int32(node.Controller()) {
			partition++
		}
		produceAll(t, c, "t", partition, 0, 3)
		awaitISR(t, c, "t", partition, 3)
		p := partitionOf(t, c, "t", partition)
		leader, first, second := p.Replicas[0], p.Replicas[1], p.Replicas[2]
		if p.Leader != leader {
			t.Fatalf("%+v", p)
		}
		node.CutLink(int(first), int(leader))
		node.CutLink(int(leader), int(first))
		hasty := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
		defer hasty.Close()
		produceAll(t, hasty, "t", partition, 3, 4) // which the leader alone acknowledges

		size := func(broker int32) int64 {
			dirs, err := admin.DescribeBrokerLogDirs(context.Background(), broker, kadm.TopicsSet{"t": {partition: {}}})
			if err != nil {
				t.Fatal(err)
			}
			found, ok := dirs.LookupPartition("t", partition)
			if !ok {
				t.Fatalf("broker %d has no t-%d", broker, partition)
			}
			return found.Size
		}
		eventually(t, "the second follower has what the leader has", func() bool { return size(second) == size(leader) })
		if less, more := size(first), size(second); less >= more {
			t.Errorf("the first in-sync follower has %d bytes, the second %d", less, more)
		}
		if isr := partitionOf(t, c, "t", partition).ISR; len(isr) != 3 {
			t.Errorf("in sync are %v", isr)
		}
		end := func() int64 {
			ends, err := admin.ListEndOffsets(context.Background(), "t")
			if err != nil {
				t.Fatal(err)
			}
			return ends["t"][partition].Offset
		}
		if at := end(); at != 3 {
			t.Errorf("consumers may read up to %d", at)
		}
		consumeAll(t, node, "t", partition, 3)

		node.Node(int(leader)).Kill()
		node.HealLinks()
		eventually(t, "the first in-sync follower leads", func() bool { return partitionOf(t, c, "t", partition).Leader == first })
		eventually(t, "its log is the log", func() bool { return size(second) == size(first) })
		if at := end(); at != 3 {
			t.Errorf("after the election consumers may read up to %d", at)
		}
		consumeAll(t, node, "t", partition, 3)
	})
}
