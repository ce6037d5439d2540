package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/report"
	"github.com/skein-io/skein/test/interop/scenario"
	"github.com/skein-io/skein/test/services"
)

// plan is what a run consists of.
type plan struct {
	options
	brokers  []string
	families []*family.Family
}

// quickClients are enough to see most mistakes in a minute or two.
const quickClients = "kcat,confluent-python,java-4.3.1,franz-go,kafka-go"

func newPlan(o options) (*plan, error) {
	p := &plan{options: o}
	switch o.broker {
	case "skein", "kafka":
		p.brokers = []string{o.broker}
	case "both":
		p.brokers = []string{"kafka", "skein"}
	default:
		return nil, fmt.Errorf("-broker %s: want skein, kafka or both", o.broker)
	}
	if o.quick {
		p.records = min(p.records, 1000)
		if p.clients == "" {
			p.clients = quickClients
		}
	}
	for _, f := range family.All() {
		if chosen(p.clients, f.Name) {
			p.families = append(p.families, f)
		}
	}
	out, err := filepath.Abs(o.out)
	p.out = out
	return p, err
}

func (p *plan) print(w io.Writer) {
	fmt.Fprintln(w, "clients:")
	for _, f := range p.families {
		fmt.Fprintf(w, "  %-18s %s\n", f.Name, f.Library)
	}
	fmt.Fprintln(w, "scenarios:")
	for _, s := range scenario.PerFamily {
		fmt.Fprintf(w, "  %s\n", s.Name)
	}
	fmt.Fprintf(w, "  heartbeat\n  tools\n  kill\n  %s\non a cluster of %d:\n  %s\n", scenario.KillNext.Name, clusterNodes, clusterTools)
	for _, s := range onCluster {
		fmt.Fprintf(w, "  %s (%s)\n", s.name, strings.Join(clusterFamilies, ", "))
	}
}

// properties are the same for both brokers: what their defaults are, but for
// the first rebalance, which waits for nobody, and the session of members of the consumer protocol.
func properties() map[string]string {
	return map[string]string{
		"group.initial.rebalance.delay.ms": "0",
		"num.partitions":                   "1",
		// What members of the classic protocol ask for themselves, and skein has no use for.
		"group.consumer.min.session.timeout.ms":    "6000",
		"group.consumer.session.timeout.ms":        "6000",
		"group.consumer.min.heartbeat.interval.ms": "1000",
		"group.consumer.heartbeat.interval.ms":     "1000",
	}
}

func (p *plan) newBroker(name string) (services.Broker, error) {
	dir := filepath.Join(p.out, name)
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	o := services.Options{Dir: dir, Properties: properties()}
	if name == "skein" {
		return services.NewSkein(p.skein, o)
	}
	return services.NewKafka(o, services.JVM{})
}

// runBroker runs the whole plan against one broker.
func (p *plan) runBroker(ctx context.Context, name string, book *report.Book) error {
	broker, err := p.newBroker(name)
	if err != nil {
		return err
	}
	if err := broker.Start(ctx); err != nil {
		return err
	}
	defer func() { _ = broker.Kill() }()
	env, err := scenario.NewEnv(broker, p.records)
	if err != nil {
		return err
	}
	defer env.Close()
	if err := env.Warm(ctx); err != nil {
		return err
	}
	p.perFamily(ctx, env, book)
	p.sharedScenarios(ctx, env, book)
	return broker.Stop()
}

// kafkaTools stands for Kafka's own commands in the report.
var kafkaTools = &family.Family{Name: "kafka-tools", Library: "Apache Kafka " + services.KafkaVersion}

// perFamily runs each family's scenarios in order, some families at a time.
func (p *plan) perFamily(ctx context.Context, env *scenario.Env, book *report.Book) {
	var all sync.WaitGroup
	places := make(chan struct{}, p.parallel)
	if chosen(p.scenarios, "tools") && chosen(p.options.clients, kafkaTools.Name) {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			start := time.Now()
			notes, err := scenario.Tools(ctx, env)
			p.enter(book, env, kafkaTools, "tools", notes, err, time.Since(start))
		})
	}
	for _, f := range p.families {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			for _, s := range scenario.PerFamily {
				if ctx.Err() == nil && chosen(p.scenarios, s.Name) && (s.Applies == nil || s.Applies(f)) {
					p.one(ctx, env, f, s, book)
				}
			}
		})
	}
	all.Wait()
}

// one runs a scenario and enters its result.
func (p *plan) one(ctx context.Context, env *scenario.Env, f *family.Family, s scenario.Scenario, book *report.Book) {
	if s.KafkaOnly != "" && env.Name != "kafka" {
		book.Add(report.Result{Broker: env.Name, Family: f.Name, Library: f.Library, Scenario: s.Name, Verdict: report.None, Reason: s.KafkaOnly})
		return
	}
	if err := f.Install(ctx); err != nil {
		p.enter(book, env, f, s.Name, nil, err, 0)
		return
	}
	start := time.Now()
	notes, err := s.Run(ctx, env, f)
	p.enter(book, env, f, s.Name, notes, err, time.Since(start))
}

func (p *plan) enter(book *report.Book, env *scenario.Env, f *family.Family, name string, notes scenario.Notes, err error, took time.Duration) {
	r := report.Result{Broker: env.Name, Family: f.Name, Library: f.Library, Scenario: name,
		Verdict: report.Pass, Notes: notes, Seconds: took.Seconds()}
	if err != nil {
		r.Verdict, r.Reason = report.Fail, err.Error()
	}
	book.Add(r)
}

// sharedScenarios are those that several families go through side by side: the quiet one all at once, the one that kills
// the broker some families at a time.
func (p *plan) sharedScenarios(ctx context.Context, env *scenario.Env, book *report.Book) {
	if chosen(p.scenarios, scenario.Heartbeat.Name) {
		p.heartbeats(ctx, env, book)
	}
	if p.kill && chosen(p.scenarios, "kill") {
		for some := range slices.Chunk(p.families, p.parallel) {
			p.together(ctx, env, shared{"kill", scenario.Kill}, some, book)
		}
	}
	if p.kill && chosen(p.scenarios, scenario.KillNext.Name) {
		for _, f := range p.families {
			if scenario.KillNext.Applies(f) {
				p.one(ctx, env, f, scenario.KillNext, book)
			}
		}
	}
}

func (p *plan) heartbeats(ctx context.Context, env *scenario.Env, book *report.Book) {
	var all sync.WaitGroup
	for _, f := range p.families {
		if scenario.Heartbeat.Applies(f) {
			all.Go(func() { p.one(ctx, env, f, scenario.Heartbeat, book) })
		}
	}
	all.Wait()
}
