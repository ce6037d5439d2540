package oldconsumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein"
	"github.com/skein-io/skein/internal/cli"
	"github.com/skein-io/skein/internal/oldconsumer"
	"github.com/skein-io/skein/test/services"
)

// shared is the servers of the tests, each started by the first that wants it, and stopped by TestMain.
var shared struct {
	dir                    string
	zooOnce, kafkaOnce     sync.Once
	zoo                    *services.ZooKeeperEnsemble
	zooErr, kafkaErr       error
	kafka                  *services.Kafka
	skeinOnce              sync.Once
	skein                  *skein.Node
	skeinErr               error
	chroots, topics, names atomic.Int64
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "skein-oldconsumer")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared.dir = dir
	defer func() {
		if shared.zoo != nil {
			err = errors.Join(err, shared.zoo.Kill())
		}
		if shared.kafka != nil {
			err = errors.Join(err, shared.kafka.Kill())
		}
		if shared.skein != nil {
			err = errors.Join(err, shared.skein.Close())
		}
	}()
	return m.Run(), nil
}

// zooKeeper is its address.
func zooKeeper(t testing.TB) string {
	t.Helper()
	shared.zooOnce.Do(func() {
		shared.zoo, shared.zooErr = services.NewZooKeeper(services.Options{Dir: filepath.Join(shared.dir, "zookeeper"), ReadyTimeout: 3 * time.Minute}, 1)
		if shared.zooErr == nil {
			shared.zooErr = shared.zoo.Start(context.Background())
		}
	})
	if shared.zooErr != nil {
		t.Fatalf("these tests need Apache ZooKeeper %s, which a JDK and Maven bring: %v", services.ZooKeeperVersion, shared.zooErr)
	}
	return shared.zoo.Connect()
}

func skeinAddr(t testing.TB) string {
	t.Helper()
	shared.skeinOnce.Do(func() {
		shared.skein, shared.skeinErr = skein.Open(skein.Config{DataDir: filepath.Join(shared.dir, "skein"), Listen: "127.0.0.1:0",
			Set: []string{"group.initial.rebalance.delay.ms=0"}})
	})
	if shared.skeinErr != nil {
		t.Fatal(shared.skeinErr)
	}
	return shared.skein.Bootstrap()
}

func kafkaAddr(t testing.TB) string {
	t.Helper()
	shared.kafkaOnce.Do(func() {
		shared.kafka, shared.kafkaErr = services.NewKafka(services.Options{Dir: filepath.Join(shared.dir, "kafka"), ReadyTimeout: 4 * time.Minute,
			Properties: map[string]string{"group.initial.rebalance.delay.ms": "0"}}, services.JVM{})
		if shared.kafkaErr == nil {
			shared.kafkaErr = shared.kafka.Start(context.Background())
		}
	})
	if shared.kafkaErr != nil {
		t.Fatalf("these tests need Apache Kafka %s, which a JDK and Maven bring: %v", services.KafkaVersion, shared.kafkaErr)
	}
	return shared.kafka.Addr()
}

// brokers runs a test on skein and on Apache Kafka.
func brokers(t *testing.T, f func(t *testing.T, bootstrap string)) {
	t.Run("skein", func(t *testing.T) { f(t, skeinAddr(t)) })
	t.Run("kafka", func(t *testing.T) { f(t, kafkaAddr(t)) })
}

// tree is a chroot of the test's own, as a Kafka 0.8 and its consumers leave one.
type tree struct {
	t    *testing.T
	conn *zk.Conn
	root string
	addr string // for --zookeeper
}

func plant(t *testing.T) *tree {
	t.Helper()
	addr := zooKeeper(t)
	conn, events, err := zk.Connect([]string{addr}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	go func() {
		for range events {
		}
	}()
	root := fmt.Sprintf("/kafka-%d", shared.chroots.Add(1))
	tr := &tree{t: t, conn: conn, root: root, addr: addr + root}
	tr.put("/brokers/ids/1", `{"jmx_port":-1,"timestamp":"1396441341293","host":"kafka1","version":1,"port":9092}`)
	tr.put("/consumers", "")
	return tr
}

// put makes a znode that stays, with those above it.
func (tr *tree) put(path, data string) {
	tr.t.Helper()
	tr.make(path, data, zk.FlagPersistent, zk.WorldACL(zk.PermAll))
}

func (tr *tree) make(path, data string, flags int32, acl []zk.ACL) {
	tr.t.Helper()
	full := tr.root + path
	for i := 1; i < len(full); i++ {
		if full[i] != '/' {
			continue
		}
		if _, err := tr.conn.Create(full[:i], nil, zk.FlagPersistent, zk.WorldACL(zk.PermAll)); err != nil && !errors.Is(err, zk.ErrNodeExists) {
			tr.t.Fatal(err)
		}
	}
	if _, err := tr.conn.Create(full, []byte(data), flags, acl); err != nil {
		tr.t.Fatalf("%s: %v", full, err)
	}
}

func (tr *tree) offset(group, topic string, partition int32, offset string) {
	tr.t.Helper()
	tr.put(oldconsumer.OffsetPath(group, topic, partition), offset)
}

// all is every znode with its data and version.
func (tr *tree) all() string {
	tr.t.Helper()
	var b strings.Builder
	var walk func(path string)
	walk = func(path string) {
		data, stat, err := tr.conn.Get(path)
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", path, err)
			return
		}
		fmt.Fprintf(&b, "%s=%q v%d %d\n", path, data, stat.Version, stat.Cversion)
		names, _, err := tr.conn.Children(path)
		if err != nil {
			tr.t.Fatal(err)
		}
		for _, name := range names {
			walk(path + "/" + name)
		}
	}
	walk(tr.root)
	return b.String()
}

// skeinRun runs the binary's command in this process.
func skeinRun(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Main(args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// importing is the command, with what each test wants besides.
func (tr *tree) importing(bootstrap string, more ...string) (code int, stdout, stderr string) {
	return skeinRun(append([]string{"group", "import-zookeeper", "--bootstrap-server", bootstrap, "--zookeeper", tr.addr, "--timeout", "1m"}, more...)...)
}

// topic makes a topic with so many records in each partition.
func topic(t *testing.T, bootstrap string, partitions int32, records int) string {
	t.Helper()
	name := fmt.Sprintf("orders-%d", shared.topics.Add(1))
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if made, err := kadm.NewClient(client).CreateTopic(ctx, partitions, 1, nil, name); err != nil || made.Err != nil {
		t.Fatal(err, made.Err)
	}
	var all []*kgo.Record
	for p := range partitions {
		for i := range records {
			all = append(all, &kgo.Record{Topic: name, Partition: p, Value: fmt.Appendf(nil, "%d", i)})
		}
	}
	if err := client.ProduceSync(ctx, all...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return name
}

// committed is what the coordinator has of a group.
func committed(t *testing.T, bootstrap, group string) map[string]map[int32]int64 {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	found, err := kadm.NewClient(client).FetchOffsets(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	offsets := map[string]map[int32]int64{}
	found.Each(func(o kadm.OffsetResponse) {
		if offsets[o.Topic] == nil {
			offsets[o.Topic] = map[int32]int64{}
		}
		offsets[o.Topic][o.Partition] = o.At
	})
	return offsets
}

// groupName is one that no other test has.
func groupName() string { return fmt.Sprintf("billing-%d", shared.names.Add(1)) }
