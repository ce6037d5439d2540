package membership

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// The simulation: a few members and skein's own coordinator, with virtual time. For two minutes requests and answers are
// lost, late and repeated, the coordinator moves, members die, fall silent, close, change their subscriptions, and
// topics grow. Then all heals, and every partition has to have one owner within a bound, and nothing more may happen.
const (
	simAttack = 120 * time.Second
	simHeal   = 60 * time.Second
	simQuiet  = 20 * time.Second // the end of simHeal plus this is without rebalances
	// simJoinsMax is how many JoinGroups a member may send while all heals: the rebalances of a coming-and-going group,
	// two rounds each.
	simJoinsMax = 40
)

type simWorld struct {
	*sim.World
	seed        uint64
	bug         bug
	attack      bool
	cooperative bool
	assignors   []assign.Assignor
	partitions  map[string]int32
	coordinator *simCoordinator
	slots       []*slot
	processes   []*process
	tokens      group.Token
	see         *witness
}

func (w *simWorld) counts() map[string]int32 { return maps.Clone(w.partitions) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func newSimWorld(seed uint64, b bug) *simWorld {
	w := &simWorld{World: sim.NewWorld(sim.WorldOptions{Seed: seed, TraceLinesMax: 6000, EventsMax: 2_000_000}), seed: seed, bug: b, attack: true}
	w.see = newWitness(w)
	return w
}

func runSim(t testing.TB, seed uint64, b bug) *simWorld {
	w := newSimWorld(seed, b)
	chance := w.Rand("world")
	w.cooperative = chance.Chance(500)
	w.assignors = []assign.Assignor{assign.CooperativeSticky()}
	if !w.cooperative {
		w.assignors = [][]assign.Assignor{{assign.Range(), assign.Sticky()}, {assign.Sticky()}, {assign.RoundRobin()}}[chance.IntN(3)]
	}
	w.partitions = map[string]int32{}
	for i := range 1 + chance.IntN(4) {
		w.partitions[fmt.Sprint("t", i)] = int32(1 + chance.IntN(5))
	}
	w.coordinator = newSimCoordinator(w)
	for i := range 2 + chance.IntN(5) {
		s := &slot{name: fmt.Sprint("c", i), topics: w.someTopics(chance)}
		if chance.Chance(350) {
			s.instance = fmt.Sprint("i", i)
		}
		w.slots = append(w.slots, s)
		w.After(chance.Between(0, 2*time.Second), func() { w.start(s) })
	}
	w.trouble(chance)
	w.run(t, simAttack)
	if len(w.see.found) > 0 {
		return w
	}
	w.heal()
	before := w.joins()
	w.run(t, simAttack+simHeal)
	for p, n := range w.joins() {
		if n-before[p] > simJoinsMax {
			w.see.wrong("%s has sent JoinGroup %d times since all is well", p.name, n-before[p])
		}
	}
	before = w.joins()
	w.run(t, simAttack+simHeal+simQuiet)
	if len(w.see.found) > 0 {
		return w
	}
	w.see.settled(before)
	w.see.closed()
	if len(w.see.found) == 0 {
		w.again(t, chance)
	}
	return w
}

// again: a rebalance of a group that has not changed moves nothing.
func (w *simWorld) again(t testing.TB, chance *sim.Rand) {
	owned := map[*process]string{}
	for _, p := range w.processes {
		owned[p] = fmt.Sprint(p.m.Owned())
	}
	w.Notef("a rebalance for nothing")
	w.slots[chance.IntN(len(w.slots))].process.step(RejoinRequested{Reason: "nothing"})
	w.run(t, simAttack+simHeal+2*simQuiet)
	if len(w.see.found) > 0 {
		return
	}
	for _, p := range w.processes {
		if now := fmt.Sprint(p.m.Owned()); !p.dead && now != owned[p] {
			w.see.wrong("%s had %s and has %s after a rebalance in which nothing changed", p.name, owned[p], now)
		}
	}
}

func (w *simWorld) run(t testing.TB, until time.Duration) {
	if len(w.see.found) > 0 {
		return
	}
	if _, err := w.RunUntil(sim.Instant(until), func() bool { return len(w.see.found) > 0 }); err != nil {
		w.see.wrong("%v", err)
	}
	if len(w.see.found) == 0 {
		if err := w.Run(sim.Instant(until)); err != nil {
			w.see.wrong("%v", err)
		}
	}
}

func (w *simWorld) joins() map[*process]int {
	n := map[*process]int{}
	for _, p := range w.processes {
		n[p] = p.joins
	}
	return n
}

// someTopics chooses a subscription that is not empty.
func (w *simWorld) someTopics(chance *sim.Rand) []string {
	all := sortedKeys(w.partitions)
	topics := slices.DeleteFunc(slices.Clone(all), func(string) bool { return chance.Chance(300) })
	if len(topics) == 0 || chance.Chance(300) {
		return all
	}
	return topics
}

// trouble plans the attack.
func (w *simWorld) trouble(chance *sim.Rand) {
	var next func()
	next = func() {
		if !w.attack {
			return
		}
		w.misbehave(chance)
		w.see.closed()
		w.After(chance.Between(0, 8*time.Second), next)
	}
	w.After(3*time.Second, next)
}

func (w *simWorld) misbehave(chance *sim.Rand) {
	s := w.slots[chance.IntN(len(w.slots))]
	p := s.process
	if p == nil {
		return
	}
	again := func(d time.Duration) {
		w.After(d, func() {
			if s.process == p {
				w.start(s)
			}
		})
	}
	switch chance.IntN(9) {
	case 0: // it dies, without a word
		w.see.reach("a member died")
		p.die()
		again(chance.Between(0, 12*time.Second))
	case 1:
		w.see.reach("a member was closed")
		p.close(chance.Chance(500))
		again(chance.Between(0, 12*time.Second))
	case 2:
		w.see.reach("the coordinator moved")
		w.coordinator.move()
	case 3: // a node cannot be reached
		node := chance.IntN(2)
		w.coordinator.cut[node] = true
		w.After(chance.Between(0, 9*time.Second), func() { w.coordinator.cut[node] = false })
	case 4, 5:
		w.see.reach("a subscription changed")
		s.topics = w.someTopics(chance)
		p.step(Subscribed{Topics: s.topics})
	case 6: // no subscription for a while
		p.step(Subscribed{})
		w.After(chance.Between(0, 5*time.Second), func() {
			if s.process == p {
				p.step(Subscribed{Topics: s.topics})
			}
		})
	case 7:
		w.see.reach("a topic grew")
		w.partitions[sortedKeys(w.partitions)[chance.IntN(len(w.partitions))]]++
	case 8:
		p.step(RejoinRequested{Reason: "the application asked for it"})
	}
}

// heal ends the attack: what is gone comes back.
func (w *simWorld) heal() {
	w.Notef("all is well")
	w.attack = false
	w.coordinator.cut = [2]bool{}
	for _, s := range w.slots {
		p := s.process
		if p != nil && !p.dead && !p.failed && !p.closing {
			p.step(Subscribed{Topics: s.topics})
			continue
		}
		if p == nil || !p.failed {
			w.start(s)
		}
	}
}

// TestSimulation runs seeds; see package seeds.
func TestSimulation(t *testing.T) {
	chosen := seeds.Chosen(t, 15)
	if chosen.One {
		w := runSim(t, chosen.First, bug{})
		t.Log(strings.Join(w.Trace().Lines(), "\n"))
		report(t, w)
		return
	}
	reached := map[string]int{}
	n := chosen.Count
	for seed := range chosen.All() {
		w := runSim(t, seed, bug{})
		report(t, w)
		for what := range w.see.reached {
			reached[what]++
		}
	}
	t.Logf("%d seeds reached %v", n, reached)
	for _, what := range []string{
		"a member died", "a member was closed", "the coordinator moved", "a subscription changed", "a topic grew", "a generation was lost",
		"partitions were lost", "a partition was given up", "an application polled and was stuck", "a partition was taken from a member that is not in the group",
	} {
		if reached[what]*5 < n {
			t.Errorf("%q was reached in %d of %d seeds", what, reached[what], n)
		}
	}
}

func report(t *testing.T, w *simWorld) {
	t.Helper()
	if len(w.see.found) > 0 {
		lines := w.Trace().Lines()
		t.Fatalf("seed %d (cooperative %v):\n%s\n--- the end of its trace:\n%s", w.seed, w.cooperative, strings.Join(w.see.found, "\n"), strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
}

// TestSimulationRepeats: the same seed makes the same history.
func TestSimulationRepeats(t *testing.T) {
	for seed := range uint64(2) {
		a, b := runSim(t, seed, bug{}), runSim(t, seed, bug{})
		if a.Trace().Sum() != b.Trace().Sum() || a.Trace().Count() < 1000 {
			t.Fatalf("seed %d: %x of %d lines, then %x of %d", seed, a.Trace().Sum(), a.Trace().Count(), b.Trace().Sum(), b.Trace().Count())
		}
	}
}
