// Command takeover gives the __consumer_offsets that skein wrote to Apache Kafka and demands that Kafka loads it: its
// groups and offsets are there, and what skein alone writes, the groups' diaries, is skipped. Kafka's DumpLogSegments
// must read the same log. At most one of the two brokers runs at a time.
//
//	go run ./takeover [-skein BINARY]
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/test/services"
)

const (
	topic   = "orders"
	group   = "billing" // has a diary
	deleted = "gone"    // had one: its tombstones are in the log
	records = 10
	// unknown is what Kafka's loader and its tool say of a diary's records.
	unknown = "Unknown record type 16384"
)

// diaryKey is how the key of a diary's record begins.
var diaryKey = append([]byte{0x40, 0, 0, byte(len(group))}, group...)

func main() {
	binary := flag.String("skein", "../../bin/skein", "the skein binary")
	out := flag.String("out", "../../out/takeover", "folder for the brokers' data")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := run(ctx, *binary, *out); err != nil {
		fmt.Fprintln(os.Stderr, "takeover:", err)
		os.Exit(1)
	}
	fmt.Println("takeover: Apache Kafka", services.KafkaVersion, "loads what skein wrote and skips the diaries")
}

func run(ctx context.Context, binary, out string) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	properties := map[string]string{"group.initial.rebalance.delay.ms": "0", "offsets.topic.num.partitions": "1"}
	skein, err := services.NewSkein(binary, services.Options{Dir: filepath.Join(out, "skein"), Properties: properties})
	if err != nil {
		return err
	}
	kafka, err := services.NewKafka(services.Options{Dir: filepath.Join(out, "kafka"), Properties: properties}, services.JVM{})
	if err != nil {
		return err
	}
	if err := during(ctx, skein, fill); err != nil {
		return fmt.Errorf("skein: %w", err)
	}
	const partition = "__consumer_offsets-0"
	log := filepath.Join(skein.LogDir(), partition, "00000000000000000000.log")
	written, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	if n := bytes.Count(written, diaryKey); n < 3 {
		return fmt.Errorf("skein wrote %d entries of the diary of %s, want 3 or more", n, group)
	}
	if err := dump(ctx, log); err != nil {
		return err
	}
	if err := during(ctx, kafka, touch); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	if err := replace(filepath.Join(kafka.LogDir(), partition), filepath.Dir(log)); err != nil {
		return err
	}
	if err := during(ctx, kafka, verify); err != nil {
		return fmt.Errorf("kafka with skein's log: %w", err)
	}
	return said(filepath.Join(kafka.Dir(), "server.log"))
}

// during does something while a broker runs.
func during(ctx context.Context, broker services.Broker, do func(context.Context, *kadm.Client, string) error) error {
	if err := broker.Start(ctx); err != nil {
		return err
	}
	defer func() { _ = broker.Kill() }()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr()))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := do(ctx, kadm.NewClient(client), broker.Addr()); err != nil {
		return err
	}
	return broker.Stop()
}

// fill makes groups with a history: members that come, commit and leave.
func fill(ctx context.Context, admin *kadm.Client, addr string) error {
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		return err
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	defer producer.Close()
	for i := range records {
		if err := producer.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			return err
		}
	}
	for _, name := range []string{group, group, deleted} {
		if err := consume(ctx, addr, name); err != nil {
			return fmt.Errorf("group %s: %w", name, err)
		}
	}
	responses, err := admin.DeleteGroups(ctx, deleted)
	if err != nil {
		return err
	}
	return responses.Error()
}

// consume is one member's life: it joins, reads a record at least, commits all, leaves.
func consume(ctx context.Context, addr, name string) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumerGroup(name), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer c.Close()
	assigned := func() bool { _, generation := c.GroupMetadata(); return generation > 0 }
	for !assigned() {
		poll, cancel := context.WithTimeout(ctx, time.Second)
		c.PollFetches(poll)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return c.CommitRecords(ctx, &kgo.Record{Topic: topic, Offset: records - 1, LeaderEpoch: -1})
}

// touch makes Kafka create its __consumer_offsets.
func touch(ctx context.Context, admin *kadm.Client, addr string) error {
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		return err
	}
	return consume(ctx, addr, "touch")
}

// replace puts the files of one partition's folder into another's, but for the topic's id.
func replace(folder, from string) error {
	const id = "partition.metadata"
	old, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range old {
		if f.Name() == id {
			continue
		}
		if err := os.Remove(filepath.Join(folder, f.Name())); err != nil {
			return err
		}
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Name() == id {
			continue
		}
		b, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, f.Name()), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// verify looks for skein's groups in Kafka, and lets one go on there.
func verify(ctx context.Context, admin *kadm.Client, addr string) error {
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return err
	}
	if o, ok := offsets.Lookup(topic, 0); !ok || o.Err != nil || o.At != records {
		return fmt.Errorf("group %s has the offset %+v, want %d", group, o, records)
	}
	groups, err := admin.DescribeGroups(ctx, group, deleted)
	if err != nil {
		return err
	}
	if g := groups[group]; g.Err != nil || g.State != "Empty" || g.ProtocolType != "consumer" {
		return fmt.Errorf("group %s is %+v, want it Empty", group, g)
	}
	if g := groups[deleted]; g.Err == nil && g.State != "Dead" {
		return fmt.Errorf("group %s was deleted and is %+v", deleted, g)
	}
	if err := consume(ctx, addr, group); err != nil {
		return err
	}
	left, err := admin.DeleteGroups(ctx, group)
	if err != nil {
		return err
	}
	return left.Error()
}

// dump lets Kafka's DumpLogSegments read a log of __consumer_offsets.
func dump(ctx context.Context, log string) error {
	lib, err := services.KafkaJars()
	if err != nil {
		return err
	}
	out, err := services.Tool(ctx, lib, "org.apache.kafka.tools.DumpLogSegments", "--offsets-decoder", "--files", log).CombinedOutput()
	text := string(out)
	if err != nil {
		return fmt.Errorf("DumpLogSegments: %w\n%s", err, text)
	}
	for _, want := range []string{`key: ` + unknown + ` at offset`, `"type":"2","data":{"group":"` + group + `"`, `"type":"1","data":{"group":"` + group + `"`} {
		if !strings.Contains(text, want) {
			return fmt.Errorf("DumpLogSegments: %q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "isvalid: false") || strings.Contains(text, "Error") {
		return fmt.Errorf("DumpLogSegments found something wrong:\n%s", text)
	}
	return nil
}

// said looks into Kafka's own log: it skipped the diaries, and nothing of the load failed.
func said(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(unknown)) {
		return fmt.Errorf("%s: %q is not in it: were the diaries loaded?", file, unknown)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, " ERROR ") {
			return fmt.Errorf("%s: %s", file, line)
		}
	}
	return nil
}
