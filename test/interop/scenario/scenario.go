// Package scenario holds what every client family has to go through: produce,
// group, commit, seek, admin, heartbeat and kill, one file each, and Kafka's
// own tools. A scenario tells client programs what to do and checks what they
// said against the topic itself, the same way for every family. It installs
// nothing and prints nothing. Start at PerFamily.
package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/line"
	"github.com/skein-io/skein/test/services"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Env is what a scenario works with.
type Env struct {
	// Name is "skein" or "kafka".
	Name string
	// Bootstrap is host:port of the broker, or of every node with commas between.
	Bootstrap string
	// Broker is nil in a cluster, Cluster is nil with a single broker.
	Broker  services.Broker
	Cluster *services.Cluster
	// Records is the number of records a run is made of: 10,000 in full.
	Records int
	// Strict judges latencies too; it is set for skein, whose promise they are.
	Strict bool

	replicas int16 // of the topics that scenarios make
	cl       *kgo.Client
	adm      *kadm.Client
}

// Notes are findings for the report that are no failure.
type Notes map[string]string

// Scenario is one column of the report.
type Scenario struct {
	Name string
	// Applies is nil when the scenario fits every family.
	Applies func(*family.Family) bool
	// KafkaOnly is why the scenario is not run on skein, if it is not.
	KafkaOnly string
	Run       func(ctx context.Context, env *Env, f *family.Family) (Notes, error)
}

// PerFamily are the scenarios that families run by themselves, side by side, those that apply.
var PerFamily = []Scenario{
	{Name: "produce", Run: Produce},
	{Name: "group", Run: Group},
	Cooperative,
	Mixed,
	MixedCooperative,
	GroupNext,
	MixedNext,
	{Name: "commit", Run: Commit},
	{Name: "seek", Run: Seek},
	{Name: "admin", Run: Admin},
}

const (
	partitions = 6
	keys       = 101
	valueSize  = 100
)

// NewEnv connects the orchestrator's own client to a single broker.
func NewEnv(broker services.Broker, records int) (*Env, error) {
	return (&Env{Name: broker.Name(), Bootstrap: broker.Addr(), Broker: broker, Records: records, replicas: 1}).connect()
}

// NewClusterEnv connects it to a cluster. Topics are replicated to three nodes.
func NewClusterEnv(cluster *services.Cluster, records int) (*Env, error) {
	return (&Env{Name: cluster.Name(), Bootstrap: cluster.Addr(), Cluster: cluster, Records: records, replicas: 3}).connect()
}

func (e *Env) connect() (*Env, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(line.Addresses(e.Bootstrap)...), kgo.ClientID("interop-orchestrator"),
		kgo.MetadataMinAge(100*time.Millisecond)) // what is asked for is asked, not remembered
	if err != nil {
		return nil, err
	}
	e.Strict = e.Name == "skein"
	e.cl, e.adm = cl, kadm.NewClient(cl)
	return e, nil
}

// Warm makes the broker do once what it does on first use: give out producer
// ids and create the offsets topic. Apache Kafka took more than a minute for
// its first producer id on a busy machine, which no client waits for.
func (e *Env) Warm(ctx context.Context) error {
	return e.until(ctx, "first producer id and coordinator", 5*time.Minute, func() (bool, error) {
		req := kmsg.NewInitProducerIDRequest()
		req.TransactionTimeoutMillis = 60000
		resp, err := req.RequestWith(ctx, e.cl)
		if err != nil || resp.ErrorCode != 0 {
			return false, nil
		}
		_, err = e.committed(ctx, "warm", "warm")
		return err == nil, nil
	})
}

// Close ends the orchestrator's client.
func (e *Env) Close() { e.cl.Close() }

// topic creates an empty topic. Apache Kafka answers before the partitions can
// be written to, and a producer that comes too early may lose its first batch
// to OUT_OF_ORDER_SEQUENCE_NUMBER for good: there it waits until the leaders
// answer ListOffsets. skein answers when the partitions are ready, so with
// skein it does not wait, unless it is a cluster: there the node that answered is ready, and others may be a moment behind.
func (e *Env) topic(ctx context.Context, name string, partitions int32) error {
	resp, err := e.adm.CreateTopic(ctx, partitions, e.replicas, nil, name)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	if resp.Err != nil {
		return fmt.Errorf("create %s: %w %s", name, resp.Err, resp.ErrMessage)
	}
	if e.Strict && e.Cluster == nil {
		return nil
	}
	return e.until(ctx, "leaders of "+name, 10*time.Second, func() (bool, error) {
		ends, err := e.adm.ListEndOffsets(ctx, name)
		return err == nil && ends.Error() == nil && len(ends[name]) == int(partitions), nil
	})
}

var codecOptions = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// seed fills a topic with records 0 to n-1 in batches of every codec that the
// family can read. Timestamps rise by a second a record.
func (e *Env) seed(ctx context.Context, f *family.Family, topic, tag string, n int, start time.Time) error {
	share := (n + len(f.Codecs) - 1) / len(f.Codecs)
	for c, codec := range f.Codecs {
		if err := e.seedCodec(ctx, codec, topic, tag, c*share, min(n, (c+1)*share), start); err != nil {
			return fmt.Errorf("seed %s with %s: %w", topic, codec, err)
		}
	}
	return nil
}

func (e *Env) seedCodec(ctx context.Context, codec, topic, tag string, from, to int, start time.Time) error {
	const batch = 100
	cl, err := kgo.NewClient(kgo.SeedBrokers(line.Addresses(e.Bootstrap)...), kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(codecOptions[codec]), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		return err
	}
	defer cl.Close()
	for ; from < to; from += batch {
		if err := cl.ProduceSync(ctx, seedBatch(tag, from, min(from+batch, to), start)...).FirstErr(); err != nil {
			return err
		}
	}
	return nil
}

func seedBatch(tag string, from, to int, start time.Time) []*kgo.Record {
	var batch []*kgo.Record
	for i := from; i < to; i++ {
		r := &kgo.Record{Key: []byte(line.Key(tag, i, keys)), Value: []byte(line.Value(tag, i, valueSize)),
			Timestamp: start.Add(time.Duration(i) * time.Second)}
		for _, h := range line.Headers(tag, i) {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
		}
		batch = append(batch, r)
	}
	return batch
}

// until asks every 20 ms until the answer is yes, an error or the time is up.
func (e *Env) until(ctx context.Context, what string, most time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		done, err := ask()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %v", what, most)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// committed are a group's offsets of one topic, as the broker tells them.
func (e *Env) committed(ctx context.Context, group, topic string) (map[int32]int64, error) {
	all, err := e.adm.FetchOffsets(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("offsets of %s: %w", group, err)
	}
	found := map[int32]int64{}
	all.Each(func(o kadm.OffsetResponse) {
		if o.Topic == topic && o.Err == nil && o.At >= 0 {
			found[o.Partition] = o.At
		}
	})
	return found, all.Error()
}

// committedAnew is committed by a client that knows nothing yet. franz-go asks a coordinator that it cannot reach for offsets
// again and again, and does not look for another.
func (e *Env) committedAnew(ctx context.Context, group, topic string) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	fresh := *e
	if _, err := fresh.connect(); err != nil {
		return nil, err
	}
	defer fresh.Close()
	return fresh.committed(ctx, group, topic)
}

// named makes a topic or group name of the scenario and the family.
func named(f *family.Family, parts ...string) string {
	return strings.Join(append([]string{f.Name}, parts...), "-")
}

func every(partitions int) []int32 {
	all := make([]int32, partitions)
	for i := range all {
		all[i] = int32(i)
	}
	return all
}
