package sim

import (
	"container/heap"
	"fmt"
	"time"
)

// Instant is a point of virtual time: nanoseconds since the world began. It never goes back.
type Instant int64

// Add returns the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns how long after j the instant i is.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// String prints seconds, such as 12.345s.
func (i Instant) String() string { return time.Duration(i).String() }

// WorldOptions are what a world starts from. The zero value is usable.
type WorldOptions struct {
	Seed          uint64
	WallStart     time.Time // what wall clocks show at Instant 0; default 2026-01-01 00:00 UTC
	EventsMax     int       // how many events one world may run before Run gives up; default 50 million
	TraceLinesMax int       // how many trace lines to keep; the hash covers all of them
}

// World is a heap of events and the virtual time. An event runs at its instant; events of one instant run in the order
// in which they were scheduled. Running an event is all that ever happens, so the seed decides everything.
type World struct {
	now      Instant
	wall     time.Time
	events   eventHeap
	sequence uint64
	ran      int
	ranMax   int
	rand     *Rand
	trace    *Trace
}

// NewWorld makes a world at Instant 0 without events.
func NewWorld(o WorldOptions) *World {
	if o.WallStart.IsZero() {
		o.WallStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if o.EventsMax == 0 {
		o.EventsMax = 50_000_000
	}
	return &World{wall: o.WallStart, ranMax: o.EventsMax, rand: NewRand(o.Seed), trace: NewTrace(o.TraceLinesMax)}
}

// Now is the virtual time.
func (w *World) Now() Instant { return w.now }

// Wall is what a perfect wall clock shows. Nodes have their own, see Node.Wall.
func (w *World) Wall() time.Time { return w.wall.Add(time.Duration(w.now)) }

// Rand starts the random stream of a name, see Rand.Fork.
func (w *World) Rand(name string) *Rand { return w.rand.Fork(name) }

// Trace is where the run is noted.
func (w *World) Trace() *Trace { return w.trace }

// Notef notes a line with the virtual time before it.
func (w *World) Notef(format string, args ...any) {
	w.trace.Line(w.now.String() + " " + fmt.Sprintf(format, args...))
}

// At schedules run at an instant; one that has passed means as soon as possible.
func (w *World) At(at Instant, run func()) *Timer {
	w.sequence++
	e := &event{at: max(at, w.now), sequence: w.sequence, run: run}
	heap.Push(&w.events, e)
	return &Timer{world: w, event: e}
}

// After schedules run d from now.
func (w *World) After(d time.Duration, run func()) *Timer { return w.At(w.now.Add(max(d, 0)), run) }

// Step runs the next event. It is false if there is none.
func (w *World) Step() bool {
	if len(w.events) == 0 {
		return false
	}
	e := heap.Pop(&w.events).(*event)
	if e.at < w.now {
		panic(fmt.Sprintf("sim: event %d of %v runs at %v", e.sequence, e.at, w.now))
	}
	w.now = e.at
	w.ran++
	e.run()
	return true
}

// Run runs every event up to an instant and leaves the time there. An error says that EventsMax were run: the system
// under test goes round without end.
func (w *World) Run(until Instant) error {
	_, err := w.RunUntil(until, func() bool { return false })
	if err == nil {
		w.now = max(w.now, until)
	}
	return err
}

// RunUntil runs events until done says so after one of them, or until the next one is later than the limit. It reports
// whether done did.
func (w *World) RunUntil(limit Instant, done func() bool) (bool, error) {
	for len(w.events) > 0 && w.events[0].at <= limit {
		if w.ran >= w.ranMax {
			return false, fmt.Errorf("sim: %d events run and no end at %v", w.ran, w.now)
		}
		w.Step()
		if done() {
			return true, nil
		}
	}
	return false, nil
}

// Pending tells how many events wait.
func (w *World) Pending() int { return len(w.events) }

// Timer is a scheduled event.
type Timer struct {
	world *World
	event *event
}

// Stop takes the event back. It is false if it ran already or was stopped.
func (t *Timer) Stop() bool {
	if t.event.index < 0 {
		return false
	}
	heap.Remove(&t.world.events, t.event.index)
	return true
}

// event runs at an instant; sequence orders events of one instant. index is its place in the heap, -1 outside.
type event struct {
	at       Instant
	sequence uint64
	index    int
	run      func()
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].sequence < h[j].sequence
}

func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *eventHeap) Push(x any) {
	e := x.(*event)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.index = -1
	return e
}
