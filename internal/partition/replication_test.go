package partition_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// inBubble runs a test on a cluster of three.
func inBubble(t *testing.T, f func(t *testing.T, c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		defer c.close()
		f(t, c)
	})
}

// TestFollowersCopyTheLeader: what is acknowledged with acks=all is on every replica, the same bytes.
func TestFollowersCopyTheLeader(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		for i := range 50 {
			c.want(c.produce(1, fmt.Sprint(i)), time.Second)
		}
		c.wantEqual(time.Second, 1, 2, 3)
		for _, id := range []metadata.NodeID{2, 3} {
			if _, err := c.on(id).Append(batchOf(t, "x"), commitlog.Client, partition.AcksAll); protocol.CodeOf(err) != protocol.NotLeaderOrFollower {
				t.Errorf("append on follower %d: %v", id, err)
			}
		}
		for _, r := range c.on(1).Replicas() {
			if !r.InSync || r.DurableEnd != 50 || r.LogEnd != 50 {
				t.Errorf("replica %+v", r)
			}
		}
	})
}

// TestAFollowerIsWokenByAnAppend: a fetch that waits is answered when a record comes, not when the wait is over.
func TestAFollowerIsWokenByAnAppend(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "first"), time.Second)
		time.Sleep(2 * time.Second) // all are waiting
		began := time.Now()
		c.want(c.produce(1, "second"), 100*time.Millisecond)
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("a produce took %v", took)
		}
	})
}

// TestAPartitionThatJoinsIsFetchedAtOnce: the fetch that is in flight, and would wait for half a second, is answered.
func TestAPartitionThatJoinsIsFetchedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "first"), time.Second)
		time.Sleep(2*time.Second + 10*time.Millisecond) // all are waiting, and have just begun to
		id := protocol.UUID{15: 2}
		began := time.Now()
		c.change(&protocol.TopicRecord{Name: "u", TopicID: id},
			&protocol.PartitionRecord{TopicID: id, Replicas: []int32{1, 2, 3}, Isr: []int32{1, 2, 3}, Leader: 1})
		u := c.nodes[0].host.Find("u", 0)
		if _, err := u.Append(batchOf(t, "x"), commitlog.Client, partition.AcksAll); err != nil {
			t.Fatal(err)
		}
		for u.HighWatermark() < 1 && time.Since(began) < time.Second {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("the first record of a new partition is committed after %v", took)
		}
	})
}

// TestAnotherLeads: the produces that wait fail, and the new leader goes on from the same log.
func TestAnotherLeads(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		c.sever(1, 2)
		c.sever(1, 3)
		waiting := c.produce(1, "never copied")
		c.change(partitionChange(2, 2, 3))
		synctest.Wait()
		if ended, err := waiting.result(); !ended || protocol.CodeOf(err) != protocol.NotLeaderOrFollower {
			t.Errorf("a produce that waits for a leader that is none any more: ended %v, %v", ended, err)
		}
		c.want(c.produce(2, "b"), time.Second)
		c.want(c.produce(2, "c"), time.Second)
		c.join(1, 2)
		c.wantISR(5*time.Second, 1, 2, 3)
		c.wantEqual(time.Second, 1, 2, 3)
		if epochs := c.on(1).Log().Epochs(); len(epochs) != 2 || epochs[1].Start != 1 {
			t.Errorf("the old leader has the epochs %v", epochs)
		}
	})
}

// TestDivergedInTwoEpochs has a log with records of two epochs that nobody else has: it is cut twice (KIP-279).
func TestDivergedInTwoEpochs(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		for _, other := range []metadata.NodeID{2, 3} {
			c.sever(1, other)
		}
		c.produce(1, "lost 1")
		c.produce(1, "lost 2")
		c.change(partitionChange(1, 1, 2, 3)) // the same leader, another epoch
		c.produce(1, "lost 3")
		c.change(partitionChange(3, 2, 3))
		c.want(c.produce(3, "b"), time.Second)
		c.change(partitionChange(2, 2, 3))
		c.want(c.produce(2, "c"), 2*time.Second)
		c.join(1, 2)
		c.wantISR(5*time.Second, 1, 2, 3)
		c.wantEqual(time.Second, 1, 2, 3)
	})
}

