package skeintest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// TestSlowDisk: no acknowledgement comes sooner than the sync that it stands for.
func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		c := client(t, node)
		defer c.Close()
		produce(t, c, "orders", 1)
		node.SlowDisk(3 * time.Second)
		begun := time.Now()
		produce(t, c, "orders", 1)
		if took := time.Since(begun); took < 3*time.Second || took > 7*time.Second {
			t.Errorf("with a sync of 3 s a record takes %v", took)
		}
		node.SlowDisk(0)
		begun = time.Now()
		produce(t, c, "orders", 1)
		if took := time.Since(begun); took > 4*time.Second { // the slow one may be under way
			t.Errorf("a record takes %v", took)
		}
	})
}

// TestSlowFollower: with a slow disk on one of three, producers do not wait longer than until it has left the ISR.
func TestSlowFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Set("replica.lag.time.max.ms", "2000"))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		awaitISR(t, c, "t", 0, 3)
		leader := node.Leader("t", 0)
		slow := leader%3 + 1
		if slow == node.Controller() {
			slow = slow%3 + 1
		}
		node.Node(slow).SlowDisk(8 * time.Second)
		produceAll(t, c, "t", 0, 0, 50)
		awaitISR(t, c, "t", 0, 2)
		node.Node(slow).SlowDisk(0)
		awaitISR(t, c, "t", 0, 3)
		consumeAll(t, node, "t", 0, 50)
	})
}

// TestFailSync: the leader gives up when its disk fails, and what it had acknowledged is on the others.
func TestFailSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		awaitISR(t, c, "t", 0, 3)
		produceAll(t, c, "t", 0, 0, 10)
		leader := node.Node(node.Leader("t", 0))
		leader.FailSync()
		produceAll(t, c, "t", 0, 10, 20)
		<-leader.Broker().Done()
		if leader.Broker().Err() == nil {
			t.Error("the node does not say why it ended")
		}
		leader.Crash()
		produceAll(t, c, "t", 0, 20, 30)
		leader.Open()
		awaitISR(t, c, "t", 0, 3)
		consumeAll(t, node, "t", 0, 30)
	})
}

// TestFillDisk: a producer waits while the disk is full, and gets on by itself when there is room; reading goes on.
func TestFillDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory())
		c := client(t, node)
		defer c.Close()
		produce(t, c, "orders", 10)
		node.FillDisk(1 << 20)
		time.Sleep(2 * time.Second)
		done := produceOne(t, c, "orders", "v")
		time.Sleep(20 * time.Second)
		select {
		case err := <-done:
			t.Fatalf("a record was taken by a disk that is full: %v", err)
		default:
		}
		reader := client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer reader.Close()
		consume(t, reader, 10)
		node.FreeDisk()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestMoveClock: retention goes by the wall clock, sessions do not.
func TestMoveClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Set("log.roll.ms", "60000"),
			skeintest.Set("log.message.timestamp.type", "LogAppendTime"))
		c := client(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		defer c.Close()
		member := client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("g"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer member.Close()
		produce(t, c, "orders", 10)
		first := consume(t, member, 10)[0]
		id, generation := member.GroupMetadata()
		node.MoveClock(30 * 24 * time.Hour)
		produce(t, c, "orders", 1)
		if late := consume(t, member, 1)[0]; late.Timestamp.Sub(first.Timestamp) < 30*24*time.Hour {
			t.Errorf("the record's timestamp is %v, after %v", late.Timestamp, first.Timestamp)
		}
		time.Sleep(10 * time.Minute) // retention comes by each 5 min
		reader := client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer reader.Close()
		if got := consume(t, reader, 1); got[0].Offset != 10 {
			t.Errorf("the first record that is left has the offset %d", got[0].Offset)
		}
		if now, after := member.GroupMetadata(); now != id || after != generation {
			t.Errorf("the member is %s in generation %d, it was %s in %d", now, after, id, generation)
		}
	})
}

// TestMoveLeader moves a partition's leader and a group's coordinator to each node.
func TestMoveLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3), skeintest.Set("offsets.topic.num.partitions", "1"))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer c.Close()
		createReplicated(t, c, "t", 1, 3)
		node.Coordinator("g")
		for id := 1; id <= 3; id++ {
			node.MoveLeader("t", 0, id)
			if now := node.Leader("t", 0); now != id {
				t.Errorf("node %d leads, not node %d", now, id)
			}
			produceAll(t, c, "t", 0, 10*id-10, 10*id)
			node.MoveLeader("__consumer_offsets", 0, id)
			eventually(t, fmt.Sprintf("node %d is the coordinator", id), func() bool { return node.Coordinator("g") == id })
		}
		consumeAll(t, node, "t", 0, 30)
	})
}

// TestSwitchesOnRealDisks: what needs no memory works without.
func TestSwitchesOnRealDisks(t *testing.T) {
	node := skeintest.Start(t)
	c := client(t, node)
	defer c.Close()
	produce(t, c, "orders", 1)
	if leader, controller := node.Leader("orders", 0), node.Controller(); fmt.Sprint(leader, controller) != "1 1" {
		t.Errorf("leader %d, controller %d", leader, controller)
	}
	node.SlowDisk(200 * time.Millisecond)
	begun := time.Now()
	produce(t, c, "orders", 1)
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Errorf("with a slow disk a record takes %v", took)
	}
	node.MoveClock(time.Hour)
	node.SlowDisk(0)
	produce(t, c, "orders", 1)
}
