package zookeeper

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/ensemble"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// seedsDefault is how many seeds plain `go test` runs.
const seedsDefault = 20

// bug is a fault that is planted into what goes between a node and the ensemble.
type bug string

const (
	none           bug = ""
	epochUnchecked bug = "a controller writes without a check of its epoch"
	nothingChecked bug = "a controller writes whatever the epoch and the head are"
	lostIsDone     bug = "a request whose answer was lost is taken for done"
	watchForgotten bug = "a watch that fires is not heeded"
	confirmedBlind bug = "a controller takes itself for confirmed whatever the epoch is"
)

// history is one run: nodes on a model of an ensemble, registering brokers with whoever takes itself for the controller.
type history struct {
	*sim.World
	bug      bug
	rand     *sim.Rand
	network  *sim.Network
	ensemble *ensemble.Ensemble
	nodes    []*machine
	attack   bool
	next     int32

	prepared bool
	writer   int64 // the session that has raised the epoch last
	epoch    record.LeaderEpoch

	confirmed []int32                    // brokers whose registration was answered
	images    map[record.Offset]string   // by offset, as the first node to show it had it
	leaders   map[record.LeaderEpoch]int // who took itself for the controller
	newest    record.Offset
	reached   map[string]int
	found     []string
}

func (h *history) wrong(format string, args ...any) {
	h.found = append(h.found, fmt.Sprintf("at %v: ", h.Now())+fmt.Sprintf(format, args...))
}

const simTimeout = 2 * time.Second

func newHistory(seed uint64, b bug) *history {
	w := sim.NewWorld(sim.WorldOptions{Seed: seed, EventsMax: 3_000_000, TraceLinesMax: 2000})
	h := &history{World: w, bug: b, rand: w.Rand("history"), images: map[record.Offset]string{}, leaders: map[record.LeaderEpoch]int{}, reached: map[string]int{}, newest: -1}
	h.network = w.NewNetwork("main", sim.NetworkOptions{DelayMin: 20 * time.Microsecond, DelayMax: 3 * time.Millisecond, ResetPerMille: 2, StallMax: 3 * time.Second, FramesMax: 1000})
	h.ensemble = ensemble.New(w, h.network, ensemble.Options{Servers: 3, LagMax: time.Second, SessionTimeout: simTimeout, Judge: h.agreed})
	if _, err := Prepare(h.ensemble.Do, "simulated"); err != nil {
		panic(err)
	}
	h.prepared = true
	for i := range 3 {
		m := &machine{Node: w.NewNode(fmt.Sprint("node", i+1)), history: h, id: metadata.NodeID(i + 1)}
		h.nodes = append(h.nodes, m)
		m.start()
	}
	return h
}

// agreed: only the session that has raised the epoch last writes the log, and the epoch grows.
func (h *history) agreed(session int64, path string, data []byte) {
	switch {
	case !h.prepared:
	case path == member.EpochPath:
		epoch, err := member.ParseEpoch(data)
		if err != nil || epoch != h.epoch+1 {
			h.wrong("the epoch became %q after %d", data, h.epoch)
		}
		h.epoch, h.writer = epoch, session
	case strings.HasPrefix(path, member.SkeinPath+"/") && session != h.writer:
		h.wrong("session %d writes %s, and session %d has become the controller in epoch %d", session, path, h.writer, h.epoch)
	}
}

// shown: at one offset all have the same image.
func (h *history) shown(m *machine, image *metadata.Image) {
	h.newest = max(h.newest, image.Offset)
	if image.Offset%16 != 0 { // walking all of an image takes time
		return
	}
	text := string(metadata.AppendRecords(nil, slices.Collect(image.Records())...)) + fmt.Sprint(image.Epoch)
	if before, ok := h.images[image.Offset]; ok && before != text {
		h.wrong("node %d has another image at offset %d than the first that showed it", m.id, image.Offset)
	}
	h.images[image.Offset] = text
}

// register asks a node that takes itself for the controller to register one more broker.
func (h *history) register() {
	for _, m := range h.nodes {
		if m.node == nil {
			continue
		}
		if leader, _, ok := m.node.Leader(); !ok || leader != m.id {
			continue
		}
		h.next++
		id, begun := h.next, h.epoch
		r := protocol.NewBrokerRegistrationRequest()
		r.BrokerID, r.ClusterID, r.IncarnationID, r.LogDirs = id, "simulated", protocol.UUID{1}, []protocol.UUID{{byte(id >> 16), byte(id >> 8), byte(id), 1}}
		if h.rand.Chance(500) { // else nothing but the confirmation tells that another leads
			m.node.Submit(r, 0, func(_ protocol.Message, err error) {
				if err == nil {
					h.confirmed = append(h.confirmed, id)
				}
			})
		}
		// What rests on no proposal must not be answered by one that had been replaced before it was asked.
		session := m.client.Session()
		m.node.Submit(&protocol.UnregisterBrokerRequest{BrokerID: 1 << 20}, 0, func(_ protocol.Message, err error) {
			if protocol.CodeOf(err) == protocol.BrokerIDNotRegistered && session != h.writer && h.epoch == begun {
				h.wrong("node %d, whose session %d is not the controller's %d, answers what it was asked in epoch %d", m.id, session, h.writer, begun)
			}
		})
		m.soon()
	}
	h.After(h.rand.Between(0, 50*time.Millisecond), h.register)
}