// TestACutMeetsDamage: a replica that has to cut its log finds that it is damaged. It says so and is refilled, and the log directory
// stays in use.
func TestACutMeetsDamage(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		c.sever(1, 2)
		c.sever(1, 3)
		c.produce(1, "never copied")
		c.change(partitionChange(2, 2, 3))
		c.want(c.produce(2, "b"), time.Second)
		if err := c.nodes[0].files.Flip("t-0/00000000000000000000.log", 8*16); err != nil { // the magic of "a"
			t.Fatal(err)
		}
		c.join(1, 2)
		c.wantISR(10*time.Second, 1, 2, 3)
		c.wantEqual(time.Second, 1, 2, 3)
		if len(c.losses) != 1 || c.losses[0] != 1 {
			t.Errorf("the nodes %v have said that they lost something, want node 1", c.losses)
		}
		if err := c.nodes[0].dir.Offline(); err != nil {
			t.Error(err)
		}
	})
}

// TestALeaderThatWroteNothing: the follower has records of an epoch in which the new leader has none, and whose end only the
// beginning of the leader's own epoch tells.
func TestALeaderThatWroteNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		c.change(partitionChange(2, 1, 2, 3))
		c.sever(2, 1)
		c.sever(2, 3)
		c.produce(2, "lost")
		c.change(partitionChange(3, 1, 3)) // node 3 has nothing of epoch 1
		c.join(2, 3)
		c.wantEqual(5*time.Second, 2, 3)
		if end := c.on(2).LogEnd(); end != 1 {
			t.Errorf("the log of node 2 ends at %d, want 1", end)
		}
	})
}

// TestWhoIsCutOffLeavesAndComesBack: nothing is committed while a silent replica may hold less, until it has left; it
// comes back by itself.
func TestWhoIsCutOffLeavesAndComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.sever(1, 3)
		held := c.produce(1, "b")
		time.Sleep(lagMax / 2)
		if ended, err := held.result(); ended {
			t.Errorf("a produce is answered, %v, while a replica of the ISR has not got it", err)
		}
		c.want(held, 2*lagMax)
		c.wantISR(0, 1, 2)
		for i := range 20 {
			c.want(c.produce(1, fmt.Sprint(i)), time.Second)
		}
		c.join(1, 3)
		c.wantISR(5*time.Second, 1, 2, 3)
		c.want(c.produce(1, "z"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
	})
}

// TestUnderTheMinimum: with too few in sync a produce is refused, and nothing is committed.
func TestUnderTheMinimum(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.sever(1, 2)
		c.sever(1, 3)
		held := c.produce(1, "b")
		c.wantISR(3*lagMax, 1)
		refused := c.produce(1, "c")
		if _, err := refused.result(); protocol.CodeOf(err) != protocol.NotEnoughReplicas {
			t.Errorf("a produce under min.insync.replicas: %v", err)
		}
		if ended, err := held.result(); ended || c.on(1).HighWatermark() != 1 {
			t.Errorf("under min.insync.replicas: ended %v, %v, high watermark %d", ended, err, c.on(1).HighWatermark())
		}
		c.join(1, 2)
		c.want(held, 5*time.Second)
		c.wantISR(time.Second, 1, 2)
	})
}

// TestTheControllerDoesNotAnswer: a proposal is made again, and both outcomes are waited for meanwhile.
func TestTheControllerDoesNotAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.mu.Lock()
		c.deaf = true
		c.mu.Unlock()
		c.sever(1, 3)
		held := c.produce(1, "a")
		time.Sleep(4 * lagMax)
		if ended, err := held.result(); ended {
			t.Errorf("a produce is answered, %v, while the controller has not agreed that a replica leaves", err)
		}
		c.mu.Lock()
		c.deaf = false
		c.mu.Unlock()
		c.want(held, 3*time.Second)
		c.wantISR(0, 1, 2)
	})
}

// TestPowerGoesAtAFollower: what it reported as durable is there; the rest comes again from the leader.
func TestPowerGoesAtAFollower(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		for i := range 20 {
			c.want(c.produce(1, fmt.Sprint(i)), time.Second)
		}
		n := c.nodes[1]
		n.stop(true)
		c.change(partitionChange(metadata.NoNode, 1, 3))
		for i := range 20 {
			c.want(c.produce(1, fmt.Sprint("more ", i)), time.Second)
		}
		n.open()
		n.register()
		if end := c.on(2).LogEnd(); end < 20 {
			t.Errorf("node 2 has %d records after the crash; it had reported 20", end)
		}
		c.wantISR(5*time.Second, 1, 2, 3)
		c.wantEqual(time.Second, 1, 2, 3)
	})
}

