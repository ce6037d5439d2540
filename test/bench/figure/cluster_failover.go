package figure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/test/bench/wire"
)

// clusterFailover kills nodes with SIGKILL, one after the other, and starts
// each again: the leader of a partition that is not the controller, one that is
// both, the controller, and the coordinator of a group. Each time is from the
// kill until the service is there again. The producer asks for metadata as
// often as the Java client does; franz-go by itself would let 5 s pass between
// two answers, whatever went wrong.
func (b *Bench) clusterFailover(ctx context.Context) error {
	return b.eachCrew(ctx, "cluster-failover", b.Repetitions, func(ctx context.Context, c *crew) (values, error) {
		topic, err := b.replicated(ctx, c, partitionsOfTopic)
		if err != nil {
			return nil, err
		}
		v := values{}
		for _, one := range []struct {
			name string
			kill func(context.Context, *crew, string) (time.Duration, error)
		}{
			{"leader_ms", b.killLeader}, {"leader_and_controller_ms", b.killLeaderAndController},
			{"controller_ms", b.killController}, {"coordinator_ms", b.killCoordinator},
		} {
			took, err := one.kill(ctx, c, topic)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", one.name, err)
			}
			v[one.name] = milliseconds(took)
			if err := c.heal(ctx, topic); err != nil {
				return nil, fmt.Errorf("%s, after it: %w", one.name, err)
			}
		}
		return v, nil
	})
}

// retryBackoff is retry.backoff.ms of the Java client.
const retryBackoff = 100 * time.Millisecond

// heal starts what was killed, waits until all replicas are in sync, and gives
// the leadership of all partitions back.
func (c *crew) heal(ctx context.Context, topic string) error {
	if err := c.Start(ctx); err != nil {
		return err
	}
	if err := c.awaitISR(ctx, topic, partitionsOfTopic); err != nil {
		return err
	}
	_, err := c.admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, kadm.TopicsSet{})
	return err
}

func (b *Bench) killLeader(ctx context.Context, c *crew, topic string) (time.Duration, error) {
	return c.killLeaderOf(ctx, topic, func(leader, controller int32) bool { return leader != controller })
}

func (b *Bench) killLeaderAndController(ctx context.Context, c *crew, topic string) (time.Duration, error) {
	return c.killLeaderOf(ctx, topic, func(leader, controller int32) bool { return leader == controller })
}

// killLeaderOf has an idempotent producer send one record after the other to a
// partition, and kills its leader.
func (c *crew) killLeaderOf(ctx context.Context, topic string, fits func(leader, controller int32) bool) (time.Duration, error) {
	var chosen kadm.PartitionDetail
	err := wire.Await(ctx, time.Minute, 50*time.Millisecond, func(ctx context.Context) error {
		controller, err := c.controller(ctx)
		if err != nil {
			return err
		}
		found, err := c.partitions(ctx, topic)
		if err != nil {
			return err
		}
		for _, p := range found {
			if p.Leader >= 0 && fits(p.Leader, controller) {
				chosen = p
				return nil
			}
		}
		return fmt.Errorf("no partition of %s has such a leader; node %d is the controller", topic, controller)
	})
	if err != nil {
		return 0, err
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.addresses()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(retryBackoff))
	if err != nil {
		return 0, err
	}
	defer producer.Close()
	send := func() error {
		return producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: chosen.Partition, Value: []byte("v")}).FirstErr()
	}
	for began := time.Now(); time.Since(began) < time.Second; {
		if err := send(); err != nil {
			return 0, err
		}
	}
	killed := time.Now()
	if err := c.node(chosen.Leader).Kill(); err != nil {
		return 0, err
	}
	err = send()
	return time.Since(killed), err
}

// killController creates topics until one is there.
func (b *Bench) killController(ctx context.Context, c *crew, _ string) (time.Duration, error) {
	id, err := c.controller(ctx)
	if err != nil {
		return 0, err
	}
	killed := time.Now()
	if err := c.node(id).Kill(); err != nil {
		return 0, err
	}
	return c.until(ctx, killed, id, func(ctx context.Context, admin *kadm.Client) error {
		created, err := admin.CreateTopic(ctx, 1, nodes-1, nil, b.newName())
		return errors.Join(err, created.Err)
	})
}

