package skeintest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// awaitEligible waits until a partition has these eligible leader replicas.
func awaitEligible(t *testing.T, c *kgo.Client, topic string, partition int32, want []int32) {
	t.Helper()
	var said any
	defer func() {
		if t.Failed() {
			t.Logf("%s-%d: the last answer was %+v", topic, partition, said)
		}
	}()
	eventually(t, fmt.Sprintf("the eligible replicas are %v", want), func() bool {
		request := kmsg.NewPtrDescribeTopicPartitionsRequest()
		named := kmsg.NewDescribeTopicPartitionsRequestTopic()
		named.Topic = topic
		request.Topics = append(request.Topics, named)
		answer, err := request.RequestWith(context.Background(), c)
		if said = err; err != nil || len(answer.Topics) != 1 || answer.Topics[0].ErrorCode != 0 {
			return false
		}
		p := answer.Topics[0].Partitions[partition]
		said = p
		return slices.Equal(p.EligibleLeaderReplicas, want)
	})
}

// TestVolatileNodeRestarts: where the page cache is good enough for an acknowledgement, a node that ended cleanly keeps its place
// among the replicas that may lead, and one that has lost its power does not (KIP-966).
func TestVolatileNodeRestarts(t *testing.T) {
	for name, crash := range map[string]bool{"cleanly": false, "after a crash": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Set("log.flush.interval.messages", "9223372036854775807"))
				c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
				defer c.Close()
				createReplicated(t, c, "t", 6, 2)
				controller, partition := int32(node.Controller()), int32(0)
				for slices.Contains(partitionOf(t, c, "t", partition).Replicas, controller) {
					partition++ // its two nodes are going to be cut off from each other, and not from the controller
				}
				awaitISR(t, c, "t", partition, 2)
				produceAll(t, c, "t", partition, 0, 10)
				p := partitionOf(t, c, "t", partition)
				leader, follower := int(p.Leader), 0
				for _, r := range p.Replicas {
					if int(r) != leader {
						follower = int(r)
					}
				}
				node.CutLink(follower, leader)
				node.CutLink(leader, follower)
				if crash {
					node.Node(follower).Crash()
				} else {
					node.Node(follower).Stop()
				}
				awaitISR(t, c, "t", partition, 1)
				awaitEligible(t, c, "t", partition, []int32{int32(follower)})
				node.Node(follower).Open()
				time.Sleep(time.Second)
				want := []int32{int32(follower)}
				if crash {
					want = nil
				}
				awaitEligible(t, c, "t", partition, want)
				node.HealLinks()
				awaitISR(t, c, "t", partition, 2)
				produceAll(t, c, "t", partition, 10, 12)
				consumeAll(t, node, "t", partition, 12)
			})
		})
	}
}