// TestPowerGoesEverywhere: all lose what was not synced at once, and nothing that was acknowledged is missing.
func TestPowerGoesEverywhere(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		for i := range 10 {
			c.want(c.produce(1, fmt.Sprint(i)), time.Second)
		}
		c.sever(1, 3)
		c.produce(1, "not acknowledged")
		for _, n := range c.nodes {
			n.stop(true)
		}
		c.join(1, 3)
		for _, n := range c.nodes {
			n.open()
			n.register()
		}
		c.change(partitionChange(2, 1, 2, 3))
		c.want(c.produce(2, "after"), 5*time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		if end := c.on(2).LogEnd(); end < 11 {
			t.Errorf("the log ends at %d, 11 records were acknowledged", end)
		}
	})
}

// TestAnEarlierProcessLeadsNothing: as long as the image speaks of the process before, nobody is served: that one may have
// written records that this one has lost, in the same leader epoch.
func TestAnEarlierProcessLeadsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		n := c.nodes[0]
		n.stop(true)
		n.open()
		c.change(protocol.NewNoOpRecord()) // any image from before the registration
		if _, err := c.on(1).Append(batchOf(t, "x"), commitlog.Client, partition.AcksLeader); protocol.CodeOf(err) != protocol.NotLeaderOrFollower {
			t.Errorf("an append before the registration: %v", err)
		}
		n.register()
		c.change(partitionChange(1, 1, 2, 3))
		c.want(c.produce(1, "b"), 5*time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
	})
}

// TestAFollowerThatIsRegisteredAnew in the same process comes back into the ISR though nothing is produced any more: its leader
// takes it for another process, and has to be told again what is durable there.
func TestAFollowerThatIsRegisteredAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.wantISR(time.Second, 1, 2, 3)
		c.nodes[2].register()
		c.change(partitionChange(metadata.NoNode, 1, 2)) // its session had ended
		c.wantISR(5*time.Second, 1, 2, 3)
	})
}

// TestDeletedRecordsAreDeletedOnFollowers, also on one that was away while they were.
func TestDeletedRecordsAreDeletedOnFollowers(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.sever(1, 3)
		c.change(partitionChange(metadata.NoNode, 1, 2))
		for i := range 10 {
			c.want(c.produce(1, fmt.Sprint(i)), time.Second)
		}
		if _, err := c.on(1).DeleteRecords(7); err != nil {
			t.Fatal(err)
		}
		c.join(1, 3)
		c.wantISR(5*time.Second, 1, 2, 3)
		c.want(c.produce(1, "z"), time.Second)
		c.wantEqual(time.Second, 1, 3)
		for _, id := range []metadata.NodeID{1, 2, 3} {
			if start := c.on(id).LogStart(); start != 7 {
				t.Errorf("the log of node %d begins at %d, want 7", id, start)
			}
		}
	})
}

// TestDeletedRecordsDoNotComeBack: whoever deletes records hears of it when the replicas in sync have deleted them.
func TestDeletedRecordsDoNotComeBack(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		for i := range 10 {
			c.want(c.produce(1, fmt.Sprint(i)), time.Second)
		}
		c.sever(1, 2)
		start, err := c.on(1).DeleteRecords(7)
		if err != nil {
			t.Fatal(err)
		}
		var confirmed atomic.Bool
		c.on(1).OnDeleted(start, func(err error) { confirmed.Store(err == nil) })
		time.Sleep(time.Second)
		if deleted := confirmed.Load(); deleted || c.on(3).LogStart() != 7 {
			t.Errorf("confirmed %v while node 2 has not heard of it; the log of node 3 begins at %d", deleted, c.on(3).LogStart())
		}
		c.join(1, 2)
		time.Sleep(3 * time.Second)
		if deleted := confirmed.Load(); !deleted || c.on(2).LogStart() != 7 {
			t.Errorf("confirmed %v, the log of node 2 begins at %d", deleted, c.on(2).LogStart())
		}
	})
}

