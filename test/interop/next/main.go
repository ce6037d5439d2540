// Command next goes through what package consumer does by the consumer protocol (KIP-848) on Apache Kafka: patterns,
// topics that grow and are made again, static members, an application that does not poll, assignors, refusals, groups in
// which members of both protocols are, a cluster whose feature is off, and the death of the coordinator's node. The scenarios of cmd/interop have the members
// that come, go and die under load. It stands beside them because each of these needs another broker or topic.
//
//	go run ./next [-step NAME]
package main

import (
	"context"
	"errors"
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

// session is group.consumer.session.timeout.ms, and interval the time between two heartbeats.
const (
	session  = 6 * time.Second
	interval = time.Second
	// patience is for what takes a second on a machine that is not busy.
	patience = time.Minute
)

// step is one behaviour. It has topics and a group of its own, by its name.
type step struct {
	name string
	run  func(*bench) error
}

// steps on one node in order: the last turns the feature off.
var steps = []step{
	{"share", share},
	{"pattern", pattern},
	{"topic-grows", topicGrows},
	{"topic-made-again", topicMadeAgain},
	{"static", static},
	{"poll-interval", pollInterval},
	{"killed", killed},
	{"assignors", assignors},
	{"both-protocols", bothProtocols},
	{"feature-off", featureOff},
}

// failover needs a cluster of three.
var failover = step{"failover", coordinatorDies}

func main() {
	out := flag.String("out", "../../out/next", "folder for the broker's data")
	only := flag.String("step", "", "only this step")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	failures, err := run(ctx, *out, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "next:", err)
		os.Exit(2)
	}
	fmt.Printf("%d steps failed on Apache Kafka %s; skein's broker has no ConsumerGroupHeartbeat\n", failures, services.KafkaVersion)
	os.Exit(min(failures, 1))
}

func run(ctx context.Context, out, only string) (failures int, err error) {
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	o := services.Options{Dir: filepath.Join(out, "kafka"), Properties: map[string]string{
		"group.initial.rebalance.delay.ms":         "0",
		"group.consumer.min.session.timeout.ms":    fmt.Sprint(session.Milliseconds()),
		"group.consumer.session.timeout.ms":        fmt.Sprint(session.Milliseconds()),
		"group.consumer.min.heartbeat.interval.ms": fmt.Sprint(interval.Milliseconds()),
		"group.consumer.heartbeat.interval.ms":     fmt.Sprint(interval.Milliseconds()),
		"auto.create.topics.enable":                "false",
	}}
	if only != failover.name {
		kafka, err := services.NewKafka(o, services.JVM{})
		if err != nil {
			return 0, err
		}
		if err := kafka.Start(ctx); err != nil {
			return 0, err
		}
		failures, err = through(ctx, &bench{addr: kafka.Addr(), replicas: 1}, steps, only)
		if err := errors.Join(err, kafka.Kill()); err != nil {
			return failures, err
		}
	}
	if only != "" && only != failover.name {
		return failures, nil
	}
	o.Dir, o.ReadyTimeout = filepath.Join(out, "cluster"), 4*time.Minute // three JVMs that start at once
	cluster, err := services.NewKafkaCluster(o, 3, services.JVM{})
	if err != nil {
		return failures, err
	}
	defer func() { _ = cluster.Kill() }()
	if err := cluster.Start(ctx); err != nil {
		return failures, err
	}
	more, err := through(ctx, &bench{addr: cluster.Addr(), cluster: cluster, replicas: 3}, []step{failover}, only)
	return failures + more, err
}

// through goes through steps, and prints how each ends.
func through(ctx context.Context, on *bench, steps []step, only string) (failures int, err error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(on.addr, ",")...), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	for _, s := range steps {
		if only != "" && only != s.name {
			continue
		}
		begun := time.Now()
		b := *on
		b.ctx, b.name, b.adm = ctx, s.name, kadm.NewClient(cl)
		err := s.run(&b)
		b.end()
		verdict := "pass"
		if err != nil {
			verdict, failures = "FAIL "+err.Error()+b.histories(), failures+1
		}
		fmt.Printf("%-18s %5.1fs %s\n", s.name, time.Since(begun).Seconds(), verdict)
	}
	return failures, nil
}
