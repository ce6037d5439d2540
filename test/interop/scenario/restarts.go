package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/skein-io/skein/test/interop/family"
	"github.com/skein-io/skein/test/services"
)

// Rolling restarts the nodes of a cluster one after the other while some families write and read: SIGTERM, start, until all
// of its replicas are in sync again. No record is lost, doubled or out of order, no commit moves back, and a library that
// is silent about such things tells its application nothing at all. The key of the answer is the family.
func Rolling(ctx context.Context, env *Env, families []*family.Family) map[string]Outcome {
	return restarts(ctx, env, families, "rolling", func(node services.Broker, notes Notes, _ func() error) error {
		start := time.Now()
		if err := node.Stop(); err != nil {
			return err
		}
		notes["stopped"] += seconds(start)
		start = time.Now()
		if err := node.Start(ctx); err != nil {
			return err
		}
		notes["started"] += seconds(start)
		return nil
	})
}

// Failover kills the nodes of a cluster one after the other with SIGKILL. Every family goes on without the node, before it
// is started again. Errors that a library goes on from are allowed; nothing acknowledged is lost or out of order, and no
// commit moves back.
func Failover(ctx context.Context, env *Env, families []*family.Family) map[string]Outcome {
	return restarts(ctx, env, families, "failover", func(node services.Broker, notes Notes, goOn func() error) error {
		start := time.Now()
		if err := node.Kill(); err != nil {
			return err
		}
		if err := goOn(); err != nil {
			return err
		}
		notes["went on after"] += seconds(start)
		start = time.Now()
		if err := node.Start(ctx); err != nil {
			return err
		}
		notes["started"] += seconds(start)
		return nil
	})
}

func seconds(since time.Time) string { return fmt.Sprintf("%.1fs ", time.Since(since).Seconds()) }

// restarts lets something happen to each node in turn, waits until all replicas are in sync, and until every family goes on.
func restarts(ctx context.Context, env *Env, families []*family.Family, name string,
	happen func(node services.Broker, notes Notes, goOn func() error) error) map[string]Outcome {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	all := make([]*service, len(families))
	each(families, func(i int) { all[i] = startService(ctx, env, families[i], name) })
	defer each(all, func(i int) { all[i].end() })
	goOn := func() error {
		each(all, func(i int) {
			if all[i].err == nil {
				all[i].fail(all[i].goesOn(ctx, env))
			}
		})
		return ctx.Err()
	}
	notes := Notes{}
	err := env.eachNode(ctx, func(node services.Broker) error { return happen(node, notes, goOn) }, goOn, notes)
	each(all, func(i int) {
		all[i].fail(err)
		if all[i].err == nil {
			all[i].fail(all[i].finish(ctx, env, all[i].f.Silent && name == "rolling"))
		}
	})
	found := map[string]Outcome{}
	for _, s := range all {
		for what, took := range notes {
			s.notes[what] = took
		}
		if s.err != nil {
			s.err = fmt.Errorf("%w; %s", s.err, histories(s.seats))
		}
		found[s.f.Name] = Outcome{Notes: s.notes, Err: s.err}
	}
	return found
}

func (e *Env) eachNode(ctx context.Context, happen func(services.Broker) error, goOn func() error, notes Notes) error {
	for i, node := range e.Cluster.Nodes {
		if err := happen(node); err != nil {
			return fmt.Errorf("node %d: %w", i+1, err)
		}
		start := time.Now()
		if err := e.inSync(ctx); err != nil {
			return fmt.Errorf("after the restart of node %d: %w", i+1, err)
		}
		notes["in sync after"] += seconds(start)
		if err := goOn(); err != nil {
			return err
		}
	}
	return nil
}

// inSync waits until every replica of every partition is in sync.
func (e *Env) inSync(ctx context.Context) error {
	return e.until(ctx, "all replicas in sync", patience, func() (bool, error) {
		m, err := e.adm.Metadata(ctx)
		if err != nil || len(m.Brokers) < len(e.Cluster.Nodes) {
			return false, nil // asked again
		}
		for _, topic := range m.Topics {
			for _, p := range topic.Partitions {
				if p.Err != nil || len(p.ISR) < len(p.Replicas) {
					return false, nil
				}
			}
		}
		return true, nil
	})
}
