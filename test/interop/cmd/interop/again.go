package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/interop/report"
	"github.com/skein-io/skein/test/interop/scenario"
)

// again runs what failed once more, one by one, on a broker of its own with no other client beside it. Client libraries
// have their own faults: kafka-python hangs in a rebalance now and then, on Apache Kafka too. A cell that passes then is
// shown as "again", with the reason of the first try, and does not fail the run; one that fails twice does.
func (p *plan) again(ctx context.Context, name string, book *report.Book) error {
	failed := book.Failed(name)
	if len(failed) == 0 || ctx.Err() != nil {
		return nil
	}
	alone := *p
	alone.out = filepath.Join(p.out, "again")
	failed = slices.DeleteFunc(failed, func(r report.Result) bool {
		if !ofCluster(r) {
			return false
		}
		if err := alone.clusterAgain(ctx, r, book); err != nil {
			fmt.Fprintf(os.Stderr, "interop: second try of %s %s: %v\n", r.Family, r.Scenario, err)
		}
		return true
	})
	if len(failed) == 0 {
		return nil
	}
	broker, err := alone.newBroker(name)
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
	for _, r := range failed {
		start := time.Now()
		notes, known, err := p.rerun(ctx, env, r)
		if known && err == nil {
			book.PassedAgain(r, notes, time.Since(start))
		}
	}
	return broker.Stop()
}

// rerun runs the scenario of a result; known is false if there is no such client or scenario.
func (p *plan) rerun(ctx context.Context, env *scenario.Env, r report.Result) (notes scenario.Notes, known bool, err error) {
	if r.Family == kafkaTools.Name {
		notes, err = scenario.Tools(ctx, env)
		return notes, true, err
	}
	at := slices.IndexFunc(p.families, func(f *family.Family) bool { return f.Name == r.Family })
	if at < 0 {
		return nil, false, nil
	}
	f := p.families[at]
	if err := f.Install(ctx); err != nil {
		return nil, true, err
	}
	if r.Scenario == "kill" {
		found := scenario.Kill(ctx, env, []*family.Family{f})[f.Name]
		return found.Notes, true, found.Err
	}
	for _, s := range append(slices.Clone(scenario.PerFamily), scenario.Heartbeat, scenario.KillNext) {
		if s.Name == r.Scenario {
			notes, err = s.Run(ctx, env, f)
			return notes, true, err
		}
	}
	return nil, false, nil
}
