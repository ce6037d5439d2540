package attack

import (
	"fmt"
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestCountlessTopics asks for more topics and partitions than there can be, by CreateTopics, by CreatePartitions and by
// Metadata with automatic creation. What is refused is refused at once, and what is made can be used.
func TestCountlessTopics(t *testing.T) {
	b := serve(t)
	w := b.dial().hello()
	w.create("t", 1)
	code := func(n int32) int16 {
		request := kmsg.NewPtrCreateTopicsRequest()
		request.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: fmt.Sprintf("p%d", n), NumPartitions: n, ReplicationFactor: 1}}
		return ask[*kmsg.CreateTopicsResponse](w, request, 5).Topics[0].ErrorCode
	}
	for _, n := range []int32{1_000_000, math.MaxInt32} {
		if got := code(n); got != 44 {
			t.Errorf("a topic of %d partitions: error %d, want 44 (POLICY_VIOLATION)", n, got)
		}
	}
	more := kmsg.NewPtrCreatePartitionsRequest()
	more.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "t", Count: math.MaxInt32}}
	if got := ask[*kmsg.CreatePartitionsResponse](w, more, 1).Topics[0].ErrorCode; got != 44 {
		t.Errorf("2^31 partitions more: error %d, want 44 (POLICY_VIOLATION)", got)
	}
	names := kmsg.NewPtrMetadataRequest()
	names.AllowAutoTopicCreation = true
	for i := range often(2000) {
		name := fmt.Sprintf("auto%d", i)
		names.Topics = append(names.Topics, kmsg.MetadataRequestTopic{Topic: &name})
	}
	for _, topic := range ask[*kmsg.MetadataResponse](w, names, 9).Topics {
		if topic.ErrorCode != 0 {
			t.Fatalf("%s: error %d", *topic.Topic, topic.ErrorCode)
		}
	}
	if code := w.produce("auto77", 0, plain(t, 10)); code != 0 {
		t.Errorf("Produce to a new topic: error %d", code)
	}
}

// TestManyGroups commits offsets for thousands of groups that nobody is a member of, on several connections.
func TestManyGroups(t *testing.T) {
	b := serve(t)
	w := b.dial()
	w.create("t", 1)
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey = "g"
	ask[*kmsg.FindCoordinatorResponse](w, find, 2)
	commit := func(w *wire, group string) int16 {
		request := kmsg.NewPtrOffsetCommitRequest()
		request.Group = group
		request.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 1, LeaderEpoch: -1}}}}
		for {
			code := ask[*kmsg.OffsetCommitResponse](w, request, 7).Topics[0].Partitions[0].ErrorCode
			if code != 14 && code != 16 { // the partition of __consumer_offsets is being loaded
				return code
			}
		}
	}
	grown := b.grew(func() {
		var all sync.WaitGroup
		for i := range 20 {
			w := b.dial()
			all.Go(func() {
				for j := range often(500) {
					if code := commit(w, fmt.Sprintf("group-%d-%d", i, j)); code != 0 {
						t.Errorf("OffsetCommit: error %d", code)
						return
					}
				}
			})
		}
		all.Wait()
	})
	if perGroup := grown / int64(20*often(500)); perGroup > 8<<10 {
		t.Errorf("each group took %d bytes", perGroup)
	}
}

// TestTopicsThatComeAndGo creates a topic, writes to it and deletes it, again and again under the same names and under new
// ones. Neither memory nor the data directory grows with it.
func TestTopicsThatComeAndGo(t *testing.T) {
	b := serve(t)
	w := b.dial()
	cycle := func(name string) {
		w.create(name, 3)
		for p := range int32(3) {
			if code := w.produce(name, p, plain(t, 1000)); code != 0 {
				t.Fatalf("Produce to %s: error %d", name, code)
			}
		}
		request := kmsg.NewPtrDeleteTopicsRequest()
		request.TopicNames = []string{name}
		if code := ask[*kmsg.DeleteTopicsResponse](w, request, 5).Topics[0].ErrorCode; code != 0 {
			t.Fatalf("deleting %s: error %d", name, code)
		}
	}
	for i := range 20 {
		cycle(fmt.Sprint("warm", i))
	}
	size := func() (entries int, bytes int64) {
		list, err := os.ReadDir(b.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if info, err := e.Info(); err == nil && !e.IsDir() {
				bytes += info.Size()
			}
		}
		return len(list), bytes
	}
	entries, bytes := size()
	grown := b.grew(func() {
		for i := range often(60) {
			cycle("same")
			cycle(fmt.Sprint("topic", i))
		}
	})
	if grown > 32<<20 {
		t.Errorf("topics that are gone hold %d MiB", grown>>20)
	}
	now, nowBytes := size()
	for end := time.Now().Add(patience); now > entries+5 && time.Now().Before(end); now, nowBytes = size() {
		time.Sleep(50 * time.Millisecond) // the last folders may be on their way out
	}
	if now > entries+5 || nowBytes > bytes+1<<20 {
		t.Errorf("the data directory has %d entries and %d bytes of files, it had %d and %d", now, nowBytes, entries, bytes)
	}
}
