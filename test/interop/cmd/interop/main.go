// Command interop runs real Kafka clients through the same scenarios against
// skein and against Apache Kafka, and prints what each of them could do.
//
//	run [-broker skein|kafka|both] [-client NAME,...] [-scenario NAME,...] [-kill=false] [-quick]
//
// It exits with 1 when anything failed. Everything it needs it installs itself,
// into the cache (see package services). -list names clients and scenarios.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/skein-io/skein/test/interop/report"
)

// options are the command line.
type options struct {
	broker, clients, scenarios string
	skein, out                 string
	records, parallel          int
	kill, quick, list, retry   bool
}

func main() {
	var o options
	flag.StringVar(&o.broker, "broker", "skein", "skein, kafka or both")
	flag.StringVar(&o.clients, "client", "", "only these clients, separated by commas")
	flag.StringVar(&o.scenarios, "scenario", "", "only these scenarios, separated by commas")
	flag.BoolVar(&o.kill, "kill", true, "also kill the broker with SIGKILL in the middle")
	flag.BoolVar(&o.retry, "again", true, "run what failed once more, alone; what passes then is shown as \"again\"")
	flag.BoolVar(&o.quick, "quick", false, "1,000 records instead of 10,000, and five clients")
	flag.BoolVar(&o.list, "list", false, "name the clients and scenarios, and end")
	flag.StringVar(&o.skein, "skein", "../../bin/skein", "the skein binary")
	flag.StringVar(&o.out, "out", "../../out/interop", "folder for data, logs and results.json")
	flag.IntVar(&o.records, "records", 10000, "records of a run")
	flag.IntVar(&o.parallel, "parallel", 3, "clients at the same time")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	code, err := run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
	}
	os.Exit(code)
}

func run(ctx context.Context, o options) (int, error) {
	plan, err := newPlan(o)
	if err != nil {
		return 2, err
	}
	if o.list {
		plan.print(os.Stdout)
		return 0, nil
	}
	start := time.Now()
	book := &report.Book{}
	for _, broker := range plan.brokers {
		if err := plan.runBroker(ctx, broker, book); err != nil {
			book.Add(report.Result{Broker: broker, Family: "-", Scenario: "broker", Verdict: report.Fail, Reason: err.Error()})
		}
		if err := plan.runCluster(ctx, broker, book); err != nil {
			book.Add(report.Result{Broker: broker, Family: "-", Scenario: "cluster", Verdict: report.Fail, Reason: err.Error()})
		}
		if plan.retry {
			if err := plan.again(ctx, broker, book); err != nil {
				fmt.Fprintln(os.Stderr, "interop: second tries:", err)
			}
		}
	}
	book.Table(os.Stdout)
	fmt.Printf("\n%d failures in %s; details in %s\n", book.Failures(), time.Since(start).Round(time.Second), plan.results())
	if err := book.WriteJSON(plan.results()); err != nil {
		return 2, err
	}
	return min(book.Failures(), 1), nil
}

// results is the file with everything that was found.
func (p *plan) results() string { return filepath.Join(p.out, "results.json") }

// chosen reports whether a name is in a list that may be empty for all.
func chosen(list, name string) bool {
	if list == "" {
		return true
	}
	for _, one := range strings.Split(list, ",") {
		if one == name {
			return true
		}
	}
	return false
}
