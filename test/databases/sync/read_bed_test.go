package sync

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/perceptor/pipeline"
)

// foreign are records of one table that another program has written, and what they come to.
type foreign struct {
	format string // what read.format says
	read   string // the other keys of read, each with a comma in front
	table  string // the source's DATABASE.TABLE, whose table is orders; empty is shop.orders
	// columns are those of MySQL's table, the key id in front.
	columns string
	key     []string
	// records are in the order in which they were written.
	records []*kgo.Record
	// inMySQL and inHBase are the columns that are compared, as expressions and as qualifiers, and want what the rows then are, in
	// the order of the key.
	inMySQL, inHBase         string
	wantInMySQL, wantInHBase func() string
	broken                   []broken
	// prepare does what else there has to be, if it is not nil.
	prepare func(t *testing.T, name string)
	// good is a record of a row that MySQL shows as goodRow, in its first columns.
	good    *kgo.Record
	goodRow string
}

// broken is a record that cannot be read, or not be written, with what is said of it.
type broken struct {
	what, says string
	saysMySQL  string // if it is another thing
	record     *kgo.Record
	only       string // the sink that cannot write it: HBase has no types and takes any column
}

// said is what a sink says of it; empty if it takes it.
func (b *broken) said(sink string) string {
	switch {
	case b.only != "" && b.only != sink:
		return ""
	case sink == "mysql" && b.saysMySQL != "":
		return b.saysMySQL
	}
	return b.says
}

const foreignFile = `name: NAME
brokers: {addresses: $BROKER}
topics: {prefix: NAME}
read: {topics: [NAME], format: FORMAT}
sinks:
  - type: hbase
    zookeeper: $ZOOKEEPER
    create: true
    tables: {TABLE: {name: NAME}}
    bad-records: POLICY
  - type: mysql
    address: $TARGET
    user: skein
    password: {file: password}
    database: NAME
    tables: [TABLE]
    bad-records: POLICY
`

func (f *foreign) file(t *testing.T, name, policy string) string {
	return file(t, strings.NewReplacer("TABLE", f.source(), "NAME", name, "FORMAT", f.format+f.read, "POLICY", policy).Replace(foreignFile))
}

const versionColumns = ", execute_time BIGINT NULL, binlog_position BINARY(16) NULL, source_epoch INT UNSIGNED NULL, row_deleted BOOLEAN NOT NULL DEFAULT FALSE"

func (f *foreign) source() string { return cmp.Or(f.table, "shop.orders") }

// through waits until sinks have acknowledged all that is in their topics.
func through(t *testing.T, path string, sinks ...string) {
	t.Helper()
	until(t, "all is acknowledged", func() (string, bool) {
		all := status(t, path).Sinks
		for _, s := range all {
			for _, one := range s.Processes {
				if slices.Contains(sinks, s.Name) && one.State == pipeline.Failed && !one.Stale {
					t.Fatalf("%s failed: %s", one.Part, one.Problem)
				}
			}
			if slices.Contains(sinks, s.Name) && (s.Lag > 0 || len(s.Topics) == 0) {
				return fmt.Sprintf("%+v", all), false
			}
		}
		return "", true
	})
}

// target makes MySQL's table anew. HBase's is made by the sink.
func (f *foreign) target(t *testing.T, name string) {
	t.Helper()
	shared.target.exec(t, "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4",
		"CREATE TABLE "+name+".orders ("+f.columns+versionColumns+", PRIMARY KEY ("+strings.Join(f.key, ", ")+"))")
	if f.prepare != nil {
		f.prepare(t, name)
	}
}

// prove lets the binary carry the records into both targets: in order; late, twice and in any partition; and with broken ones among
// them, under both policies.
func (f *foreign) prove(t *testing.T, name string) {
	t.Run("in order", func(t *testing.T) {
		f.target(t, name)
		topic(t, name, 1)
		produce(t, name, f.records...)
		p := runPipeline(t, f.file(t, name, "stop"))
		f.same(t, name)
		p.stop()
	})
	t.Run("in no order", func(t *testing.T) { f.proveLate(t, name+"_late") })
	t.Run("dead letters", func(t *testing.T) { f.proveDeadLetters(t, name+"_broken") })
	t.Run("stop", func(t *testing.T) { f.proveStops(t, name+"_stop") })
}

func (f *foreign) proveLate(t *testing.T, name string) {
	f.target(t, name)
	topic(t, name, 3)
	r := rand.New(rand.NewPCG(9, 9))
	var records []*kgo.Record
	for _, one := range append(slices.Clone(f.records), f.records...) {
		late := *one
		late.Partition = int32(r.IntN(3))
		records = append(records, &late)
	}
	r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	produce(t, name, records...)
	p := runPipeline(t, f.file(t, name, "stop"))
	f.same(t, name)
	p.stop()
}

// same waits until both targets are as they have to be.
func (f *foreign) same(t *testing.T, name string) {
	t.Helper()
	hbase := hbaseClient(t)
	through(t, f.file(t, name, "stop"), "hbase", "mysql")
	same(t, name+" in MySQL", f.wantInMySQL, func() string {
		return shared.target.rows(context.Background(), "SELECT "+f.inMySQL+" FROM "+name+".orders WHERE NOT row_deleted ORDER BY "+strings.Join(f.key, ", "))
	})
	same(t, name+" in HBase", f.wantInHBase, func() string { return cells(context.Background(), hbase, name, "d", strings.Split(f.inHBase, ",")...) })
}