// TestAReplicaThatMovesAwayIsDeleted.
func TestAReplicaThatMovesAwayIsDeleted(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		r := partitionChange(metadata.NoNode, 1, 2)
		r.Replicas = []int32{1, 2}
		gone := c.on(3)
		c.change(r)
		if c.on(3) != nil || len(c.nodes[2].host.All()) != 0 {
			t.Error("node 3 still hosts the partition")
		}
		if err := gone.CheckEpoch(record.NoLeaderEpoch); protocol.CodeOf(err) != protocol.NotLeaderOrFollower {
			t.Errorf("the partition that moved away says %v", err)
		}
		c.want(c.produce(1, "b"), time.Second)
		c.wantEqual(time.Second, 1, 2)
		if _, err := c.nodes[2].files.Stat("t-0"); err == nil {
			t.Error("its folder is still there")
		}
	})
}

// TestHighWatermarksSurvive a restart, so that a follower that is elected need not begin with nothing.
func TestHighWatermarksSurvive(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		for i := range 5 {
			c.want(c.produce(1, fmt.Sprint(i)), time.Second)
		}
		c.wantEqual(time.Second, 1, 2, 3)
		n := c.nodes[1]
		n.stop(false)
		n.open()
		n.register()
		if hw := c.on(2).HighWatermark(); hw != 5 {
			t.Errorf("the high watermark of node 2 is %d after its restart, want 5", hw)
		}
	})
}

// TestTheEndIsNotAvailableAtFirst: a new leader does not tell a smaller end than the one before told.
func TestTheEndIsNotAvailableAtFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		time.Sleep(time.Second) // followers know that
		c.want(c.produce(1, "b"), time.Second)
		before, err := c.on(1).Find(partition.LatestTimestamp)
		if err != nil {
			t.Fatal(err)
		}
		c.sever(2, 3)
		c.sever(2, 1)
		c.change(partitionChange(2, 2, 3))
		if found, err := c.on(2).Find(partition.LatestTimestamp); err == nil && found.Offset < before.Offset || err != nil && protocol.CodeOf(err) != protocol.OffsetNotAvailable {
			t.Errorf("the end was %d and is now %d, %v", before.Offset, found.Offset, err)
		}
		c.join(2, 3)
		c.want(c.produce(2, "c"), 5*time.Second)
		if found, err := c.on(2).Find(partition.LatestTimestamp); err != nil || found.Offset != 3 {
			t.Errorf("the end is %d, %v, want 3", found.Offset, err)
		}
	})
}

// TestAFollowerIsToldThatItsLogMatches: in a session only news is told, and that a log is the leader's again after a cut, or in a
// new epoch, is news though no end has moved. Until it hears so a follower says nothing of what it has durably, and the leader
// waits for that.
func TestAFollowerIsToldThatItsLogMatches(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		c.sever(1, 2) // this test speaks for node 2
		c.change(partitionChange(1, 1, 2, 3))
		request := protocol.NewFetchRequest()
		request.ReplicaState.ReplicaID, request.ReplicaState.ReplicaEpoch = 2, c.nodes[1].epoch.Load()
		request.SessionEpoch = 0
		ask := func(end int64, epoch int32) *protocol.FetchResponsePartitionData {
			t.Helper()
			p := protocol.NewFetchRequestPartition()
			p.FetchOffset, p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.PartitionMaxBytes = end, epoch, 0, 1<<20
			request.Topics = []protocol.FetchRequestTopic{{TopicID: topicID, Partitions: []protocol.FetchRequestPartition{p}}}
			answer := c.call(1, request, "PLAINTEXT").(*protocol.FetchResponse)
			if answer.ErrorCode != protocol.None || answer.SessionID == 0 {
				t.Fatalf("the fetch is answered with %+v", answer)
			}
			request.SessionID, request.SessionEpoch = answer.SessionID, request.SessionEpoch+1
			if len(answer.Responses) == 0 {
				return nil
			}
			return &answer.Responses[0].Partitions[0]
		}
		if p := ask(1, 1); p == nil || p.HighWatermark != 1 {
			t.Fatalf("a session begins with %+v", p)
		}
		if p := ask(1, 1); p != nil {
			t.Errorf("nothing is new, and %+v is told", p)
		}
		if p := ask(3, 1); p == nil || p.DivergingEpoch.EndOffset != 1 {
			t.Fatalf("a log that went another way is told %+v", p)
		}
		if p := ask(1, 1); p == nil || p.DivergingEpoch.Epoch >= 0 {
			t.Errorf("a log that was cut is told %+v", p)
		}
		c.change(partitionChange(1, 1, 2, 3))
		if p := ask(1, 2); p == nil || p.HighWatermark != 1 {
			t.Errorf("in a new epoch %+v is told", p)
		}
	})
}

