package api_test

// What clients do to a node by mistake or on purpose: it must answer clearly, lose nothing and go on.

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/server/memnet"
)

func remove(w *wire, topic string) {
	w.t.Helper()
	request := kmsg.NewPtrDeleteTopicsRequest()
	request.TopicNames = []string{topic}
	if code := ask[*kmsg.DeleteTopicsResponse](w, request, 5).Topics[0].ErrorCode; code != 0 {
		w.t.Fatalf("deleting %s: error %d", topic, code)
	}
}

// TestFetchLearnsThatItsTopicIsGone deletes a topic under a long poll, which must say so at once. In a bubble a poll
// that looks again and again without rest would never let time pass.
func TestFetchLearnsThatItsTopicIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, w := start(t)
		defer node.Stop()
		create(w, "t", 1)
		other := dial(t, node)
		began := time.Now()
		poll := fetchRequest("t", 0, 60_000)
		correlation := w.send(poll, 11)
		synctest.Wait()
		remove(other, "t")
		answer := w.receive(poll, correlation).(*kmsg.FetchResponse)
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("the poll of a deleted topic ended after %v", waited)
		}
		wantCode(t, "Fetch", answer.Topics[0].Partitions[0].ErrorCode, protocol.UnknownTopicOrPartition)
	})
}

// TestCloseEndsLongPolls closes a node while a client waits for records that do not come.
func TestCloseEndsLongPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, w := start(t)
		create(w, "t", 1)
		correlation := w.send(fetchRequest("t", 0, 3_600_000), 11)
		synctest.Wait()
		began := time.Now()
		node.Stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("closing took %v: it waited for the poll", took)
		}
		if _, err := w.read(correlation); err != nil {
			t.Errorf("the poll got no answer: %v", err)
		}
	})
}

// TestPollsOfClosedConnectionsEnd opens connections that begin to poll for a day and go away: what waits for a client
// that is gone must not be kept.
func TestPollsOfClosedConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, w := start(t)
		defer node.Stop()
		create(w, "t", 1)
		before := heapInUse()
		for range 200 {
			poller := dial(t, node)
			request := fetchRequest("t", 0, 86_400_000)
			one := request.Topics[0].Partitions[0]
			for range 2000 {
				request.Topics[0].Partitions = append(request.Topics[0].Partitions, one)
			}
			poller.send(request, 11)
			synctest.Wait()
			poller.conn.Close()
		}
		synctest.Wait()
		if grown := heapInUse() - before; grown > 24<<20 {
			t.Errorf("200 polls of closed connections left %d KiB", grown>>10)
		}
	})
}

// TestOffsetsTopicKeepsItsPartitions: with another number of partitions every group would be looked for elsewhere.
func TestOffsetsTopicKeepsItsPartitions(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	commitEverywhere(w, "g", "t", 1)
	request := kmsg.NewPtrCreatePartitionsRequest()
	request.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "__consumer_offsets", Count: 100}}
	wantCode(t, "CreatePartitions", ask[*kmsg.CreatePartitionsResponse](w, request, 1).Topics[0].ErrorCode, protocol.PolicyViolation)
	if got := committed(w, "g", "t"); got != 1 {
		t.Errorf("the committed offset is %d, want 1", got)
	}
}

// committed is what a group has committed of partition 0 of a topic.
func committed(w *wire, groupID, topic string) int64 {
	w.t.Helper()
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Group = groupID
	request.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: topic, Partitions: []int32{0}}}
	answer := ask[*kmsg.OffsetFetchResponse](w, request, 5)
	wantCode(w.t, "OffsetFetch", answer.ErrorCode, protocol.None)
	return answer.Topics[0].Partitions[0].Offset
}

// TestDeletedOffsetsTopicComesBack deletes __consumer_offsets, which loses what is committed, and lets groups begin anew.
func TestDeletedOffsetsTopicComesBack(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	for range 3 {
		commitEverywhere(w, "g", "t", 1)
		if got := committed(w, "g", "t"); got != 1 {
			t.Errorf("the committed offset is %d, want 1", got)
		}
		remove(w, "__consumer_offsets")
	}
	commitEverywhere(w, "g", "t", 1)
	if got := committed(w, "g", "t"); got != 1 {
		t.Errorf("the committed offset is %d, want 1", got)
	}
}

// TestWallClockDoesNotPace runs a node whose wall clock is a day off: it stamps records and decides what is too old, but
// nobody waits by it.
func TestWallClockDoesNotPace(t *testing.T) {
	for _, off := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			network := &memnet.Network{}
			listener, err := network.Listen("tcp", "127.0.0.1:9092")
			if err != nil {
				t.Fatal(err)
			}
			node, err := skein.Open(skein.Config{DataDir: "data", Listener: listener, FS: disk.NewSimulated(disk.SimulatedOptions{Seed: 1}),
				Now: func() time.Time { return time.Now().Add(off) }})
			if err != nil {
				t.Fatal(err)
			}
			defer node.Close()
			conn, err := network.DialContext(t.Context(), "tcp", node.Bootstrap())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			w := &wire{t: t, conn: conn}
			create(w, "t", 1)
			began := time.Now()
			_ = conn.SetReadDeadline(time.Time{})
			ask[*kmsg.FetchResponse](w, fetchRequest("t", 0, 500), 11)
			if waited := time.Since(began); waited != 500*time.Millisecond {
				t.Errorf("a clock %v off: a poll of 500 ms took %v", off, waited)
			}
		})
	}
}

// TestProduceWithoutTime gives no time, or less: the records are synced all the same, and acknowledged.
func TestProduceWithoutTime(t *testing.T) {
	_, w := start(t)
	create(w, "t", 1)
	for i, timeout := range []int32{0, -1, -1 << 31} {
		for _, acks := range []int16{-1, 1} {
			request := produceRequest("t", 0, acks, batch(t, time.Now().UnixMilli(), row{"k", "v"}))
			request.TimeoutMillis = timeout
			answer := ask[*kmsg.ProduceResponse](w, request, 9).Topics[0].Partitions[0]
			wantCode(t, "Produce", answer.ErrorCode, protocol.None)
			if want := int64(2 * i); answer.BaseOffset != want && answer.BaseOffset != want+1 {
				t.Errorf("base offset %d", answer.BaseOffset)
			}
		}
	}
}