// run plays one history and returns what is wrong with it.
func run(seed uint64, b bug) *history {
	h := newHistory(seed, b)
	h.attack = true
	h.register()
	h.harm()
	_ = h.World.Run(sim.Instant(15 * time.Second))
	h.attack = false
	h.network.HealAll()
	for _, m := range h.nodes {
		m.Resume()
	}
	_ = h.World.Run(h.Now() + sim.Instant(8*time.Second))
	before := len(h.confirmed)
	_ = h.World.Run(h.Now() + sim.Instant(4*time.Second))
	if len(h.confirmed) == before {
		h.wrong("nothing goes on after the faults: epoch %d, %d confirmed", h.epoch, before)
	}
	for _, m := range h.nodes {
		if m.node == nil {
			h.wrong("node %d is down", m.id)
			continue
		}
		if lag := h.newest - m.node.Image().Offset; lag > 100 {
			h.wrong("node %d shows offset %d, and another %d", m.id, m.node.Image().Offset, h.newest)
		}
		missing := 0
		for _, id := range h.confirmed[:before] {
			if m.node.Image().Broker(metadata.NodeID(id)) == nil {
				missing++
			}
		}
		if missing > 0 {
			h.wrong("node %d lacks %d of %d brokers whose registration was confirmed", m.id, missing, before)
		}
	}
	return h
}

// TestSim runs seeds; see package seeds.
func TestSim(t *testing.T) {
	reached, elections, entries := map[string]int{}, 0, 0
	for seed := range uint64(seeds.Many(t, seedsDefault)) {
		h := run(seed, none)
		if len(h.found) > 0 {
			t.Errorf("seed %d: %s", seed, strings.Join(h.found[:min(3, len(h.found))], "\n  "))
		}
		for what, n := range h.reached {
			reached[what] += n
		}
		elections, entries = elections+int(h.epoch), entries+int(h.newest)
		if seed%20 == 0 {
			if again := run(seed, none); again.newest != h.newest || again.epoch != h.epoch || !slices.Equal(again.confirmed, h.confirmed) {
				t.Errorf("seed %d makes another history when it is run again", seed)
			}
		}
	}
	t.Logf("%d elections, %d entries, %v", elections, entries, reached)
}

// TestPlantedBugs: each is found, and nothing where it is not.
func TestPlantedBugs(t *testing.T) {
	for _, b := range []bug{epochUnchecked, nothingChecked, lostIsDone, watchForgotten} {
		t.Run(string(b), func(t *testing.T) {
			for seed := range uint64(300) {
				if h := run(seed, b); len(h.found) > 0 {
					t.Logf("seed %d: %s", seed, h.found[0])
					return
				}
			}
			t.Error("not found in 300 seeds")
		})
	}
}

// TestConfirmation: a controller that another has replaced, and that does not know it yet, answers nothing that rests on that
// alone. With the bug it does: the check in the question is what keeps it from it.
func TestConfirmation(t *testing.T) {
	for _, b := range []bug{none, confirmedBlind} {
		h := newHistory(1, b)
		_ = h.World.Run(sim.Instant(3 * time.Second))
		var leader *machine
		for _, m := range h.nodes {
			if id, _, ok := m.node.Leader(); ok && id == m.id {
				leader = m
			}
		}
		if leader == nil {
			t.Fatal("nobody leads")
		}
		h.prepared = false // what follows is not a node's
		if a := h.ensemble.Do(&member.Request{Kind: member.Multi, Ops: []member.Op{{Kind: member.SetData, Path: member.EpochPath, Data: []byte("7"), Version: member.AnyVersion}}}); a.Code != member.OK {
			t.Fatal(a)
		}
		answered := protocol.None
		leader.node.Submit(&protocol.UnregisterBrokerRequest{BrokerID: 1 << 20}, 0, func(_ protocol.Message, err error) { answered = protocol.CodeOf(err) })
		leader.soon()
		_ = h.World.Run(h.Now() + sim.Instant(time.Second))
		want := map[bug]protocol.Code{none: protocol.NotController, confirmedBlind: protocol.BrokerIDNotRegistered}[b]
		if answered != want {
			t.Errorf("bug %q: the answer is %v, want %v", b, answered, want)
		}
	}
}
