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

// In a bubble the clock moves only when everybody waits, so the times here are exact.

func fetchRequest(wait time.Duration, minBytes int32) *kmsg.FetchRequest {
	r := kmsg.NewPtrFetchRequest()
	r.ReplicaID, r.MaxWaitMillis, r.MinBytes, r.MaxBytes, r.SessionEpoch = -1, int32(wait.Milliseconds()), minBytes, 1<<20, -1
	return r
}

// ask adds a partition to a request.
func ask(r *kmsg.FetchRequest, topic string, id [16]byte, partition int32, offset int64) {
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, offset, 1<<20
	for i := range r.Topics {
		if r.Topics[i].TopicID == id {
			r.Topics[i].Partitions = append(r.Topics[i].Partitions, p)
			return
		}
	}
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID, t.Partitions = topic, id, []kmsg.FetchRequestTopicPartition{p}
	r.Topics = append(r.Topics, t)
}

// fetch sends a request to the one broker. Errors of the answer as a whole come as its code.
func fetch(t *testing.T, c *kgo.Client, r *kmsg.FetchRequest) *kmsg.FetchResponse {
	t.Helper()
	response, err := c.SeedBrokers()[0].Request(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return response.(*kmsg.FetchResponse)
}

// bytesOf counts the record bytes of an answer.
func bytesOf(r *kmsg.FetchResponse) int {
	n := 0
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			n += len(p.RecordBatches)
		}
	}
	return n
}

func TestLongPolls(t *testing.T) {
	for _, p := range []struct {
		name     string
		wait     time.Duration
		minBytes int32
		produce  time.Duration // when a record comes
		answered time.Duration
		records  bool
	}{
		{"nothing comes", 20 * time.Second, 1, time.Minute, 20 * time.Second, false},
		{"a record comes", 20 * time.Second, 1, 7 * time.Second, 7 * time.Second, true},
		{"too little comes", 20 * time.Second, 10_000, 7 * time.Second, 20 * time.Second, true},
		{"without waiting", 0, 1, 7 * time.Second, 0, false},
		{"no bytes are asked for", 20 * time.Second, 0, 7 * time.Second, 0, false},
	} {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCycle(t, 1)
				reader := client(t, c.node)
				r := fetchRequest(p.wait, p.minBytes)
				for partition := range int32(lifePartitions) {
					ask(r, lifeTopic, c.topicID, partition, 0)
				}
				produced := make(chan struct{})
				time.AfterFunc(p.produce, func() {
					defer close(produced)
					c.produce(1)
				})
				begun := time.Now()
				response := fetch(t, reader, r)
				if took := time.Since(begun); took != p.answered || bytesOf(response) > 0 != p.records {
					t.Errorf("answered after %v with %d bytes, want %v, with records %v", took, bytesOf(response), p.answered, p.records)
				}
				<-produced // the record that came too late too
				reader.Close()
				c.judge()
			})
		})
	}
}

// A long poll that is under way when its topic is deleted, or its node stops, does not wait on.
func TestLongPollEndsEarly(t *testing.T) {
	for _, end := range []struct {
		name string
		do   func(*cycle)
	}{
		{"the topic is deleted", func(c *cycle) {
			r := kmsg.NewPtrDeleteTopicsRequest()
			topic := kmsg.NewDeleteTopicsRequestTopic()
			topic.Topic = kmsg.StringPtr(lifeTopic)
			r.TopicNames, r.Topics = []string{lifeTopic}, append(r.Topics, topic)
			if _, err := r.RequestWith(context.Background(), c.producer); err != nil {
				c.t.Error(err)
			}
		}},
		{"the node stops", func(c *cycle) { c.node.Stop() }},
		{"the connections break", func(c *cycle) { c.node.CutConnections() }},
	} {
		t.Run(end.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCycle(t, 1)
				reader := client(t, c.node, kgo.RequestRetries(0))
				r := fetchRequest(time.Minute, 1)
				ask(r, lifeTopic, c.topicID, 0, 0)
				begun := time.Now()
				answered := make(chan error)
				go func() {
					_, err := reader.SeedBrokers()[0].Request(context.Background(), r)
					answered <- err
				}()
				time.Sleep(3 * time.Second)
				end.do(c)
				if err, took := <-answered, time.Since(begun); took < 3*time.Second || took > 5*time.Second {
					t.Errorf("answered after %v: %v", took, err)
				}
				reader.Close()
				c.judge()
			})
		})
	}
}

// TestFetchSession is KIP-227: after the first fetch only what changed is asked for and answered.
func TestFetchSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCycle(t, 1)
		c.produce(lifePartitions)
		reader := client(t, c.node)
		r := fetchRequest(0, 1)
		r.SessionEpoch = 0
		for p := range int32(lifePartitions) {
			ask(r, lifeTopic, c.topicID, p, 0)
		}
		whole := fetch(t, reader, r)
		if whole.SessionID == 0 || len(whole.Topics) != 1 || len(whole.Topics[0].Partitions) != lifePartitions {
			t.Fatalf("the first answer has session %d and %+v", whole.SessionID, whole.Topics)
		}
		next := func(epoch int32) *kmsg.FetchRequest {
			r := fetchRequest(0, 1)
			r.SessionID, r.SessionEpoch = whole.SessionID, epoch
			return r
		}
		moved := next(1)
		for p := range int32(lifePartitions) {
			ask(moved, lifeTopic, c.topicID, p, 1)
		}
		if answer := fetch(t, reader, moved); answer.ErrorCode != 0 || bytesOf(answer) != 0 {
			t.Errorf("nothing is new; the answer has error %v and %d bytes", kerr.ErrorForCode(answer.ErrorCode), bytesOf(answer))
		}
		c.produce(1)
		answer := fetch(t, reader, next(2))
		if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 || answer.Topics[0].Partitions[0].Partition != 0 || bytesOf(answer) == 0 {
			t.Errorf("one partition has a record; the answer is %+v", answer.Topics)
		}
		if answer := fetch(t, reader, next(2)); answer.ErrorCode != kerr.InvalidFetchSessionEpoch.Code {
			t.Errorf("an epoch twice is answered with %v", kerr.ErrorForCode(answer.ErrorCode))
		}
		c.node.Stop()
		c.node.Open()
		if answer := fetch(t, reader, next(3)); answer.ErrorCode != kerr.FetchSessionIDNotFound.Code {
			t.Errorf("a session of the node's life before is answered with %v", kerr.ErrorForCode(answer.ErrorCode))
		}
		reader.Close()
		c.judge()
	})
}

// More readers than there are session slots: the least used lose theirs, and every reader goes on reading.
func TestMoreReadersThanSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const readers, records = 12, 60
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Set("max.incremental.fetch.session.cache.slots", "4"), skeintest.Set("num.partitions", "3"))
		producer := client(t, node)
		produce(t, producer, "orders", records/2)
		var all []*kgo.Client
		for range readers {
			all = append(all, client(t, node, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())))
		}
		for i, r := range all {
			if got := len(consume(t, r, records/2)); got != records/2 {
				t.Errorf("reader %d read %d records", i, got)
			}
		}
		produce(t, producer, "orders", records/2)
		for i, r := range all {
			if got := fmt.Sprint(len(consume(t, r, records/2))); got != fmt.Sprint(records/2) {
				t.Errorf("reader %d read %s more records", i, got)
			}
			r.Close()
		}
		producer.Close()
		node.Stop()
	})
}
