package scene

import (
	"fmt"

	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
)

// Bug is a fault that is planted on purpose, around the parts and never in them, to see that a checker finds it.
type Bug string

// None is planted in a real run.
const None Bug = ""

// Options are what a world is made of.
type Options struct {
	Seed       uint64
	Bug        Bug
	TraceLines int                // how many lines of the trace are kept
	EventsMax  int                // how many events a run may have
	Network    sim.NetworkOptions // at the beginning
	Replicated bool               // several brokers hold each partition
}

// World is one run.
type World struct {
	*sim.World
	Network  *sim.Network
	Recorder *check.Recorder

	Attack      bool // there may be faults
	Quiet       bool // producers begin nothing new
	Disturbance int  // counts what may end a session early: crashes, pauses, cuts, clocks

	bug      Bug
	judged   check.Options
	given    map[string]string // ids that must be unique, and who has them
	findings []check.Finding
	reached  map[string]int
}

// New makes a world under attack.
func New(o Options) *World {
	w := &World{World: sim.NewWorld(sim.WorldOptions{Seed: o.Seed, TraceLinesMax: o.TraceLines, EventsMax: o.EventsMax}),
		Attack: true, bug: o.Bug, judged: check.Options{Replicated: o.Replicated}, given: map[string]string{}, reached: map[string]int{}}
	w.Network = w.NewNetwork("main", o.Network)
	w.Recorder = check.NewRecorder(func() int64 { return int64(w.Now()) })
	return w
}

// findingsMax is how many findings are kept that no history shows.
const findingsMax = 10

// Wrong adds a finding that no history shows.
func (w *World) Wrong(class, about, format string, args ...any) {
	if len(w.findings) < findingsMax {
		f := check.Finding{Class: class, About: about, Message: fmt.Sprintf("at %v: ", w.Now()) + fmt.Sprintf(format, args...)}
		w.findings = append(w.findings, f)
		w.Notef("FOUND %v", f)
	}
}

// Findings are what Wrong added.
func (w *World) Findings() []check.Finding { return w.findings }

// Reach counts a state that runs should get into.
func (w *World) Reach(state string) { w.reached[state]++ }

// Has says whether the run has this bug planted.
func (w *World) Has(b Bug) bool { return w.bug == b }

// Bug is the bug that is planted.
func (w *World) Bug() Bug { return w.bug }

// Give notes who was given an id of a kind: nobody else may get it.
func (w *World) Give(kind, id, to string) {
	if other, taken := w.given[kind+id]; taken && other != to {
		w.Wrong(kind, id, "it was given to %s and to %s", other, to)
	}
	w.given[kind+id] = to
}

// Run goes on until an instant.
func (w *World) Run(until sim.Instant) {
	if err := w.World.Run(until); err != nil {
		w.Wrong("endless", "world", "%v", err)
	}
}