// TestAnIdlePartitionSettlesAtOnce: a new leader needs to hear what its followers have durably before it can say how far the log is
// committed, and they need to hear that their logs are as the leader's. Neither waits for replica.fetch.wait.max.ms.
func TestAnIdlePartitionSettlesAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		leader := metadata.NodeID(1)
		for n, next := range []metadata.NodeID{2, 3, 1, 2} {
			c.want(c.produce(leader, "a"), time.Second)
			c.change(partitionChange(next, 1, 2, 3)) // which does not know yet that this is committed
			leader = next
			time.Sleep(100 * time.Millisecond) // of the bubble; the wait is 500 ms
			if !c.on(next).Settled() || int(c.on(next).HighWatermark()) != n+1 {
				t.Errorf("node %d is settled: %v, with the high watermark %d, want %d", next, c.on(next).Settled(), c.on(next).HighWatermark(), n+1)
			}
		}
	})
}

// TestPageCacheMode: where an append counts before it is synced, it does so on every replica.
func TestPageCacheMode(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		many := "1000000"
		c.change(&protocol.ConfigRecord{ResourceType: int8(metadata.TopicResource), ResourceName: "t", Name: "flush.messages", Value: &many})
		for i := range 20 {
			c.want(c.produce(1, fmt.Sprint(i)), time.Second)
		}
		c.wantEqual(time.Second, 1, 2, 3)
		if synced := c.on(2).Log().SyncedEnd(); synced == 20 {
			t.Error("node 2 has synced each record")
		}
	})
}

// TestStrangersMoveNothing: who is no replica, or an earlier process of one, or comes by a listener for clients, is refused and
// moves no high watermark (CVE-2018-1288).
func TestStrangersMoveNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.change(partitionChange(metadata.NoNode, 1, 2))
		c.sever(1, 2)
		c.sever(1, 3)
		held := c.produce(1, "b")
		current := c.nodes[1].epoch.Load()
		for name, stranger := range map[string]struct {
			listener    string
			id          int32
			epoch       int64
			whole, part protocol.Code
		}{
			"unknown":             {listener: "PLAINTEXT", id: 9, epoch: 1, whole: protocol.InvalidRequest},
			"by another listener": {listener: "CLIENTS", id: 2, epoch: current, whole: protocol.ClusterAuthorizationFailed},
			"an earlier process":  {listener: "PLAINTEXT", id: 2, epoch: current - 1, part: protocol.NotLeaderOrFollower},
			"the leader itself":   {listener: "PLAINTEXT", id: 1, epoch: current, part: protocol.NotLeaderOrFollower},
		} {
			ends := protocol.NewReplicaDurableEndsRequest()
			ends.ReplicaID, ends.ReplicaEpoch = stranger.id, stranger.epoch
			ends.Topics = []protocol.ReplicaDurableEndsRequestTopic{{TopicID: topicID, Partitions: []protocol.ReplicaDurableEndsRequestPartition{{DurableEndOffset: 2}}}}
			answer := c.call(1, ends, stranger.listener).(*protocol.ReplicaDurableEndsResponse)
			if answer.ErrorCode != stranger.whole || stranger.whole == protocol.None && answer.Topics[0].Partitions[0].ErrorCode != stranger.part {
				t.Errorf("%s: durable ends are answered with %+v", name, answer)
			}
			fetch := protocol.NewFetchRequest()
			fetch.ReplicaState.ReplicaID, fetch.ReplicaState.ReplicaEpoch = stranger.id, stranger.epoch
			p := protocol.NewFetchRequestPartition()
			p.FetchOffset, p.CurrentLeaderEpoch, p.PartitionMaxBytes = 2, 0, 1<<20
			fetch.Topics = []protocol.FetchRequestTopic{{TopicID: topicID, Partitions: []protocol.FetchRequestPartition{p}}}
			got := c.call(1, fetch, stranger.listener).(*protocol.FetchResponse)
			if got.ErrorCode != stranger.whole || stranger.whole == protocol.None && got.Responses[0].Partitions[0].ErrorCode != stranger.part {
				t.Errorf("%s: a fetch is answered with %+v", name, got)
			}
		}
		if ended, err := held.result(); ended {
			t.Errorf("a produce is answered, %v, by what strangers said", err)
		}
	})
}
