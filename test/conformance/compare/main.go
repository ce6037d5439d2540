// Command compare runs the conformance suite against brokers that it starts
// itself, one after the other: Apache Kafka and skein. It prints each report,
// then the scores beside each other, and leaves the reports as JSON in its
// output folder.
//
//	go run ./test/conformance/compare [--broker both|skein|kafka] [--skein BINARY] [--out DIR] [--slow]
//
// The brokers are new and have their defaults, but for two settings that hide
// rows otherwise (see settings). What a single broker hides is asked of a
// cluster of three. The exit status is 1 if a row is missed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/skein-io/skein/test/conformance/check"
	"github.com/skein-io/skein/test/conformance/report"
	"github.com/skein-io/skein/test/services"
)

// settings differ from the defaults: expired offsets are looked for soon enough to see it, and a group can be full.
func settings() map[string]string {
	return map[string]string{"offsets.retention.check.interval.ms": "5000", "group.max.size": "5"}
}

func main() {
	which := flag.String("broker", "both", "both, skein or kafka")
	binary := flag.String("skein", "bin/skein", "the skein binary")
	out := flag.String("out", "out/conformance", "folder for the brokers' data and the reports")
	slow := flag.Bool("slow", false, "also rows that take minutes")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	missed, err := run(ctx, *which, *binary, *out, *slow)
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(2)
	}
	os.Exit(min(missed, 1))
}

// run returns how many rows were missed.
func run(ctx context.Context, which, binary, out string, slow bool) (int, error) {
	names := []string{"kafka", "skein"}
	if which == "skein" || which == "kafka" {
		names = []string{which}
	} else if which != "both" {
		return 0, fmt.Errorf("--broker %s: want both, skein or kafka", which)
	}
	missed := 0
	scores := ""
	for _, name := range names {
		r, err := one(ctx, name, binary, filepath.Join(out, name), slow)
		if err != nil {
			return 0, err
		}
		if err := several(ctx, name, binary, filepath.Join(out, name+"-cluster"), r); err != nil {
			return 0, err
		}
		r.Broker = name
		if err := r.Text(os.Stdout); err != nil {
			return 0, err
		}
		fmt.Println()
		if err := write(r, filepath.Join(out, name+".json")); err != nil {
			return 0, err
		}
		scores += fmt.Sprintf("%-6s %s\n", name, r.Score())
		missed += r.Count(report.Miss)
	}
	fmt.Print(scores)
	return missed, nil
}

// one starts a new broker, asks it, and ends it.
func one(ctx context.Context, name, binary, dir string, slow bool) (*report.Report, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	o := services.Options{Dir: dir, Properties: settings()}
	var broker services.Broker
	var err error
	if name == "kafka" {
		broker, err = services.NewKafka(o, services.JVM{})
	} else {
		broker, err = services.NewSkein(binary, o)
	}
	if err != nil {
		return nil, err
	}
	if err := broker.Start(ctx); err != nil {
		return nil, err
	}
	defer func() { _ = broker.Kill() }()
	r, err := check.Run(ctx, check.Options{Bootstrap: broker.Addr(), Slow: slow})
	if err != nil {
		return nil, err
	}
	return r, broker.Stop()
}

// several asks a new cluster of three what one broker hides, and puts the answers into the report.
func several(ctx context.Context, name, binary, dir string, r *report.Report) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	o := services.Options{Dir: dir, Properties: settings(), ReadyTimeout: 4 * time.Minute} // three JVMs that start at once
	var cluster *services.Cluster
	var err error
	if name == "kafka" {
		cluster, err = services.NewKafkaCluster(o, 3, services.JVM{})
	} else {
		cluster, err = services.NewSkeinCluster(binary, o, 3)
	}
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Kill() }()
	if err := cluster.Start(ctx); err != nil {
		return err
	}
	seen, err := check.Run(ctx, check.Options{Bootstrap: cluster.Nodes[0].Addr(), Only: check.Several()})
	if err != nil {
		return err
	}
	for _, one := range seen.Results {
		i := slices.IndexFunc(r.Results, func(row report.Result) bool { return row.ID == one.ID })
		r.Results[i] = one
	}
	return nil
}

func write(r *report.Report, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := r.JSON(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