// proveDeadLetters puts all broken records in front of a good one: each is a dead letter of each sink that cannot read or write it,
// with its place and the reason, and the good one is written.
func (f *foreign) proveDeadLetters(t *testing.T, name string) {
	f.target(t, name)
	topic(t, name, 1)
	for i := range f.broken {
		produce(t, name, f.broken[i].record)
	}
	produce(t, name, f.good)
	path := f.file(t, name, "dead-letter")
	p := runPipeline(t, path)
	through(t, path, "hbase", "mysql")
	if got := shared.target.rows(t.Context(), "SELECT * FROM "+name+".orders"); !strings.Contains("\n"+got, "\n"+f.goodRow) {
		t.Errorf("MySQL has %q", got)
	}
	id, _, _ := strings.Cut(f.goodRow, "|")
	if got, err := hbaseClient(t).Get(t.Context(), name, []byte(id), nil); err != nil || len(got.Cells) == 0 {
		t.Errorf("HBase has not the row %s: %v", id, err)
	}
	p.stop()
	letters := map[string]int{}
	for _, letter := range everything(t, name+".dead-letter") {
		headers := map[string]string{}
		for _, h := range letter.Headers {
			headers[h.Key] = string(h.Value)
		}
		at, err := strconv.Atoi(headers[consumer.HeaderOffset])
		if err != nil || at >= len(f.broken) || headers[consumer.HeaderTopic] != name || headers[consumer.HeaderPartition] != "0" {
			t.Fatalf("a dead letter says %v", headers)
		}
		b := &f.broken[at]
		sink := strings.TrimPrefix(headers[consumer.HeaderGroup], "skein-sync."+name+".")
		if says := b.said(sink); says == "" || string(letter.Value) != string(b.record.Value) || !strings.Contains(headers[consumer.HeaderError], says) {
			t.Errorf("%s, %s: the dead letter says %q, not %q: %.200s", b.what, sink, headers[consumer.HeaderError], says, letter.Value)
		}
		letters[fmt.Sprint(at, sink)]++
	}
	for at := range f.broken {
		for _, sink := range []string{"hbase", "mysql"} {
			if got, want := letters[fmt.Sprint(at, sink)], f.broken[at].said(sink) != ""; got > 1 || (got == 1) != want {
				t.Errorf("%s: %d dead letters of %s", f.broken[at].what, got, sink)
			}
		}
	}
}

// proveStops takes one broken record at a time.
func (f *foreign) proveStops(t *testing.T, name string) {
	for i := range f.broken {
		t.Run(f.broken[i].what, func(t *testing.T) { f.proveStop(t, fmt.Sprint(name, i), &f.broken[i]) })
	}
}

// proveStop puts a broken record in front of a good one: each sink ends at it and names it, as often as it is started.
func (f *foreign) proveStop(t *testing.T, name string, b *broken) {
	f.target(t, name)
	topic(t, name, 1)
	path := f.file(t, name, "stop")
	produce(t, name, b.record, f.good)
	all := status(t, path).Sinks
	for i, sink := range []string{"hbase", "mysql"} {
		if all[i].Name != sink {
			t.Fatalf("the sinks are %+v", all)
		}
		says := b.said(sink)
		if says == "" {
			continue
		}
		for range 2 {
			p := runPipeline(t, path, "--only", sink)
			if err := p.ended(); err == nil {
				t.Errorf("%s: it ended well", sink)
			}
			said := p.log.String()
			for _, want := range []string{"sink " + sink, name + "-0@0", says} {
				if !strings.Contains(said, want) {
					t.Errorf("%s: it does not say %q:\n%s", sink, want, tail(said, 2000))
				}
			}
		}
		s := status(t, path).Sinks[i]
		if len(s.Blocked) != 1 || s.Blocked[0].Topic != name || s.Blocked[0].Offset != 0 || s.Lag != 2 || len(s.Processes) == 0 || s.Processes[0].State != pipeline.Failed {
			t.Errorf("status of the one that stopped: %+v", s)
		}
	}
}

// rewrite changes a file.
func rewrite(t testing.TB, path, old, with string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), old) != 1 {
		t.Fatalf("%q is not in %s", old, text)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, with, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// topic makes a topic.
func topic(t testing.TB, name string, partitions int32) {
	t.Helper()
	c := kafka(t)
	if _, err := kadm.NewClient(c).CreateTopic(t.Context(), partitions, 1, map[string]*string{"max.message.bytes": kadm.StringPtr("20000000")}, name); err != nil {
		t.Fatalf("topic %s: %v", name, err)
	}
}

func kafka(t testing.TB, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(shared.broker.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(19_000_000)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// produce writes records to a topic, each to the partition that it names.
func produce(t testing.TB, topic string, records ...*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := kafka(t)
	for _, r := range records {
		copied := *r
		copied.Topic = topic
		if err := c.ProduceSync(ctx, &copied).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// everything is what a topic has now.
func everything(t testing.TB, topic string) (all []*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := kafka(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ends, err := kadm.NewClient(c).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	ends.Each(func(o kadm.ListedOffset) { want += int(o.Offset) })
	for len(all) < want {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d records of %d of %s: %v", len(all), want, topic, err)
		}
		all = append(all, fetches.Records()...)
	}
	return all
}
