package modern

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/consumer/internal/membership"
	"github.com/skein-io/skein/internal/sim"
)

// The simulation: a few members and a model of the coordinator, with virtual time. For two minutes requests and answers are
// lost, late and repeated, the coordinator moves, members die, fall silent, close, change their subscriptions, topics grow,
// and are deleted and made again. Then all heals, and every partition has to have one owner within a bound, and nothing more
// may happen.
const (
	simAttack = 120 * time.Second
	simHeal   = 60 * time.Second
	simQuiet  = 20 * time.Second // the end of simHeal plus this is without rebalances
)

type simWorld struct {
	*sim.World
	seed        uint64
	bug         bug
	attack      bool
	topics      map[string]simTopic
	made        int                           // topics
	oldNames    map[membership.TopicID]string // before the last topic was made
	coordinator *simCoordinator
	slots       []*slot
	processes   []*process
	see         *witness
}

func runSim(seed uint64, b bug) *simWorld {
	w := &simWorld{World: sim.NewWorld(sim.WorldOptions{Seed: seed, TraceLinesMax: 6000, EventsMax: 2_000_000}), seed: seed, bug: b, attack: true, topics: map[string]simTopic{}}
	w.see = newWitness(w)
	chance := w.Rand("world")
	for i := range 1 + chance.IntN(4) {
		w.make(fmt.Sprint("t", i), int32(1+chance.IntN(5)))
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
	w.run(simAttack)
	if len(w.see.found) > 0 {
		return w
	}
	w.heal()
	w.run(simAttack + simHeal)
	before := map[*process]int{}
	for _, p := range w.processes {
		before[p] = p.beats
	}
	w.run(simAttack + simHeal + simQuiet)
	if len(w.see.found) == 0 {
		w.see.settled(before)
		w.see.closed()
	}
	return w
}

func (w *simWorld) run(until time.Duration) {
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

// make makes a topic, or another of the same name.
func (w *simWorld) make(name string, partitions int32) {
	w.oldNames = map[membership.TopicID]string{}
	for name, t := range w.topics {
		w.oldNames[t.id] = name
	}
	w.made++
	w.topics[name] = simTopic{id: idOf(fmt.Sprint(w.made)), partitions: partitions}
}

// someTopics chooses a subscription that is not empty.
func (w *simWorld) someTopics(chance *sim.Rand) []string {
	all := slices.Sorted(maps.Keys(w.topics))
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
	topic := slices.Sorted(maps.Keys(w.topics))[chance.IntN(len(w.topics))]
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
		p.step(membership.Subscribed{Topics: s.topics})
	case 6: // no subscription for a while
		p.step(membership.Subscribed{})
		w.After(chance.Between(0, 5*time.Second), func() {
			if s.process == p {
				p.step(membership.Subscribed{Topics: s.topics})
			}
		})
	case 7:
		w.see.reach("a topic grew")
		t := w.topics[topic]
		t.partitions++
		w.topics[topic] = t
	case 8:
		w.see.reach("a topic was deleted and made again")
		w.make(topic, int32(1+chance.IntN(5)))
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
			p.step(membership.Subscribed{Topics: s.topics})
			continue
		}
		if p == nil || !p.failed {
			w.start(s)
		}
	}
}

// seeds is how many seeds a test runs: SKEIN_SEEDS, or fewer when nothing is said.
func seeds(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("SKEIN_SEEDS")); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// TestSimulation runs seeds; SKEIN_SEEDS=n runs more, SKEIN_SEED=n one of them, with its trace.
func TestSimulation(t *testing.T) {
	if one, err := strconv.ParseUint(os.Getenv("SKEIN_SEED"), 10, 64); err == nil {
		w := runSim(one, bug{})
		t.Log(strings.Join(w.Trace().Lines(), "\n"))
		report(t, w)
		return
	}
	reached := map[string]int{}
	n := seeds(15)
	for seed := range uint64(n) {
		w := runSim(seed, bug{})
		report(t, w)
		for what := range w.see.reached {
			reached[what]++
		}
	}
	t.Logf("%d seeds reached %v", n, reached)
	for _, what := range []string{
		"a member died", "a member was closed", "the coordinator moved", "a subscription changed", "a topic grew", "a topic was deleted and made again",
		"a member was fenced", "partitions were lost", "a partition was given up", "an application polled and was stuck", "an answer was lost",
		"a partition had to be given up", "a partition was not released yet", "a topic had no name", "a session ended",
		"a partition was taken from a member that is not in the group",
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
		t.Fatalf("seed %d:\n%s\n--- the end of its trace:\n%s", w.seed, strings.Join(w.see.found, "\n"), strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
}

// TestSimulationRepeats: the same seed makes the same history.
func TestSimulationRepeats(t *testing.T) {
	for seed := range uint64(2) {
		a, b := runSim(seed, bug{}), runSim(seed, bug{})
		if a.Trace().Sum() != b.Trace().Sum() || a.Trace().Count() < 1000 {
			t.Fatalf("seed %d: %x of %d lines, then %x of %d", seed, a.Trace().Sum(), a.Trace().Count(), b.Trace().Sum(), b.Trace().Count())
		}
	}
}
