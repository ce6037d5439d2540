package onenode

import (
	"fmt"

	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
)

// Names in every run.
const (
	topicName  = "orders"
	groupName  = "readers"
	ledgerName = "ledger" // the group without members
	brokerName = "broker"
	address    = "broker:9092"
)

// world is one run.
type world struct {
	*sim.World
	options  Options
	network  *sim.Network
	recorder *check.Recorder
	node     *node
	nemesis  *nemesis

	producers  []*producer
	readers    []*reader
	members    []*member
	committers []*committer
	admin      *admin

	attack      bool
	quiet       bool              // producers begin nothing new
	disturbance int               // counts what may end a session early: crashes, pauses, cuts, clocks
	given       map[string]string // ids that must be unique, and who has them
	findings    []check.Finding
	reached     map[string]int
}

func newWorld(o Options) *world {
	w := &world{World: sim.NewWorld(sim.WorldOptions{Seed: o.Seed, TraceLinesMax: o.TraceLines, EventsMax: 3_000_000}),
		options: o, attack: true, reached: map[string]int{}}
	w.network = w.NewNetwork("main", attackedNetwork(o))
	w.recorder = check.NewRecorder(func() int64 { return int64(w.Now()) })
	w.node = newNode(w)
	w.nemesis = newNemesis(w)
	return w
}

// wrong adds a finding that no history shows.
func (w *world) wrong(class, about, format string, args ...any) {
	if len(w.findings) < 10 {
		f := check.Finding{Class: class, About: about, Message: fmt.Sprintf("at %v: ", w.Now()) + fmt.Sprintf(format, args...)}
		w.findings = append(w.findings, f)
		w.Notef("FOUND %v", f)
	}
}

// reach counts a state that runs should get into.
func (w *world) reach(state string) { w.reached[state]++ }

// has says whether the run has this bug planted.
func (w *world) has(b Bug) bool { return w.options.Bug == b }
