package consumer

import (
	"fmt"
	"hash/fnv"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/sim"
	simulated "github.com/skein-io/skein/internal/sim/coordinator"
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

// simWorld is one seed.
type simWorld struct {
	seed  uint64
	bug   simBug
	rand  *sim.Rand
	began time.Time

	assignors [][]assign.Assignor // that processes may have
	storm     int                 // how many times as much is lost as usual

	mu          sync.Mutex // guards what follows, and all of the cluster
	attack      bool
	cut         [simNodes]bool
	logs        map[TopicPartition]*simLog
	names       []TopicPartition // of logs, sorted
	before      map[string]link.Topic
	coordinator *simulated.Coordinator
	tokens      group.Token
	slots       []*slot
	owners      map[ownership]string
	reached     map[string]int
	history     []simLine
	lines       int
	found       []string
	wrongs      chan struct{}   // closed with the first of found
	closing     bool            // processes end, and are not started again
	closed      map[string]bool // processes that have ended in good order while all was well
}

// ownership is a partition in a generation of the group.
type ownership struct {
	generation int32
	partition  TopicPartition
}

// simLine is a line of the history that is put together only if somebody wants to see it.
type simLine struct {
	at     time.Duration
	format string
	args   []any
}

func (l simLine) String() string {
	return fmt.Sprintf("%11.6f  %s", l.at.Seconds(), fmt.Sprintf(l.format, l.args...))
}

// notef adds to the history. w.mu is held. The arguments must not change any more.
func (w *simWorld) notef(format string, args ...any) {
	line := simLine{time.Since(w.began), format, args}
	if len(w.history) < simHistoryMax {
		w.history = append(w.history, line)
	} else {
		w.history[w.lines%simHistoryMax] = line
	}
	w.lines++
}

func (w *simWorld) lastLines(n int) []string {
	var last []string
	for i := max(w.lines-min(n, len(w.history)), 0); i < w.lines; i++ {
		last = append(last, w.history[i%simHistoryMax].String())
	}
	return last
}

// sum is a hash of the whole history.
func (w *simWorld) sum() uint64 {
	h := fnv.New64a()
	for _, line := range w.history {
		fmt.Fprintln(h, line)
	}
	return h.Sum64()
}

// wrongf notes that a check has failed. w.mu is held.
func (w *simWorld) wrongf(format string, args ...any) {
	if len(w.found) >= 5 {
		return
	}
	w.notef("WRONG "+format, args...)
	w.found = append(w.found, w.history[(w.lines-1)%simHistoryMax].String())
	if len(w.found) == 1 {
		close(w.wrongs)
	}
}

func (w *simWorld) reach(what string) { w.reached[what]++ }

// after calls f later, with w.mu held. w.mu is held or not.
func (w *simWorld) after(d time.Duration, f func()) (stop func()) {
	timer := time.AfterFunc(max(d, 0), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		f()
	})
	return func() { timer.Stop() }
}

// locked calls f with w.mu held.
func (w *simWorld) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// topics is the metadata of the cluster.
func (w *simWorld) topics() map[string]link.Topic {
	topics := map[string]link.Topic{}
	for _, name := range w.names {
		t := topics[name.Topic]
		t.Name = name.Topic
		t.ID[0] = name.Topic[1]
		t.Partitions = append(t.Partitions, link.Leader{Node: w.logs[name].leader, Epoch: w.logs[name].epoch})
		topics[name.Topic] = t
	}
	return topics
}

func (w *simWorld) addPartition(topic string, chance *sim.Rand) {
	name := TopicPartition{Topic: topic}
	for _, n := range w.names {
		if n.Topic == topic {
			name.Partition++
		}
	}
	w.logs[name] = newSimLog(w, name, chance)
	w.names = append(w.names, name)
	slices.SortFunc(w.names, TopicPartition.Compare)
}

func newSimWorld(seed uint64, b simBug) *simWorld {
	w := &simWorld{
		seed: seed, bug: b, rand: sim.NewRand(seed), began: time.Now(), attack: true, logs: map[TopicPartition]*simLog{},
		owners: map[ownership]string{}, reached: map[string]int{}, closed: map[string]bool{}, wrongs: make(chan struct{}),
	}
	chance := w.rand.Fork("world")
	eager := [][]assign.Assignor{{assign.Range()}, {assign.Sticky()}, {assign.RoundRobin()}, {assign.Range(), assign.CooperativeSticky()}}[chance.IntN(4)]
	cooperative := []assign.Assignor{assign.CooperativeSticky()}
	w.storm = []int{1, 1, 1, 4}[chance.IntN(4)]
	switch n := chance.IntN(10); {
	case n < 4:
		w.assignors = [][]assign.Assignor{eager}
	case n < 8:
		w.assignors = [][]assign.Assignor{cooperative}
	default: // the second round of restarts by which a group becomes cooperative (KIP-429)
		w.assignors = [][]assign.Assignor{cooperative, {assign.CooperativeSticky(), assign.Range()}}
	}
	for i := range 1 + chance.IntN(2) {
		for range 1 + chance.IntN(4) {
			w.addPartition(fmt.Sprint("t", i), chance)
		}
	}
	w.before = w.topics()
	cfg := group.DefaultConfig()
	cfg.SessionTimeoutMin = time.Second
	cfg.InitialDelay = time.Duration(chance.IntN(2)) * 200 * time.Millisecond
	cfg.JoinSettle = time.Duration(chance.IntN(2)) * 20 * time.Millisecond
	cfg.HoldHeartbeats = chance.Chance(500)
	cfg.CleanupInterval = 0
	w.coordinator = simulated.New(simulated.Config{
		Group: cfg,
		Now:   func() time.Duration { return time.Since(w.began) },
		After: w.after,
		Noted: func(n group.Note) {
			w.notef("coordinator: %v, member %s, generation %d of %d: %s", n.Kind, n.Member, n.Generation, n.Members, n.Reason)
			w.reach(n.Kind.String())
		},
		Written: w.written,
	})
	for i := range 2 + chance.IntN(3) {
		s := &slot{name: fmt.Sprint("c", i), mode: simMode(chance.IntN(int(simModes))), assignors: w.assignors[chance.IntN(len(w.assignors))]}
		if chance.Chance(300) {
			s.instance = fmt.Sprint("i", i)
		}
		w.slots = append(w.slots, s)
		w.after(chance.Between(0, 4*time.Second), func() { w.start(s) })
	}
	return w
}

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
	w.mu.Lock()
	slots := slices.Clone(w.slots)
	w.mu.Unlock()
	for _, s := range slots {
		if p := s.process; p != nil && p.c != nil {
			text := p.c.Explain().String()
			w.locked(func() { w.notef("%s: %s", p.name, text) })
		}
	}
}

