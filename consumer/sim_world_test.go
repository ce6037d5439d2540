package consumer

import (
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/consumer/internal/link"
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/sim"
	simulated "github.com/skein-io/skein/internal/sim/coordinator"
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
	closed      map[string]bool // processes that have ended in good order in the end
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
