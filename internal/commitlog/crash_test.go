package commitlog

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/sim"
)

// seeds is how many histories a simulation runs: SEEDS, or a few.
func seeds(few int) int {
	if n, err := strconv.Atoi(os.Getenv("SEEDS")); err == nil && n > 0 {
		return n
	}
	return (few + slowdown - 1) / slowdown
}

// crashEverywhere runs a history of n steps and crashes a copy of the disk before every operation that changes it. It
// returns the first thing that is wrong.
func crashEverywhere(w *world, seed uint64, n int) (wrong error) {
	t, planted := w.t, w.faults
	crashes := sim.NewRand(seed).Fork("crashes")
	hook := func(c disk.Call) error {
		if wrong != nil || !c.Op.Changes() {
			return nil
		}
		clone := w.fs.CrashClone(crashes.Fork(fmt.Sprint(c.Number)))
		if err := verify(t, clone, w.config, w.want.clone(), planted); err != nil {
			wrong = fmt.Errorf("seed %d, crash before operation %d (%v %s): %w\n%s", seed, c.Number, c.Op, c.Name, err,
				strings.Join(w.lines[max(0, len(w.lines)-30):], "\n"))
		}
		return nil
	}
	if err := w.open(); err != nil {
		return err
	}
	w.fs.SetHook(hook)
	for range n {
		if err := w.step(); err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		if wrong != nil {
			return wrong
		}
	}
	return nil
}

func TestCrashAtEveryOperation(t *testing.T) {
	for seed := range uint64(seeds(3)) {
		if err := crashEverywhere(newWorld(t, seed, nil), seed, 120); err != nil {
			t.Fatal(err)
		}
	}
}

// compacting makes a world whose log is compacted.
func compacting(t testing.TB, seed uint64, planted *faults) *world {
	w := newWorld(t, seed, planted)
	w.config.Compact, w.config.Delete = true, false
	w.config.MinCleanableDirtyRatio = 0.01
	w.config.DeleteRetentionMs = 15_000
	if seed%3 == 1 { // so that compaction seals the active segment, too
		w.config.CompactActiveBytes = 300
	}
	return w
}

func TestCrashInCompaction(t *testing.T) {
	for seed := range uint64(seeds(3)) {
		if err := crashEverywhere(compacting(t, seed, nil), seed, 120); err != nil {
			t.Fatal(err)
		}
	}
}
