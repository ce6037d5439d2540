package group

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// The simulation: a few consumers and one coordinator in one virtual minute and more. For two thirds of the time clients
// die, stall, leave and fence each other, requests and answers are lost, appends are refused, replication is slow, the
// coordinator crashes and loses what was not committed. Then all heals, and within a session and a rebalance the group
// must be stable, with every partition owned once.
const (
	simGroup      = "g"
	simPartitions = 8
	simAttack     = 120 * time.Second
	simHeal       = 60 * time.Second
)

type simWorld struct {
	*sim.World
	seed    uint64
	bug     bug
	attack  bool
	server  *simServer
	clients []*simClient
	see     *witness
	tokens  Token
	watch   func(*simServer, Recorded)
}

func (w *simWorld) token() Token { w.tokens++; return w.tokens }

// runSim runs one seed and returns the world at its end.
func runSim(t testing.TB, seed uint64, b bug) *simWorld { return runWatched(t, seed, b, nil) }

// runWatched is runSim with watch called before each event that the coordinator steps.
func runWatched(t testing.TB, seed uint64, b bug, watch func(*simServer, Recorded)) *simWorld {
	w := &simWorld{watch: watch, World: sim.NewWorld(sim.WorldOptions{Seed: seed, TraceLinesMax: 2000}), seed: seed, bug: b, attack: true}
	w.see = newWitness(w)
	w.server = newSimServer(t, w)
	chance := w.Rand("world")
	for i := range 3 + chance.IntN(5) {
		c := &simClient{w: w, rand: w.Rand(fmt.Sprint("client", i)), name: fmt.Sprint("c", i), session: 6 * time.Second}
		if chance.Chance(400) {
			c.instance = fmt.Sprint("i", i)
		}
		w.clients = append(w.clients, c)
		w.After(chance.Between(0, time.Second), c.start)
	}
	w.trouble(chance)
	if err := w.Run(sim.Instant(simAttack)); err != nil {
		t.Fatal(err)
	}
	w.heal()
	if err := w.Run(sim.Instant(simAttack + simHeal)); err != nil {
		t.Fatal(err)
	}
	w.judge()
	return w
}

// trouble plans the attack.
func (w *simWorld) trouble(chance *sim.Rand) {
	var next func()
	next = func() {
		if !w.attack {
			return
		}
		if chance.Chance(100) {
			w.server.crash()
		} else {
			w.clients[chance.IntN(len(w.clients))].misbehave()
		}
		w.After(chance.Between(0, 3*time.Second), next)
	}
	w.After(3*time.Second, next)
}

func (w *simWorld) heal() {
	w.attack = false
	w.Notef("healed")
}

// judge looks at the end.
func (w *simWorld) judge() {
	if bad := w.server.settled(); bad != "" {
		w.see.wrong("%s", bad)
	}
	g := w.server.shard.groups[simGroup]
	if g == nil || g.state != Stable {
		w.see.wrong("the group is not stable at the end: %s", g.dump())
		return
	}
	if g.members.len() != len(w.clients) {
		w.see.wrong("%d clients, %d members: %s", len(w.clients), g.members.len(), g.dump())
	}
	owned := map[string]int{}
	for m := g.members.first; m != nil; m = m.next {
		for _, p := range strings.Split(string(m.assignment), ",") {
			owned[p]++
		}
	}
	for p := range simPartitions {
		if owned[fmt.Sprint(p)] != 1 {
			w.see.wrong("partition %d has %d owners: %s", p, owned[fmt.Sprint(p)], g.dump())
		}
	}
	if len(w.server.fx.Records) == 0 && w.server.committed == w.server.appended {
		w.see.whole(w.server)
	}
	if w.see.generated < 2 {
		w.see.wrong("only %d generations: the run shows nothing", w.see.generated)
	}
}

// TestSimulation runs seeds; see package seeds.
func TestSimulation(t *testing.T) {
	chosen := seeds.Chosen(t, 40)
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
	for _, what := range []string{
		RebalanceStarted.String(), GenerationFormed.String(), GenerationStable.String(), GroupEmptied.String(), SessionExpired.String(),
		MemberRemoved.String(), MemberReplaced.String(), WriteFailed.String(), "crash with records that are not committed", "write timed out",
		"a held heartbeat told of a rebalance", "static member came back without a rebalance", "parked join fenced", "live and loaded compared",
		MemberJoined.String(), MemberFenced.String(), "diary of five entries", "diary cut", GenerationRefused.String(),
	} {
		if reached[what]*50 < n { // the rarest is reached in one of twenty
			t.Errorf("%q was reached in %d of %d seeds", what, reached[what], n)
		}
	}
}

func report(t *testing.T, w *simWorld) {
	t.Helper()
	if len(w.see.found) > 0 {
		lines := w.Trace().Lines()
		t.Fatalf("seed %d:\n%s\n--- the end of its trace:\n%s", w.seed, strings.Join(w.see.found, "\n"), strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
}

// TestSimulationRepeats: the same seed makes the same history.
func TestSimulationRepeats(t *testing.T) {
	for seed := range uint64(3) {
		a, b := runSim(t, seed, bug{}), runSim(t, seed, bug{})
		if a.Trace().Sum() != b.Trace().Sum() || a.Trace().Count() < 1000 {
			t.Fatalf("seed %d: %x of %d lines, then %x of %d", seed, a.Trace().Sum(), a.Trace().Count(), b.Trace().Sum(), b.Trace().Count())
		}
	}
}
