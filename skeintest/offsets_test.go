package skeintest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/skeintest"
)

// Twenty groups are one partition's share of a thousand on fifty.
const (
	offsetGroups     = 20
	offsetPartitions = 10
)

// TestOffsetsStaySmall lets groups commit every second for an hour. What they leave in __consumer_offsets must be less
// than twice what the same groups leave that committed once, and never more than that and what gathers between two
// rounds of the cleaner.
func TestOffsetsStaySmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Set("offsets.topic.num.partitions", "1"))
		c := client(t, node)
		defer c.Close()
		create := kmsg.NewPtrCreateTopicsRequest()
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "orders", offsetPartitions, 1
		create.Topics = append(create.Topics, topic)
		created, err := create.RequestWith(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		id := created.Topics[0].TopicID
		commitAll(t, c, id, 1)
		live := offsetsSize(t, c)
		highest := int64(0)
		for second := range int64(3600) {
			commitAll(t, c, id, 2+second)
			time.Sleep(time.Second)
			if second%7 == 0 {
				highest = max(highest, offsetsSize(t, c))
			}
		}
		// A minute without commits, and the cleaner comes by.
		time.Sleep(2 * time.Minute)
		left := offsetsSize(t, c)
		t.Logf("live %d bytes, at most %d during the hour, %d left", live, highest, left)
		if left >= 2*live {
			t.Errorf("%d bytes are left; %d are live", left, live)
		}
		// The cleaner comes each 15 s, in which the groups commit 15 times. It seals what is just over its bound one round
		// late, and compacts it another round later if a commit was under way just then.
		if bound := int64(256<<10) + 2*live + 3*15*live; highest > bound {
			t.Errorf("%d bytes at one time; the bound is %d", highest, bound)
		}
		node.Stop()
		node.Open()
		again := client(t, node)
		defer again.Close()
		checkCommitted(t, again, 3601)
	})
}

// commitAll commits an offset for every partition in every group.
func commitAll(t *testing.T, c *kgo.Client, id [16]byte, offset int64) {
	t.Helper()
	for g := range offsetGroups {
		topic := kmsg.NewOffsetCommitRequestTopic()
		topic.Topic, topic.TopicID = "orders", id
		for p := range int32(offsetPartitions) {
			one := kmsg.NewOffsetCommitRequestTopicPartition()
			one.Partition, one.Offset = p, offset
			topic.Partitions = append(topic.Partitions, one)
		}
		r := kmsg.NewPtrOffsetCommitRequest()
		r.Group, r.Generation, r.Topics = fmt.Sprintf("group-%d", g), -1, append(r.Topics, topic)
		response, err := r.RequestWith(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range response.Topics[0].Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				t.Fatalf("%s: %v", r.Group, err)
			}
		}
	}
}

func checkCommitted(t *testing.T, c *kgo.Client, want int64) {
	t.Helper()
	for g := range offsetGroups {
		r := kmsg.NewPtrOffsetFetchRequest()
		r.Group = fmt.Sprintf("group-%d", g)
		response, err := r.RequestWith(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, topic := range response.Topics {
			for _, p := range topic.Partitions {
				n++
				if p.Offset != want {
					t.Errorf("%s has %d for partition %d, want %d", r.Group, p.Offset, p.Partition, want)
				}
			}
		}
		if n != offsetPartitions {
			t.Errorf("%s has offsets for %d partitions", r.Group, n)
		}
	}
}

// offsetsSize is the size of the log of __consumer_offsets, in bytes.
func offsetsSize(t *testing.T, c *kgo.Client) (size int64) {
	t.Helper()
	response, err := kmsg.NewPtrDescribeLogDirsRequest().RequestWith(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range response.Dirs {
		for _, topic := range dir.Topics {
			if topic.Topic == "__consumer_offsets" {
				for _, p := range topic.Partitions {
					size += p.Size
				}
			}
		}
	}
	return size
}
