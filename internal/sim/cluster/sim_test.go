package cluster

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skein-io/skein/internal/sim/scene"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// TestMain lets garbage lie longer: a run makes much of it, and keeps little.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	m.Run()
}

// After so many seeds that failed TestSim gives up, and so many lines of a trace it prints of each.
const (
	failuresMax  = 3
	tracePrinted = 40
)

// TestSim runs seeds; see package seeds. With SKEIN_SEED and SKEIN_BUG that bug is planted. One seed in fifty runs twice and
// must make the same history.
func TestSim(t *testing.T) { simulate(t, 1, Draw) }

// TestSimOnZooKeeper does the same with the metadata on a model of a ZooKeeper ensemble, in place of raft.
func TestSimOnZooKeeper(t *testing.T) { simulate(t, 1, DrawZooKeeper) }

// TestSimRottenHeaders does the same on both in turn, with rot where a node reads the header of a batch alone.
func TestSimRottenHeaders(t *testing.T) { simulate(t, 1, DrawRot) }

// TestSimGrowing does that with a node that joins, one that leaves for good, and controllers that are followed by others, for a
// quarter of the seeds.
func TestSimGrowing(t *testing.T) { simulate(t, 4, DrawGrowing) }

// simulate runs one of so many seeds.
func simulate(t *testing.T, of int, draw func(seed uint64) Options) {
	t.Helper()
	chosen := seeds.Chosen(t, seedsDefault)
	if chosen.One {
		o := draw(chosen.First)
		o.TraceLines, o.Bug = 200_000, scene.Bug(os.Getenv("SKEIN_BUG"))
		r := Run(o)
		t.Log(r.Report(o.TraceLines))
		if r.Failed() {
			t.Fail()
		}
		return
	}
	n := max(chosen.Count/of, 1)
	reached, failed := map[string]int{}, 0
	forEach(chosen.First, n, func(seed uint64) func() bool {
		r := Run(draw(seed))
		var again *scene.Result
		if !r.Failed() && seed%50 == 0 {
			again = Run(draw(seed))
		}
		return func() bool {
			if r.Failed() {
				failed++
				t.Error(r.Report(tracePrinted))
				return failed < failuresMax
			}
			for state := range r.Reached {
				reached[state]++
			}
			if again != nil {
				isSame(t, r, again)
			}
			return true
		}
	})
	for state, count := range reached {
		t.Logf("%4d of %d seeds: %s", count, n, state)
	}
}

// forEach runs seeds, as many at a time as there are processors: each run is one goroutine. What run returns is called in the
// order of seeds, one at a time; false ends the loop.
func forEach(first uint64, n int, run func(seed uint64) (judge func() bool)) {
	done := make([]chan func() bool, n)
	for i := range done {
		done[i] = make(chan func() bool, 1)
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				done[i] <- run(first + uint64(i))
			}
		})
	}
	for i := range done {
		if judge := <-done[i]; !judge() {
			next.Store(int64(n))
			break
		}
	}
	workers.Wait()
}

// isSame: the same seed makes the same history.
func isSame(t *testing.T, r, again *scene.Result) {
	t.Helper()
	if again.Sum != r.Sum || again.Lines != r.Lines {
		t.Errorf("seed %d: a trace of %d lines with the sum %x, then one of %d with %x; options %v",
			r.Seed, r.Lines, r.Sum, again.Lines, again.Sum, r.Options)
	}
}
