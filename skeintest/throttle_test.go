package skeintest_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/skeintest"
)

// move is a reassignment of the one partition of a topic with one replica.
type move struct {
	topic    string
	from, to int32
}

// begin sets the throttles and starts the move, as kafka-reassign-partitions does with --throttle.
func (m move) begin(t *testing.T, c *kgo.Client, rate int) {
	t.Helper()
	m.configure(t, c, kadm.SetConfig, fmt.Sprint(rate))
	var plan kadm.AlterPartitionAssignmentsReq
	plan.Assign(m.topic, 0, []int32{m.to})
	answers, err := kadm.NewClient(c).AlterPartitionAssignments(context.Background(), plan)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lift takes the throttles away.
func (m move) lift(t *testing.T, c *kgo.Client) {
	t.Helper()
	m.configure(t, c, kadm.DeleteConfig, "")
}

func (m move) configure(t *testing.T, c *kgo.Client, op kadm.IncrementalOp, rate string) {
	t.Helper()
	config := func(name, value string) kadm.AlterConfig {
		if op == kadm.DeleteConfig {
			return kadm.AlterConfig{Op: op, Name: name}
		}
		return kadm.AlterConfig{Op: op, Name: name, Value: &value}
	}
	adm := kadm.NewClient(c)
	answers, err := adm.AlterTopicConfigs(context.Background(), []kadm.AlterConfig{
		config("leader.replication.throttled.replicas", fmt.Sprintf("0:%d", m.from)),
		config("follower.replication.throttled.replicas", fmt.Sprintf("0:%d", m.to)),
	}, m.topic)
	brokers, err2 := adm.AlterBrokerConfigs(context.Background(), []kadm.AlterConfig{
		config("leader.replication.throttled.rate", rate), config("follower.replication.throttled.rate", rate),
	}, m.from, m.to)
	for _, a := range append(answers, brokers...) {
		if a.Err != nil {
			t.Error(a.Name, a.Err, a.ErrMessage)
		}
	}
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
}

// lasts waits until the move has ended, at most so long, and returns how long that took.
func (m move) lasts(t *testing.T, c *kgo.Client, most time.Duration) (time.Duration, bool) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		p := partitionOf(t, c, m.topic, 0)
		ran := time.Since(begun)
		if len(p.Replicas) == 1 && p.Replicas[0] == m.to && p.Leader == m.to {
			return ran, true
		}
		if ran > most {
			return ran, false
		}
	}
}

// TestThrottledReassignment: a reassignment moves at the rate of its throttles, and at once when they are lifted.
func TestThrottledReassignment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate, records, size = 1 << 20, 80, 128 << 10 // ten seconds' worth
		node := skeintest.Start(t, skeintest.InMemory(), skeintest.Nodes(3))
		c := clusterClient(t, node, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
			kgo.ProducerBatchCompression(kgo.NoCompression()))
		defer c.Close()
		createReplicated(t, c, "t", 1, 1)
		for range records {
			r := &kgo.Record{Topic: "t", Value: bytes.Repeat([]byte("x"), size)}
			if err := c.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		from := partitionOf(t, c, "t", 0).Leader
		there := move{"t", from, from%3 + 1}
		there.begin(t, c, rate)
		took, ended := there.lasts(t, c, time.Minute)
		if ideal := records * size / rate * time.Second; !ended || took < ideal-time.Second || took > ideal*3/2 {
			t.Errorf("%d bytes took %v at %d bytes a second, want about %v; it has ended: %v", records*size, took, rate, ideal, ended)
		}
		there.lift(t, c)

		back := move{"t", there.to, there.from}
		back.begin(t, c, 1<<10)
		if took, ended := back.lasts(t, c, 20*time.Second); ended {
			t.Fatalf("%d bytes took %v at 1024 bytes a second", records*size, took)
		}
		back.lift(t, c)
		took, ended = back.lasts(t, c, time.Minute)
		if !ended || took > 2*time.Second {
			t.Errorf("without the throttle it took %v; it has ended: %v", took, ended)
		}
	})
}
