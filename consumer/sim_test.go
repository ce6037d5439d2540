package consumer

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// The simulation of delivery: whole consumers, Poll and Run, each in a process that works on what it is given, on a
// simulated cluster whose coordinator is skein's own. For half a minute of virtual time requests and answers are lost and
// late, nodes are cut off, leaders and the coordinator move, topics grow, processes die, end, come, and are slow. Then
// all heals, and every record has to be processed, and committed, within a bound.
//
// A seed is one bubble of testing/synctest. What the network does to a request hangs on the seed and the request alone
// (simLink), so a seed that fails usually fails again; the order of goroutines that are ready at the same instant is the
// runtime's, and so is which ready case a select takes. The history is printed with the failure for that reason.
const (
	simAttack = 25 * time.Second
	simHeal   = 60 * time.Second // the bound for all records to be processed
	simEnd    = 20 * time.Second // the bound for all processes to end

	simNodes        = 3
	simSession      = 3 * time.Second
	simHeartbeat    = time.Second
	simPollInterval = 5 * time.Second
	simRequest      = 2 * time.Second
	simHistoryMax   = 30_000 // lines that are kept
	simHistoryShown = 150
)

// simStill is for how long, in real time, a seed may run: longer, and virtual time stands still, because something is
// done again and again at the same instant.
const simStill = time.Minute

// runSim plays a seed. It returns when nothing of it is left.
func runSim(t *testing.T, seed uint64, b simBug) (w *simWorld) {
	still := time.AfterFunc(simStill, func() { panic(fmt.Sprintf("seed %d: virtual time stands still; what is busy is below", seed)) })
	defer still.Stop()
	synctest.Test(t, func(t *testing.T) {
		w = newSimWorld(seed, b)
		w.locked(func() {
			w.produce(w.rand.Fork("producer"))
			w.trouble(w.rand.Fork("trouble"))
		})
		if w.pass(simAttack, nil) {
			w.heal()
			if w.pass(simHeal, w.unprocessed) {
				w.end()
			}
		}
		w.clear()
	})
	return w
}

// pass lets time pass until done says so; without done, all of it. It is false if something is wrong.
func (w *simWorld) pass(d time.Duration, done func() string) bool {
	over := time.NewTimer(d)
	defer over.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	missing := ""
	for {
		select {
		case <-w.wrongs:
			return false
		case <-over.C:
			if done == nil {
				return true
			}
			w.explain()
			w.locked(func() { w.wrongf("it hangs: after %v %s", d, missing) })
			return false
		case <-look.C:
			if done == nil {
				continue
			}
			if missing = done(); missing == "" {
				return true
			}
		}
	}
}

// explain lets each consumer say what it waits for.
func (w *simWorld) explain() {
	consumers := map[string]*Consumer{}
	w.locked(func() {
		for _, s := range w.slots {
			if p := s.process; p != nil && p.c != nil {
				consumers[p.name] = p.c
			}
		}
	})
	for name, c := range consumers {
		text := c.Explain().String()
		w.locked(func() { w.notef("%s: %s", name, text) })
	}
}

// unprocessed says what is not processed and committed, or not by who owns it now, or "".
func (w *simWorld) unprocessed() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range w.names {
		l := w.logs[name]
		if l.floor < l.end() {
			return fmt.Sprintf("%v@%d of %d is not processed", name, l.floor, l.end())
		}
		owners := 0
		for _, s := range w.slots {
			if s.process == nil || s.process.holds[name] == nil {
				continue
			}
			owners++
			if !s.process.through(l) {
				return fmt.Sprintf("%s is not through with %v", s.process.name, name)
			}
		}
		if owners != 1 {
			return fmt.Sprintf("%v has %d owners", name, owners)
		}
		if l.nextRecord(l.committed) < l.end() {
			return fmt.Sprintf("%v is processed up to %d, and %d is committed", name, l.end(), l.committed)
		}
	}
	return ""
}

// through reports whether the process has worked on all that it can get of a partition that it holds. w.mu is held.
func (p *process) through(l *simLog) bool {
	h := p.holds[l.name]
	next := h.next
	if next < 0 {
		next = l.committed
	}
	return l.nextRecord(next) == l.end() && (p.inCall || p.slot.mode.runs()) && p.left == 0 && len(h.running) == 0 && len(h.tried) == len(h.done)
}

// end has all processes end in good order: then everything is committed.
func (w *simWorld) end() {
	w.locked(func() {
		w.notef("all processes end")
		w.closing = true
		for _, s := range w.slots {
			s.stop()
		}
	})
	ended := w.pass(simEnd, func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, s := range w.slots {
			if s.process != nil {
				return s.process.name + " has not ended"
			}
		}
		return ""
	})
	if !ended {
		return
	}
	w.locked(func() {
		w.tokens++
		w.coordinator.Arrive(w.coordinator.Node(), &group.Describe{Token: w.tokens, GroupID: "g"}, w.tokens, w.described)
	})
	w.pass(10*time.Millisecond, nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range w.names {
		if l := w.logs[name]; l.nextRecord(l.committed) < l.end() {
			w.wrongf("%v: everything up to %d is processed, and %d is committed", name, l.end(), l.committed)
		}
	}
	if len(w.owners) == 0 {
		w.wrongf("the run shows nothing: nothing was delivered")
	}
}

// clear ends what is still there, so that the bubble can.
func (w *simWorld) clear() {
	w.mu.Lock()
	w.attack, w.closing = false, true
	var open []*process
	for _, s := range w.slots {
		open = append(open, s.processes...)
		s.kill()
	}
	w.mu.Unlock()
	for _, p := range open {
		<-p.ended
	}
}

func (w *simWorld) describe() string {
	var slots []string
	for _, s := range w.slots {
		slots = append(slots, fmt.Sprintf("%s %v", s.name, s.mode))
	}
	return fmt.Sprintf("seed %d (%s)", w.seed, strings.Join(slots, ", "))
}

// report fails the test with what was found, and the history in front of it.
func (w *simWorld) report(t *testing.T, shown int) bool {
	t.Helper()
	if len(w.found) == 0 {
		return true
	}
	t.Errorf("%s; again with SKEIN_SEED=%d:\n%s\n--- the end of its history:\n%s", w.describe(), w.seed, strings.Join(w.found, "\n"), strings.Join(w.lastLines(shown), "\n"))
	return false
}

// oneProcessor makes the order of goroutines as sure as can be.
func oneProcessor(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// simSeedsForAll is how many seeds reach every state.
const simSeedsForAll = 200

// simFailuresMax is after how many seeds that failed TestSimDelivery gives up.
const simFailuresMax = 3

// TestSimDelivery runs seeds; see package seeds.
func TestSimDelivery(t *testing.T) {
	oneProcessor(t)
	chosen := seeds.Chosen(t, simSeedsDefault)
	reached, failed := map[string]int{}, 0
	for seed := range chosen.All() {
		w := runSim(t, seed, simBug{})
		if chosen.One {
			t.Log(w.describe() + "\n" + strings.Join(w.lastLines(simHistoryMax), "\n"))
		}
		if !w.report(t, simHistoryShown) {
			if failed++; failed == simFailuresMax {
				t.FailNow()
			}
		}
		for what := range w.reached {
			reached[what]++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(reached)) {
		t.Logf("%5d of %d seeds: %s", reached[what], chosen.Count, what)
	}
	for _, what := range simStates {
		if chosen.Count >= simSeedsForAll && reached[what] == 0 {
			t.Errorf("no seed reached the state %q", what)
		}
	}
}