// killCoordinator commits an offset for a group until that is taken.
func (b *Bench) killCoordinator(ctx context.Context, c *crew, topic string) (time.Duration, error) {
	group := b.newName()
	commit := func(ctx context.Context, admin *kadm.Client) error {
		var offsets kadm.Offsets
		offsets.AddOffset(topic, 0, 1, -1)
		return admin.CommitAllOffsets(ctx, group, offsets)
	}
	if err := wire.Await(ctx, time.Minute, 20*time.Millisecond, func(ctx context.Context) error { return commit(ctx, c.admin) }); err != nil {
		return 0, err
	}
	if err := c.awaitISR(ctx, "__consumer_offsets", 50); err != nil {
		return 0, err
	}
	found := c.admin.FindGroupCoordinators(ctx, group)[group]
	if found.Err != nil {
		return 0, found.Err
	}
	killed := time.Now()
	if err := c.node(found.NodeID).Kill(); err != nil {
		return 0, err
	}
	return c.until(ctx, killed, found.NodeID, commit)
}

// until asks the nodes that are left, each time by a new client, until one has
// done it.
func (c *crew) until(ctx context.Context, since time.Time, dead int32, try func(context.Context, *kadm.Client) error) (time.Duration, error) {
	addresses := slices.Delete(c.addresses(), int(dead-1), int(dead))
	err := wire.Await(ctx, time.Minute, 5*time.Millisecond, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		client, err := kgo.NewClient(kgo.SeedBrokers(addresses...), kgo.RequestRetries(0))
		if err != nil {
			return err
		}
		defer client.Close()
		return try(ctx, kadm.NewClient(client))
	})
	return time.Since(since), err
}

func (c *crew) node(id int32) killable { return c.Nodes[id-1] }

type killable interface{ Kill() error }

// addresses are the nodes' in the order of their ids.
func (c *crew) addresses() []string { return strings.Split(c.Addr(), ",") }

// clusterPartitions creates many partitions, kills a node, and waits until all
// that it led have another leader.
func (b *Bench) clusterPartitions(ctx context.Context) error {
	return b.eachCrew(ctx, "cluster-partitions", 1, func(ctx context.Context, c *crew) (values, error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
		defer cancel()
		count := int32(2 * b.Sizes.Partitions)
		began := time.Now()
		topic, err := b.replicated(ctx, c, count)
		if err != nil {
			return nil, err
		}
		created := time.Since(began)
		if err := pause(ctx, b.Sizes.Idle); err != nil {
			return nil, err
		}
		m, err := c.memory()
		if err != nil {
			return nil, err
		}
		took, err := c.failOver(ctx, topic, int(count))
		return values{"create_seconds": created.Seconds(), "failover_seconds": took.Seconds(),
			"rss_mb": float64(m.RSS) / 1e6, "anonymous_mb": float64(m.Anonymous) / 1e6}, err
	})
}

// failOver kills a node that is not the controller.
func (c *crew) failOver(ctx context.Context, topic string, count int) (time.Duration, error) {
	controller, err := c.controller(ctx)
	if err != nil {
		return 0, err
	}
	dead := controller%nodes + 1
	killed := time.Now()
	if err := c.node(dead).Kill(); err != nil {
		return 0, err
	}
	err = wire.Await(ctx, 2*time.Minute, 50*time.Millisecond, func(ctx context.Context) error {
		request := kmsg.NewPtrMetadataRequest()
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &topic
		request.Topics = append(request.Topics, t)
		answer, err := request.RequestWith(ctx, c.client.SeedBrokers()[int(controller-1)])
		if err != nil {
			return err
		}
		led := 0
		for _, t := range answer.Topics {
			if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
				return err
			}
			for _, p := range t.Partitions {
				if p.Leader >= 0 && p.Leader != dead {
					led++
				}
			}
		}
		if led < count {
			return fmt.Errorf("%d of %d partitions have a leader that lives", led, count)
		}
		return nil
	})
	return time.Since(killed), err
}
