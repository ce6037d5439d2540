package partition_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// describe asks a node for its replica of the test's partition.
func (c *cluster) describe(id metadata.NodeID) *protocol.DescribeReplicasResponsePartition {
	c.t.Helper()
	request := protocol.NewDescribeReplicasRequest()
	request.Topics = []protocol.DescribeReplicasRequestTopic{{TopicID: topicID, Partitions: []int32{0, 0}}}
	r, ok := c.call(id, request, "PLAINTEXT").(*protocol.DescribeReplicasResponse)
	if !ok || r.NodeID != int32(id) || len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 {
		c.t.Fatalf("node %d answers %+v", id, r)
	}
	return &r.Topics[0].Partitions[0]
}

// standing is what the leader says of a replica: its word, how far behind it is, and for how long.
func (c *cluster) standing(leader, of metadata.NodeID) (text string, since time.Time) {
	p := c.describe(leader)
	for _, r := range p.Replicas {
		if r.NodeID == int32(of) {
			return fmt.Sprintf("%s %t %d", r.Standing, r.InSync, p.LogEndOffset-r.DurableEndOffset), time.UnixMilli(r.SinceMs)
		}
	}
	return "not there", time.Time{}
}

// TestDescribeReplicas: each replica says how far it is, and the leader why it is in the ISR or out of it and since when.
func TestDescribeReplicas(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		leader := c.describe(1)
		if leader.LeaderID != 1 || leader.LogEndOffset != 1 || leader.DurableEndOffset != 1 || leader.HighWatermark != 1 || len(leader.Replicas) != 3 {
			t.Errorf("the leader says %+v", leader)
		}
		if follower := c.describe(3); follower.LeaderID != 1 || follower.LogEndOffset != 1 || follower.DurableEndOffset != 1 || len(follower.Replicas) != 0 {
			t.Errorf("the follower says %+v", follower)
		}
		if text, _ := c.standing(1, 3); text != "in true 0" {
			t.Errorf("at first node 3 is %s", text)
		}
		c.sever(1, 3)
		last := time.Now()
		held := c.produce(1, "b")
		c.want(held, 2*lagMax)
		c.want(c.produce(1, "c"), time.Second)
		text, since := c.standing(1, 3)
		if away := since.Sub(last).Abs(); text != "behind false 2" || away > 100*time.Millisecond {
			t.Errorf("cut off at %v node 3 is %s since %v", last, text, since)
		}
		if own := c.describe(3); own.LogEndOffset != 1 || own.LeaderID != 1 {
			t.Errorf("cut off it says %+v", own)
		}
		c.join(1, 3)
		c.wantISR(5*time.Second, 1, 2, 3)
		if text, _ := c.standing(1, 3); text != "in true 0" {
			t.Errorf("at last node 3 is %s", text)
		}
		c.sever(2, 3) // a new leader that has not heard of one replica
		c.change(partitionChange(2, 1, 2))
		c.want(c.produce(2, "d"), time.Second)
		if text, since := c.standing(2, 3); text != "silent false 4" || since.UnixMilli() != -1 {
			t.Errorf("the next leader says that node 3 is %s since %v", text, since)
		}
		c.join(2, 3)
	})
}

// TestDescribeReplicasThatAreNotThere: what is asked for and not held is answered with why; nothing is answered twice.
func TestDescribeReplicasThatAreNotThere(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		request := protocol.NewDescribeReplicasRequest()
		request.Topics = []protocol.DescribeReplicasRequestTopic{{TopicID: topicID, Partitions: []int32{0, 7}}, {TopicID: protocol.UUID{9}, Partitions: []int32{0}},
			{TopicID: topicID, Partitions: []int32{7, 0}}}
		r := c.call(2, request, "PLAINTEXT").(*protocol.DescribeReplicasResponse)
		if len(r.Topics) != 2 || len(r.Topics[0].Partitions) != 2 {
			t.Fatalf("answered %+v", r)
		}
		for i, want := range []protocol.Code{protocol.None, protocol.UnknownTopicOrPartition} {
			if p := r.Topics[0].Partitions[i]; p.ErrorCode != want || (p.ErrorMessage == nil) != (want == protocol.None) {
				t.Errorf("partition %d: %+v, want %s", p.PartitionIndex, p, want)
			}
		}
		if p := r.Topics[1].Partitions[0]; p.ErrorCode != protocol.UnknownTopicID || p.LogEndOffset != -1 {
			t.Errorf("the unknown topic: %+v", p)
		}
		many := protocol.NewDescribeReplicasRequest()
		many.Topics = []protocol.DescribeReplicasRequestTopic{{TopicID: topicID, Partitions: make([]int32, 100_001)}}
		if r := c.call(2, many, "PLAINTEXT").(*protocol.DescribeReplicasResponse); r.ErrorCode != protocol.InvalidRequest || len(r.Topics) != 0 {
			t.Errorf("too many are answered with %s and %d topics", r.ErrorCode, len(r.Topics))
		}
	})
}

// TestHostView counts roles, waits and fetchers of a leader and of a follower, one of whom is cut off.
func TestHostView(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		leader, follower := c.nodes[0].host.View(), c.nodes[2].host.View()
		if leader.Led != 1 || leader.Followed != 0 || leader.LogEnd != 1 || leader.UnderReplicated != 0 || len(leader.Fetchers) != 0 {
			t.Errorf("the leader: %+v", leader)
		}
		if follower.Led != 0 || follower.Followed != 1 || len(follower.Fetchers) != 1 {
			t.Fatalf("a follower: %+v", follower)
		}
		if f := follower.Fetchers[0]; f.Leader != 1 || f.Partitions != 1 || f.Paused != 0 || !f.InFlight || f.Failures != 0 || f.Lag != 0 {
			t.Errorf("its fetcher: %+v", f)
		}
		c.sever(1, 3)
		held := c.produce(1, "b")
		time.Sleep(lagMax / 2)
		if v := c.nodes[0].host.View(); v.Committed != 1 {
			t.Errorf("a produce waits for a replica that is cut off: %+v", v)
		}
		c.want(held, 2*lagMax)
		if v := c.nodes[0].host.View(); v.UnderReplicated != 1 || v.UnderMinISR != 0 || v.Committed != 0 {
			t.Errorf("the leader without one: %+v", v)
		}
		if f := c.nodes[2].host.View().Fetchers[0]; f.Failures == 0 {
			t.Errorf("the fetcher that is cut off: %+v", f)
		}
		c.sever(1, 2)
		held = c.produce(1, "c")
		c.wantISR(3*lagMax, 1)
		if v := c.nodes[0].host.View(); v.UnderMinISR != 1 {
			t.Errorf("the leader alone: %+v", v)
		}
		c.join(1, 2)
		c.join(1, 3)
		c.wantISR(10*time.Second, 1, 2, 3)
		c.want(held, time.Second)
	})
}
