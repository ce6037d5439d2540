package partition_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// read is a consumer's Fetch to one node.
type read struct {
	offset    record.Offset
	epoch     record.LeaderEpoch // that the consumer believes in
	lastEpoch record.LeaderEpoch // of what it read last
	wait      time.Duration
}

// consume asks a node for records, by the topic's id or by its name in an old version.
func (c *cluster) consume(id metadata.NodeID, version int16, r read) protocol.FetchResponsePartitionData {
	c.t.Helper()
	request := protocol.NewFetchRequest()
	request.MaxWaitMs, request.MinBytes = int32(r.wait.Milliseconds()), 1
	p := protocol.NewFetchRequestPartition()
	p.FetchOffset, p.CurrentLeaderEpoch, p.LastFetchedEpoch, p.PartitionMaxBytes = int64(r.offset), int32(r.epoch), int32(r.lastEpoch), 1<<20
	request.Topics = []protocol.FetchRequestTopic{{Topic: "t", TopicID: topicID, Partitions: []protocol.FetchRequestPartition{p}}}
	answer := c.callAt(id, request, "CLIENTS", version).(*protocol.FetchResponse)
	if answer.ErrorCode != protocol.None || len(answer.Responses) != 1 || len(answer.Responses[0].Partitions) != 1 {
		c.t.Fatalf("node %d answers a consumer with %+v", id, answer)
	}
	return answer.Responses[0].Partitions[0]
}

const newestFetch, lastOfLeaders = 18, 10 // versions of Fetch

// TestConsumersReadFromFollowers, up to the high watermark that they know and in their leader epoch (KIP-392).
func TestConsumersReadFromFollowers(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		for _, value := range []string{"a", "b", "c"} {
			c.want(c.produce(1, value), time.Second)
		}
		c.change(partitionChange(1, 1, 2, 3)) // leader epoch 1
		c.want(c.produce(1, "d"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		c.sever(1, 3)
		held := c.produce(1, "not committed")
		time.Sleep(100 * time.Millisecond)
		if end, hw := c.on(2).LogEnd(), c.on(2).HighWatermark(); end != 5 || hw != 4 {
			t.Fatalf("node 2 has a log end of %d and a high watermark of %d, want 5 and 4", end, hw)
		}
		for name, want := range map[string]struct {
			read
			records int
			code    protocol.Code
		}{
			"from the start":                {read{0, 1, -1, 0}, 4, protocol.None},
			"without an epoch":              {read{3, -1, -1, 0}, 1, protocol.None},
			"at the high watermark":         {read{4, 1, 1, 0}, 0, protocol.None},
			"at the log end":                {read{5, 1, 1, 0}, 0, protocol.None},
			"beyond the log end":            {read{6, 1, -1, 0}, 0, protocol.OffsetOutOfRange},
			"beyond it, as the leader told": {read{6, 1, 1, 0}, 0, protocol.OffsetOutOfRange},
			"in an older epoch":             {read{0, 0, -1, 0}, 0, protocol.FencedLeaderEpoch},
			"in a newer epoch":              {read{0, 2, -1, 0}, 0, protocol.UnknownLeaderEpoch},
		} {
			got := c.consume(2, newestFetch, want.read)
			records := 0
			for b := []byte(got.Records.(protocol.Bytes)); len(b) > 0; records++ {
				_, rest, err := record.Split(b)
				if err != nil {
					t.Fatal(err)
				}
				b = rest
			}
			if got.ErrorCode != want.code || records != want.records || got.DivergingEpoch.Epoch >= 0 {
				t.Errorf("%s: %d batches, %s, diverging %+v; want %d and %s", name, records, got.ErrorCode, got.DivergingEpoch, want.records, want.code)
			}
			if got.ErrorCode == protocol.None && got.HighWatermark != 4 {
				t.Errorf("%s: a high watermark of %d, want 4", name, got.HighWatermark)
			}
		}
		// Older clients know nothing of it.
		if got := c.consume(2, lastOfLeaders, read{0, 1, -1, 0}); got.ErrorCode != protocol.NotLeaderOrFollower {
			t.Errorf("version %d to a follower: %s", lastOfLeaders, got.ErrorCode)
		}
		if got := c.consume(1, lastOfLeaders, read{0, 1, -1, 0}); got.ErrorCode != protocol.None {
			t.Errorf("version %d to the leader: %s", lastOfLeaders, got.ErrorCode)
		}
		c.join(1, 3)
		c.want(held, 5*time.Second)
	})
}

// TestAFollowerWakesItsConsumers when its high watermark moves, when another leads and when the partition goes.
func TestAFollowerWakesItsConsumers(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.want(c.produce(1, "a"), time.Second)
		c.wantEqual(time.Second, 1, 2, 3)
		poll := func(r read) (answer func() (protocol.FetchResponsePartitionData, time.Duration)) {
			r.wait = time.Minute
			done := make(chan protocol.FetchResponsePartitionData, 1)
			go func() { done <- c.consume(2, newestFetch, r) }()
			synctest.Wait()
			begun := time.Now()
			return func() (protocol.FetchResponsePartitionData, time.Duration) {
				data := <-done
				return data, time.Since(begun)
			}
		}
		answer := poll(read{offset: 1, epoch: 0, lastEpoch: 0})
		c.want(c.produce(1, "b"), time.Second)
		if data, took := answer(); data.HighWatermark != 2 || data.Records.Len() == 0 || took > time.Second {
			t.Errorf("a record of the leader: after %v %+v", took, data)
		}
		answer = poll(read{offset: 2, epoch: 0, lastEpoch: 0})
		c.change(partitionChange(3, 1, 2, 3))
		if data, took := answer(); data.ErrorCode != protocol.FencedLeaderEpoch || took > time.Second {
			t.Errorf("another leader: after %v %+v", took, data)
		}
		answer = poll(read{offset: 2, epoch: 1, lastEpoch: 0})
		c.change(partitionChange(2, 1, 2, 3))
		if data, took := answer(); data.ErrorCode != protocol.FencedLeaderEpoch || took > time.Second {
			t.Errorf("the follower leads: after %v %+v", took, data)
		}
		c.change(partitionChange(1, 1, 2, 3))
		answer = poll(read{offset: 2, epoch: 3, lastEpoch: 0})
		c.change(&protocol.RemoveTopicRecord{TopicID: topicID})
		if data, took := answer(); data.ErrorCode != protocol.UnknownTopicID || took > time.Second {
			t.Errorf("the topic is deleted: after %v %+v", took, data)
		}
	})
}
