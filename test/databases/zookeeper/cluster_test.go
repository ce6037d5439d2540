package zookeeper

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/quorum/zookeeper"
	"github.com/skein-io/skein/test/services"
)

// cluster is three brokers, as processes, with their metadata in ZooKeeper.
type cluster struct {
	t     *testing.T
	nodes []*services.Skein
	see   *zookeeper.Session // of an onlooker
}

func newCluster(t *testing.T, at string, n int, more map[string]string) *cluster {
	t.Helper()
	c := &cluster{t: t}
	dir := t.TempDir()
	for i := range n {
		properties := map[string]string{
			"node.id": strconv.Itoa(i + 1), "zookeeper.connect": at, "zookeeper.session.timeout.ms": strconv.FormatInt(sessionTimeout.Milliseconds(), 10),
			"zookeeper.connection.timeout.ms": "60000", "default.replication.factor": strconv.Itoa(n), "min.insync.replicas": strconv.Itoa(min(n, 2)),
		}
		maps.Copy(properties, more)
		s, err := services.NewSkein(skeinBinary(t), services.Options{Dir: filepath.Join(dir, strconv.Itoa(i+1)), Properties: properties})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, s)
	}
	t.Cleanup(func() {
		for _, s := range c.nodes {
			_ = s.Kill()
		}
	})
	c.see = connect(t, at)
	t.Cleanup(c.see.Close)
	var work sync.WaitGroup
	for i := range c.nodes {
		work.Go(func() { c.start(i + 1) })
	}
	if work.Wait(); t.Failed() {
		t.FailNow()
	}
	return c
}

func (c *cluster) start(id int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.nodes[id-1].Start(ctx); err != nil {
		c.t.Error(err)
	}
}

func (c *cluster) client(options ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	var seeds []string
	for _, s := range c.nodes {
		seeds = append(seeds, s.Addr())
	}
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(seeds...), kgo.MetadataMinAge(50 * time.Millisecond), kgo.MetadataMaxAge(2 * time.Second),
		kgo.RetryTimeout(patience), kgo.RequestTimeoutOverhead(5 * time.Second)}, options...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

// create creates a topic, and asks again while nobody can.
func (c *cluster) create(client *kgo.Client, name string, partitions int32) {
	c.t.Helper()
	await(c.t, "topic "+name, func() bool {
		request := kmsg.NewPtrCreateTopicsRequest()
		request.TimeoutMillis = 10_000
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, -1
		request.Topics = append(request.Topics, topic)
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		response, err := request.RequestWith(ctx, client)
		if err != nil || len(response.Topics) != 1 {
			return false
		}
		code := kerr.ErrorForCode(response.Topics[0].ErrorCode)
		return code == nil || code == kerr.TopicAlreadyExists
	})
}

// controller waits until somebody is the controller, in an epoch after one.
func (c *cluster) controller(after int64) (id int32, epoch int64) {
	c.t.Helper()
	await(c.t, fmt.Sprint("a controller after epoch ", after), func() bool {
		id, epoch = controllerOf(c.t, c.see)
		return id >= 0 && epoch > after
	})
	return id, epoch
}

// load produces numbers to a topic, each acknowledged by all in-sync replicas, until it is ended.
type load struct {
	client *kgo.Client
	quit   chan struct{}
	done   chan struct{}
	mu     sync.Mutex
	acked  map[uint64]struct{}
	failed []error
}

func (c *cluster) load(topic string) *load {
	l := &load{client: c.client(kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.MaxBufferedRecords(500), kgo.ProducerLinger(0)),
		quit: make(chan struct{}), done: make(chan struct{}), acked: map[uint64]struct{}{}}
	go func() {
		defer close(l.done)
		for i := uint64(0); ; i++ {
			select {
			case <-l.quit:
				return
			case <-time.After(2 * time.Millisecond):
			}
			l.client.Produce(context.Background(), &kgo.Record{Value: binary.BigEndian.AppendUint64(nil, i)}, func(_ *kgo.Record, err error) {
				l.mu.Lock()
				defer l.mu.Unlock()
				if err != nil {
					l.failed = append(l.failed, err)
					return
				}
				l.acked[i] = struct{}{}
			})
		}
	}()
	return l
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// goesOn waits until more is acknowledged.
func (l *load) goesOn(t *testing.T) {
	t.Helper()
	before := l.count()
	await(t, "more records to be acknowledged", func() bool { return l.count() > before+10 })
}

// end ends the load, reads the topic, and looks whether every record that was acknowledged is there.
func (l *load) end(c *cluster, topic string) {
	c.t.Helper()
	close(l.quit)
	<-l.done
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.client.Flush(ctx); err != nil {
		c.t.Error(err)
	}
	l.client.Close()
	l.mu.Lock()
	missing := maps.Clone(l.acked)
	l.mu.Unlock()
	c.t.Logf("%d records acknowledged, %d not stored", len(missing), len(l.failed))
	reader := c.client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer reader.Close()
	for len(missing) > 0 && ctx.Err() == nil {
		reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) { delete(missing, binary.BigEndian.Uint64(r.Value)) })
	}
	if len(missing) > 0 {
		c.t.Errorf("%d acknowledged records are lost, among them %d", len(missing), slices.Min(slices.Collect(maps.Keys(missing))))
	}
}
