// Command oracle sends the same raw requests to Apache Kafka and to skein and
// prints where the answers differ, field by field, after replacing what must
// differ (ids, ports, the time). Differences that are meant are listed, each
// with its reason, in expected.txt; any other one is an error.
//
//	go run ./oracle [-skein BINARY] [-probe PREFIX] [-all]
//
// -probe runs only the probes whose name begins so. -all also prints answers
// that are the same.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/skein-io/skein/test/services"
)

func main() {
	binary := flag.String("skein", "../../bin/skein", "the skein binary")
	out := flag.String("out", "../../out/oracle", "folder for the brokers' data")
	only := flag.String("probe", "", "only probes whose name begins so")
	all := flag.Bool("all", false, "also print what is the same")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	unexpected, err := run(ctx, *binary, *out, *only, *all)
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	}
	if unexpected > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, out, only string, all bool) (int, error) {
	if err := os.RemoveAll(out); err != nil {
		return 0, err
	}
	properties := map[string]string{"group.initial.rebalance.delay.ms": "0", "num.partitions": "2",
		"log.retention.ms": "-1"} // some records here are years old
	kafka, err := services.NewKafka(services.Options{Dir: filepath.Join(out, "kafka"), Properties: properties}, services.JVM{})
	if err != nil {
		return 0, err
	}
	skein, err := services.NewSkein(binary, services.Options{Dir: filepath.Join(out, "skein"), Properties: properties})
	if err != nil {
		return 0, err
	}
	for _, broker := range []services.Broker{kafka, skein} {
		if err := broker.Start(ctx); err != nil {
			return 0, err
		}
		defer func() { _ = broker.Kill() }()
	}
	expected, err := readExpected()
	if err != nil {
		return 0, err
	}
	left, right := transcripts(ctx, kafka.Addr(), skein.Addr(), only)
	return compare(os.Stdout, left, right, expected, only, all), nil
}

// transcripts asks both brokers side by side.
func transcripts(ctx context.Context, kafka, skein, only string) (left, right []answer) {
	var both sync.WaitGroup
	both.Go(func() { left = probeAll(ctx, kafka, only) })
	both.Go(func() { right = probeAll(ctx, skein, only) })
	both.Wait()
	return left, right
}

// answer is one line of a transcript.
type answer struct {
	// Name is probe/question/version, such as "fetch/middle of a batch/v12".
	name string
	text string
}

// probe is a sequence of questions about one subject.
type probe struct {
	name string
	ask  func(s *session)
}

// probes are all subjects, in the order of the report.
func probes() []probe {
	return []probe{
		{"versions", probeVersions}, {"metadata", probeMetadata}, {"produce", probeProduce}, {"producer", probeProducer},
		{"fetch", probeFetch}, {"session", probeSession}, {"list", probeListOffsets}, {"epoch", probeEpochs},
		{"topics", probeTopics}, {"partitions", probePartitions}, {"delete", probeDelete}, {"configs", probeConfigs},
		{"coordinator", probeCoordinator}, {"join", probeJoin}, {"member", probeMember}, {"static", probeStatic},
		{"commit", probeCommit}, {"groups", probeGroups}, {"cluster", probeCluster},
	}
}

func probeAll(ctx context.Context, addr, only string) []answer {
	var all []answer
	for _, p := range probes() {
		if !strings.HasPrefix(p.name, only) {
			continue
		}
		s := &session{ctx: ctx, addr: addr, probe: p.name, start: time.Now()}
		p.ask(s)
		s.close()
		all = append(all, s.answers...)
	}
	return all
}
