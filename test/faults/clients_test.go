//go:build linux

package faults

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// background is a context that ends with the test's patience.
func background(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func client(t *testing.T, address string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	// A broker that has no room for connections, or begins, may close one at its first request: that is not the end.
	always := []kgo.Opt{kgo.SeedBrokers(address), kgo.MetadataMinAge(50 * time.Millisecond), kgo.AlwaysRetryEOF()}
	c, err := kgo.NewClient(append(always, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func createTopic(t *testing.T, address, topic string, partitions int32) {
	t.Helper()
	r, err := kadm.NewClient(client(t, address)).CreateTopic(background(t), partitions, 1, nil, topic)
	if err == nil {
		err = r.Err
	}
	if err != nil {
		t.Fatalf("create %s: %v", topic, err)
	}
}

// produce sends n records one after the other.
func produce(t *testing.T, c *kgo.Client, topic, prefix string, n int) {
	t.Helper()
	ctx := background(t)
	for i := range n {
		r := &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%s%d", prefix, i)}
		if err := c.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatalf("produce %s%d: %v", prefix, i, err)
		}
	}
}

// consume reads a topic from its start until n records came, and returns their values.
func consume(t *testing.T, address, topic string, n int) []string {
	t.Helper()
	c := client(t, address, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx := background(t)
	var values []string
	for len(values) < n {
		fetches := c.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v, %v", len(values), n, err, fetches.Err())
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	c.Close()
	return values
}

// serves fails the test unless the broker takes a record and gives it back.
func serves(t *testing.T, address, topic string) {
	t.Helper()
	c := client(t, address, kgo.AllowAutoTopicCreation())
	produce(t, c, topic, "", 3)
	c.Close()
	consume(t, address, topic, 3)
}
