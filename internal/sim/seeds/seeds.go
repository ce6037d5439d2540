// Package seeds says which seeds a simulation runs. Somebody who calls the tests says so in the environment:
//
//	SKEIN_SEEDS=n   n seeds, instead of the few that a test runs by itself
//	SKEIN_FIRST=n   begin with this one
//	SKEIN_SEED=n    this one alone, and show all of its history
package seeds

import (
	"iter"
	"os"
	"strconv"
	"testing"
)

// Range is the seeds that a test runs.
type Range struct {
	First uint64
	Count int
	// One: somebody wants to see this seed.
	One bool
}

// Chosen is what the environment says, or the first few. A number that is none fails the test.
func Chosen(t testing.TB, otherwise int) Range {
	t.Helper()
	if seed, set := number(t, "SKEIN_SEED"); set {
		return Range{First: seed, Count: 1, One: true}
	}
	r := Range{Count: Many(t, otherwise)}
	r.First, _ = number(t, "SKEIN_FIRST")
	return r
}

// Many is SKEIN_SEEDS, or otherwise.
func Many(t testing.TB, otherwise int) int {
	t.Helper()
	if n, set := number(t, "SKEIN_SEEDS"); set && n > 0 {
		return int(min(n, 1<<31))
	}
	return otherwise
}

func number(t testing.TB, name string) (n uint64, set bool) {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s: it must be a number from 0 to 2^64-1", name, text)
	}
	return n, true
}

// All yields the seeds.
func (r Range) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i := range uint64(r.Count) {
			if !yield(r.First + i) {
				return
			}
		}
	}
}
