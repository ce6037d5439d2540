package sim

import (
	"testing"
	"time"
)

// A seed in a bug report must mean the same for ever: these numbers never change.
func TestRandIsFixed(t *testing.T) {
	r := NewRand(7)
	if got := [2]uint64{r.Uint64(), r.Fork("disk").Uint64()}; got != [2]uint64{0xadf04d463b232bba, 0xcba7732f978d698b} {
		t.Errorf("seed 7 gives %#x", got)
	}
}

func TestForkDependsOnNameOnly(t *testing.T) {
	a, b := NewRand(1), NewRand(1)
	for range 100 {
		a.Uint64()
	}
	if x, y := a.Fork("disk").Uint64(), b.Fork("disk").Uint64(); x != y {
		t.Errorf("a used parent forks to %x, a fresh one to %x", x, y)
	}
	if a.Fork("disk").Uint64() == a.Fork("net").Uint64() {
		t.Error("two names give the same stream")
	}
	if a.Fork("disk").Uint64() == NewRand(2).Fork("disk").Uint64() {
		t.Error("two seeds give the same stream")
	}
	if a.Fork("a").Fork("b").Uint64() == a.Fork("b").Fork("a").Uint64() {
		t.Error("the path of names does not count")
	}
}

func TestChanceAndBetween(t *testing.T) {
	r := NewRand(3)
	hits := 0
	for range 10_000 {
		if r.Chance(100) {
			hits++
		}
		if d := r.Between(time.Second, 2*time.Second); d < time.Second || d > 2*time.Second {
			t.Fatalf("Between(1s, 2s) = %v", d)
		}
	}
	if hits < 800 || hits > 1200 {
		t.Errorf("Chance(100) hit %d of 10000", hits)
	}
	if r.Chance(0) || !r.Chance(1000) {
		t.Error("Chance(0) or Chance(1000) is not certain")
	}
	if d := r.Between(5, 5); d != 5 {
		t.Errorf("Between(5, 5) = %v", d)
	}
}
