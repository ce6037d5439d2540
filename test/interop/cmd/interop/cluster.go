package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/report"
	"github.com/skein-io/skein/test/interop/scenario"
	"github.com/skein-io/skein/test/services"
)

// clusterNodes is how many brokers a cluster has.
const clusterNodes = 3

// clusterFamilies are those whose programs live through restarts of a cluster's nodes: one of each kind of library.
var clusterFamilies = []string{"java-4.3.1", "confluent-python", "franz-go", "sarama"}

// shared is a scenario that several families go through at once, since what happens happens to all of them.
type shared struct {
	name string
	run  func(context.Context, *scenario.Env, []*family.Family) map[string]scenario.Outcome
}

// onCluster are the scenarios of a cluster, besides Kafka's own tools.
var onCluster = []shared{{"rolling", scenario.Rolling}, {"failover", scenario.Failover}}

// clusterTools is the scenario of Kafka's own tools.
const clusterTools = "cluster-tools"

func (p *plan) newCluster(name string) (*services.Cluster, error) {
	dir := filepath.Join(p.out, name+"-cluster")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	o := services.Options{Dir: dir, Properties: properties()}
	if name == "skein" {
		return services.NewSkeinCluster(p.skein, o, clusterNodes)
	}
	o.ReadyTimeout = 4 * time.Minute // three JVMs that start at once
	return services.NewKafkaCluster(o, clusterNodes, services.JVM{})
}

// members are the chosen families that run against a cluster.
func (p *plan) members() []*family.Family {
	return slices.DeleteFunc(slices.Clone(p.families), func(f *family.Family) bool { return !slices.Contains(clusterFamilies, f.Name) })
}

// withCluster starts a new cluster for what is done with it, and ends it.
func (p *plan) withCluster(ctx context.Context, name string, do func(*scenario.Env)) error {
	cluster, err := p.newCluster(name)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Kill() }()
	if err := cluster.Start(ctx); err != nil {
		return err
	}
	env, err := scenario.NewClusterEnv(cluster, p.records)
	if err != nil {
		return err
	}
	defer env.Close()
	if err := env.Warm(ctx); err != nil {
		return err
	}
	do(env)
	if name != "skein" {
		return nil // Kafka's nodes wait for each other
	}
	return cluster.Stop()
}

// runCluster runs the part of the plan that needs a cluster.
func (p *plan) runCluster(ctx context.Context, name string, book *report.Book) error {
	tools := chosen(p.scenarios, clusterTools) && chosen(p.options.clients, kafkaTools.Name)
	some := slices.DeleteFunc(slices.Clone(onCluster), func(s shared) bool { return !p.kill || !chosen(p.scenarios, s.name) })
	if !tools && (len(some) == 0 || len(p.members()) == 0) {
		return nil
	}
	return p.withCluster(ctx, name, func(env *scenario.Env) {
		if tools {
			start := time.Now()
			notes, err := scenario.ClusterTools(ctx, env)
			p.enter(book, env, kafkaTools, clusterTools, notes, err, time.Since(start))
		}
		for _, s := range some {
			p.together(ctx, env, s, p.members(), book)
		}
	})
}

// together runs a shared scenario.
func (p *plan) together(ctx context.Context, env *scenario.Env, s shared, some []*family.Family, book *report.Book) {
	if ctx.Err() != nil {
		return
	}
	some = p.installed(ctx, env, s.name, some, book)
	start := time.Now()
	found := s.run(ctx, env, some)
	for _, f := range some {
		p.enter(book, env, f, s.name, found[f.Name].Notes, found[f.Name].Err, time.Since(start))
	}
}

// installed are those families that could be installed; the others have failed.
func (p *plan) installed(ctx context.Context, env *scenario.Env, name string, some []*family.Family, book *report.Book) []*family.Family {
	return slices.DeleteFunc(slices.Clone(some), func(f *family.Family) bool {
		err := f.Install(ctx)
		if err != nil {
			p.enter(book, env, f, name, nil, err, 0)
		}
		return err != nil
	})
}

// clusterAgain is again for the scenarios of a cluster: each failed cell has a new cluster for itself.
func (p *plan) clusterAgain(ctx context.Context, r report.Result, book *report.Book) error {
	start := time.Now()
	var notes scenario.Notes
	var failed error
	ended := p.withCluster(ctx, r.Broker, func(env *scenario.Env) {
		if r.Scenario == clusterTools {
			notes, failed = scenario.ClusterTools(ctx, env)
			return
		}
		for _, s := range onCluster {
			for _, f := range p.members() {
				if s.name == r.Scenario && f.Name == r.Family {
					found := s.run(ctx, env, []*family.Family{f})[f.Name]
					notes, failed = found.Notes, found.Err
				}
			}
		}
	})
	if ended == nil && failed == nil {
		book.PassedAgain(r, notes, time.Since(start))
	}
	return ended
}

// ofCluster says whether a result is of a scenario that needs a cluster.
func ofCluster(r report.Result) bool {
	return r.Scenario == clusterTools || slices.ContainsFunc(onCluster, func(s shared) bool { return s.name == r.Scenario })
}
