package figure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/test/bench/machine"
	"github.com/skein-io/skein/test/bench/report"
	"github.com/skein-io/skein/test/bench/wire"
	"github.com/skein-io/skein/test/services"
)

// Clusters: three nodes, replication factor 3, min.insync.replicas=2, acks=all.
// Every figure has a new cluster, so that one side has the machine at a time.

const nodes = 3

// crew is a running cluster with a client for its topics.
type crew struct {
	*services.Cluster
	dir    string
	client *kgo.Client
	admin  *kadm.Client
}

// crewOf starts a cluster of a side in a new folder.
func (b *Bench) crewOf(ctx context.Context, side, folder string) (*crew, error) {
	c, err := b.prepareCrew(side, folder)
	if err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(err, c.remove())
	}
	return c, nil
}

func (b *Bench) prepareCrew(side, folder string) (*crew, error) {
	o := services.Options{Dir: filepath.Join(b.Dir, folder+"-"+side), Properties: properties, ReadyTimeout: 2 * time.Minute}
	var cluster *services.Cluster
	var err error
	if side == report.Skein {
		cluster, err = services.NewSkeinCluster(b.Skein, o, nodes)
	} else {
		cluster, err = services.NewKafkaCluster(o, nodes, services.JVM{HeapMiB: b.HeapMiB, Flags: jvmFlags})
	}
	if err != nil {
		return nil, err
	}
	c := &crew{Cluster: cluster, dir: o.Dir}
	c.client, err = kgo.NewClient(kgo.SeedBrokers(strings.Split(cluster.Addr(), ",")...), kgo.MetadataMinAge(retryBackoff))
	if err != nil {
		return nil, err
	}
	c.admin = kadm.NewClient(c.client)
	return c, nil
}

// remove ends the cluster and deletes its data. Kafka's last nodes wait for a
// controller that has ended, so they are not asked.
func (c *crew) remove() error {
	c.client.Close()
	end := c.Stop
	if c.Name() == report.Kafka {
		end = c.Kill
	}
	if err := end(); err != nil {
		return err
	}
	return os.RemoveAll(c.dir)
}

// topic makes a topic and returns its name when every partition has all its
// replicas in sync.
func (b *Bench) replicated(ctx context.Context, c *crew, partitions int32) (string, error) {
	name := b.newName()
	created, err := c.admin.CreateTopic(ctx, partitions, nodes, nil, name)
	if err != nil {
		return "", err
	}
	if created.Err != nil {
		return "", fmt.Errorf("create %s: %w", name, created.Err)
	}
	return name, c.awaitISR(ctx, name, partitions)
}

// awaitISR returns when all partitions of a topic have a leader and all
// replicas in sync.
func (c *crew) awaitISR(ctx context.Context, topic string, partitions int32) error {
	return wire.Await(ctx, 2*time.Minute, 20*time.Millisecond, func(ctx context.Context) error {
		found, err := c.partitions(ctx, topic)
		if err != nil {
			return err
		}
		whole := 0
		for _, p := range found {
			if p.Leader >= 0 && len(p.ISR) == nodes {
				whole++
			}
		}
		if whole < int(partitions) {
			return fmt.Errorf("%d of %d partitions of %s have all replicas in sync", whole, partitions, topic)
		}
		return nil
	})
}

func (c *crew) partitions(ctx context.Context, topic string) (kadm.PartitionDetails, error) {
	m, err := c.admin.Metadata(ctx, topic)
	if err != nil {
		return nil, err
	}
	t := m.Topics[topic]
	return t.Partitions, t.Err
}

// controller is the id of the node that leads the metadata quorum.
func (c *crew) controller(ctx context.Context) (int32, error) {
	request := kmsg.NewPtrDescribeQuorumRequest()
	t := kmsg.NewDescribeQuorumRequestTopic()
	t.Topic = "__cluster_metadata"
	t.Partitions = append(t.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, c.client)
	if err != nil {
		return -1, err
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return -1, fmt.Errorf("DescribeQuorum: error %d, %d topics", answer.ErrorCode, len(answer.Topics))
	}
	return answer.Topics[0].Partitions[0].LeaderID, nil
}

// cpu is the processor time of all nodes, in seconds.
func (c *crew) cpu() (float64, error) {
	total := 0.0
	for _, node := range c.Nodes {
		one, err := machine.ReadCPU(node.PID())
		if err != nil {
			return 0, err
		}
		total += one.Total()
	}
	return total, nil
}

// memory is that of the largest node, in bytes.
func (c *crew) memory() (largest machine.Memory, err error) {
	for _, node := range c.Nodes {
		if node.PID() == 0 {
			continue
		}
		one, err := machine.ReadMemory(node.PID())
		if err != nil {
			return largest, err
		}
		largest.Anonymous, largest.RSS = max(largest.Anonymous, one.Anonymous), max(largest.RSS, one.RSS)
	}
	return largest, nil
}

// eachCrew measures a new cluster of each side in turn.
func (b *Bench) eachCrew(ctx context.Context, name string, repetitions int, measure func(context.Context, *crew) (values, error)) error {
	return b.repeat(ctx, repetitions, name, []string{report.Skein, report.Kafka}, func(ctx context.Context, side string) (values, error) {
		c, err := b.crewOf(ctx, side, name)
		if err != nil {
			return nil, err
		}
		v, err := measure(ctx, c)
		return v, errors.Join(err, c.remove())
	})
}

// clusterStart is from the start of the processes on empty folders until a
// record is acknowledged by all replicas of a new topic.
func (b *Bench) clusterStart(ctx context.Context) error {
	return b.turns(ctx, "cluster-start", []string{report.Skein, report.Kafka}, func(ctx context.Context, side string) (values, error) {
		c, err := b.prepareCrew(side, "cluster-start")
		if err != nil {
			return nil, err
		}
		began := time.Now()
		err = c.Start(ctx)
		if err == nil {
			err = c.firstRecord(ctx, b.newName())
		}
		took := time.Since(began)
		m, memoryErr := c.memory()
		return values{"ms": milliseconds(took), "rss_mb": float64(m.RSS) / 1e6}, errors.Join(err, memoryErr, c.remove())
	})
}

func (c *crew) firstRecord(ctx context.Context, topic string) error {
	if _, err := c.admin.CreateTopic(ctx, 1, nodes, nil, topic); err != nil {
		return err
	}
	return c.client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("first")}).FirstErr()
}