// produce appends records now and then, for as long as there is trouble.
func (w *simWorld) produce(chance *sim.Rand) {
	if !w.attack {
		return
	}
	w.logs[w.names[chance.IntN(len(w.names))]].produce(chance)
	w.after(chance.Between(0, 200*time.Millisecond), func() { w.produce(chance) })
}

// trouble does something bad now and then.
func (w *simWorld) trouble(chance *sim.Rand) {
	w.after(chance.Between(0, 3*time.Second), func() {
		if w.attack {
			w.misbehave(chance)
			w.trouble(chance)
		}
	})
}

func (w *simWorld) misbehave(chance *sim.Rand) {
	s := w.slots[chance.IntN(len(w.slots))]
	l := w.logs[w.names[chance.IntN(len(w.names))]]
	node := int32(chance.IntN(simNodes))
	known := w.topics()
	switch chance.IntN(12) {
	case 0, 1:
		w.reach("a process died")
		s.kill()
		w.startAgain(s, chance.Between(0, 6*time.Second))
	case 2, 3:
		w.reach("a process ended")
		s.stop()
		w.startAgain(s, chance.Between(0, 6*time.Second))
	case 4:
		w.reach("the coordinator moved")
		w.moveCoordinator(chance)
	case 5:
		w.reach("a node was cut off")
		w.cutOff(node, chance.Between(0, 4*time.Second))
	case 6: // and others take over what it has
		w.reach("a node failed")
		w.cutOff(node, chance.Between(time.Second, 6*time.Second))
		if w.coordinator.Node() == int(node) {
			w.moveCoordinator(chance)
		}
		for _, name := range w.names {
			if w.logs[name].leader == node {
				w.logs[name].elect(chance)
			}
		}
		w.before = known
	case 7, 8:
		w.reach("a leader moved")
		l.elect(chance)
		w.before = known
	case 9, 10:
		if p := s.process; p != nil { // its session may end while it works on
			w.reach("a process was cut off")
			d := chance.Between(0, 6*time.Second)
			w.notef("%s is cut off for %v", p.name, d)
			p.link.cut = true
			w.after(d, func() { p.link.cut = false })
		}
	case 11:
		w.reach("a topic grew")
		if len(w.names) < 12 {
			w.notef("topic %s grows", l.name.Topic)
			w.addPartition(l.name.Topic, chance)
			w.before = known
		}
	}
}

func (w *simWorld) moveCoordinator(chance *sim.Rand) {
	to := (w.coordinator.Node() + 1 + chance.IntN(simNodes-1)) % simNodes
	w.notef("the coordinator moves to node %d", to)
	w.coordinator.Move(to, chance.Between(0, time.Second))
}

func (w *simWorld) cutOff(node int32, d time.Duration) {
	w.notef("node %d is cut off for %v", node, d)
	w.cut[node] = true
	w.after(d, func() { w.cut[node] = false })
}

// heal ends the trouble.
func (w *simWorld) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notef("all is well")
	w.attack = false
	w.cut = [simNodes]bool{}
	for _, s := range w.slots {
		if s.process != nil {
			s.process.link.cut = false
		}
	}
	w.before = w.topics()
	for _, name := range w.names {
		w.logs[name].catchUp(100 * time.Millisecond)
	}
	for _, s := range w.slots {
		w.startAgain(s, 0)
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

// TestSimRepeats: the same seed makes the same history more often than not. What the runtime decides is left: timers of the
// same instant, the ready case that a select takes.
func TestSimRepeats(t *testing.T) {
	oneProcessor(t)
	const n = 20
	same := 0
	for seed := range uint64(n) {
		a, b := runSim(t, seed, simBug{}), runSim(t, seed, simBug{})
		if a.sum() == b.sum() {
			same++
		}
	}
	t.Logf("%d of %d seeds made the same history twice", same, n)
	if same < n/4 {
		t.Errorf("a seed says little of what happens")
	}
}

// simSeedsDefault is how many seeds run when nothing is said.
const simSeedsDefault = 200

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
		if chosen.Count >= simSeedsDefault && reached[what] == 0 {
			t.Errorf("no seed reached the state %q", what)
		}
	}
}
