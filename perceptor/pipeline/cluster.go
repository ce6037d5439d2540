package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/perceptor"
	"github.com/skein-io/skein/perceptor/source"
)

// cluster is a way to the brokers, for topics and for what parts tell of themselves. Safe for concurrent use.
type cluster struct {
	addresses []string
	transport []kgo.Opt
	client    *kgo.Client
	admin     *kadm.Client
}

// clientID is what the brokers see of this program.
const clientID = "skein-sync"

// openCluster prepares a cluster. It connects when it is first used.
func openCluster(c *Config, more ...kgo.Opt) (*cluster, error) {
	transport, err := Transport(c)
	if err != nil {
		return nil, err
	}
	transport = append(transport, more...)
	k := &cluster{addresses: c.Brokers.Addresses, transport: transport}
	k.client, err = kgo.NewClient(k.options(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RecordDeliveryTimeout(10*time.Second), kgo.MetadataMinAge(250*time.Millisecond))...)
	if err != nil {
		return nil, fmt.Errorf("brokers: %w", err)
	}
	k.admin = kadm.NewClient(k.client)
	return k, nil
}

func (k *cluster) options(more ...kgo.Opt) []kgo.Opt {
	options := []kgo.Opt{kgo.SeedBrokers(k.addresses...), kgo.ClientID(clientID), kgo.DisableClientMetrics(), kgo.RetryTimeout(30 * time.Second)}
	return append(append(options, k.transport...), more...)
}

func (k *cluster) close() { k.client.Close() }

// askMax bounds one question to the brokers.
const askMax = 30 * time.Second

// topics are the names of all topics.
func (k *cluster) topics(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	all, err := k.admin.ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("brokers: %w", err)
	}
	return all.Names(), nil
}

// ensure makes a topic if it is not there.
func (k *cluster) ensure(ctx context.Context, name string, partitions int32, config map[string]*string) error {
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	created, err := k.admin.CreateTopic(ctx, partitions, -1, config, name)
	if err == nil {
		err = created.Err
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("topic %s: %w", name, err)
	}
	return nil
}

// put writes records, and waits until they are acknowledged, or until ctx ends: then they may still be written.
func (k *cluster) put(ctx context.Context, records ...*kgo.Record) error {
	written := make(chan error, len(records))
	for _, r := range records { // one whose context ends may take the client's producer id with it
		k.client.Produce(context.WithoutCancel(ctx), r, func(_ *kgo.Record, err error) { written <- err })
	}
	for range records {
		select {
		case err := <-written:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// last reads the last record of each key of a compacted topic with one partition. A topic that is not there has none.
func (k *cluster) last(ctx context.Context, topic string) (map[string]*kgo.Record, error) {
	found := map[string]*kgo.Record{}
	err := k.each(ctx, topic, func(r *kgo.Record) {
		if found[string(r.Key)] = r; r.Value == nil {
			delete(found, string(r.Key))
		}
	})
	return found, err
}

// kept is the place that the pipeline's source has kept.
func (k *cluster) kept(ctx context.Context, c *Config) (at source.State, found bool, err error) {
	topic := c.Topics.Prefix + ".positions"
	var kept perceptor.Kept
	var broken error
	err = k.each(ctx, topic, func(r *kgo.Record) {
		if string(r.Key) != c.Name || broken != nil {
			return
		}
		if err := kept.Take(r.Value); err != nil {
			broken = fmt.Errorf("topic %s, offset %d: %w", topic, r.Offset, err)
		}
	})
	return kept.State, kept.Found, cmp.Or(err, broken)
}

// each reads the records of a topic with one partition. A topic that is not there has none.
func (k *cluster) each(ctx context.Context, topic string, take func(*kgo.Record)) error {
	ends, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("topic %s: %w", topic, err)
	}
	end, ok := ends.Lookup(topic, 0)
	switch {
	case !ok || errors.Is(end.Err, kerr.UnknownTopicOrPartition):
		return nil
	case end.Err != nil:
		return fmt.Errorf("topic %s: %w", topic, end.Err)
	}
	starts, err := k.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("topic %s: %w", topic, err)
	}
	if start, ok := starts.Lookup(topic, 0); ok && start.Offset >= end.Offset {
		return nil
	}
	places := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}
	return k.read(ctx, places, func(r *kgo.Record) (done bool) {
		take(r)
		return r.Offset+1 >= end.Offset
	})
}

// read gives the records from places on to take, until take has said of one of each partition that it is enough.
func (k *cluster) read(ctx context.Context, places map[string]map[int32]kgo.Offset, take func(*kgo.Record) (done bool)) error {
	left := 0
	for _, partitions := range places {
		left += len(partitions)
	}
	if left == 0 {
		return nil
	}
	reader, err := kgo.NewClient(k.options(kgo.ConsumePartitions(places), kgo.FetchMaxWait(200*time.Millisecond), kgo.KeepControlRecords())...)
	if err != nil {
		return err
	}
	defer reader.Close()
	ended := map[string]map[int32]bool{}
	for left > 0 {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, e := range fetches.Errors() {
			return fmt.Errorf("topic %s, partition %d: %w", e.Topic, e.Partition, e.Err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if ended[r.Topic] == nil {
				ended[r.Topic] = map[int32]bool{}
			}
			if !ended[r.Topic][r.Partition] && take(r) {
				ended[r.Topic][r.Partition] = true
				left--
			}
		})
	}
	return nil
}
