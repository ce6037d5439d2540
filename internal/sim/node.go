package sim

import (
	"math"
	"slices"
	"time"
)

// rateNormal is a clock that runs as the world does, in parts per million.
const rateNormal = 1_000_000

// Node is one simulated machine: a life that can end and begin again, a monotonic clock with a rate of its own, and a
// wall clock with an offset. Whatever runs on a node is scheduled through it, so that a crash takes it away and a
// pause (SIGSTOP) delays it.
type Node struct {
	name  string
	world *World

	incarnation int // counts starts; what an earlier one scheduled never runs
	alive       bool
	paused      bool
	backlog     []func() // came due during a pause, in order
	onCrash     []func()

	timers     []*NodeTimer // pending, in the order they were set
	since      Instant      // when ratePPM was set,
	local      Instant      // and what the node's clock showed then
	ratePPM    int64
	wallOffset time.Duration
}

// NewNode makes a node that is not started yet.
func (w *World) NewNode(name string) *Node { return &Node{name: name, world: w, ratePPM: rateNormal} }

// Name is the name of the node.
func (n *Node) Name() string { return n.name }

// Alive tells whether the node runs; a paused one does.
func (n *Node) Alive() bool { return n.alive }

// Incarnation counts the starts of the node.
func (n *Node) Incarnation() int { return n.incarnation }

// Start begins a new life and runs boot in it. It panics if the node is alive.
func (n *Node) Start(boot func()) {
	if n.alive {
		panic("sim: node " + n.name + " is started twice")
	}
	n.alive = true
	n.incarnation++
	n.world.Notef("%s starts %d", n.name, n.incarnation)
	boot()
}

// OnCrash registers what ends with this life: connections, the disk's un-synced part. Last registered runs first.
func (n *Node) OnCrash(hook func()) { n.onCrash = append(n.onCrash, hook) }

// Crash ends the life of the node between two events: its timers and backlog are gone, the hooks run. Nothing happens
// to a dead node.
func (n *Node) Crash() {
	if !n.alive {
		return
	}
	n.world.Notef("%s crashes", n.name)
	n.alive, n.paused, n.backlog = false, false, nil
	for _, t := range slices.Clone(n.timers) {
		t.Stop()
	}
	hooks := n.onCrash
	n.onCrash = nil
	for _, hook := range slices.Backward(hooks) {
		hook()
	}
}

// Pause stops the node without its knowing: what comes due waits for Resume.
func (n *Node) Pause() {
	if n.alive && !n.paused {
		n.world.Notef("%s pauses", n.name)
		n.paused = true
	}
}

// Resume runs what came due during the pause, in the order in which it came due.
func (n *Node) Resume() {
	if !n.paused {
		return
	}
	n.world.Notef("%s resumes", n.name)
	n.paused = false
	for len(n.backlog) > 0 && n.alive && !n.paused {
		run := n.backlog[0]
		n.backlog = n.backlog[1:]
		run()
	}
}

// Run runs f as something that happens to this life of the node: at once, after a pause, or never.
func (n *Node) Run(f func()) {
	switch {
	case !n.alive:
	case n.paused:
		n.backlog = append(n.backlog, f)
	default:
		f()
	}
}

// Now is the node's monotonic clock. It goes on while the node is down.
func (n *Node) Now() Instant {
	elapsed := n.world.now.Sub(n.since)
	return n.local.Add(scale(elapsed, n.ratePPM, rateNormal))
}

// Wall is the node's wall clock.
func (n *Node) Wall() time.Time { return n.world.wall.Add(time.Duration(n.Now())).Add(n.wallOffset) }

// SetWallOffset moves the wall clock; the monotonic clock and timers do not notice.
func (n *Node) SetWallOffset(d time.Duration) { n.wallOffset = d }

// SetRate lets the node's clock run at ppm parts per million of the world's, at least 1. Pending timers follow.
func (n *Node) SetRate(ppm int64) {
	n.local, n.since = n.Now(), n.world.now
	n.ratePPM = max(ppm, 1)
	for _, t := range n.timers {
		t.timer.Stop()
		t.arm()
	}
}

// After runs f when the node's clock has gone d further, if this life lasts that long.
func (n *Node) After(d time.Duration, f func()) *NodeTimer {
	t := &NodeTimer{node: n, at: n.Now().Add(max(d, 0)), run: f}
	if !n.alive {
		return t // a dead node does nothing
	}
	n.timers = append(n.timers, t)
	t.arm()
	return t
}

// NodeTimer is something that a node will do by its own clock.
type NodeTimer struct {
	node  *Node
	at    Instant // by the node's clock
	run   func()
	timer *Timer
	done  bool // ran or was stopped
}

// Stop takes it back. It is false if it ran or was stopped already, or if the node was dead when it was set.
func (t *NodeTimer) Stop() bool {
	if t.done || t.timer == nil {
		return false
	}
	t.done = true
	t.timer.Stop()
	t.forget()
	return true
}

func (t *NodeTimer) arm() {
	n := t.node
	wait := max(t.at.Sub(n.Now()), 0)
	t.timer = n.world.After(scaleUp(wait, rateNormal, n.ratePPM), t.fire)
}

// fire runs the callback, or leaves it to the backlog of a paused node, where Stop still reaches it.
func (t *NodeTimer) fire() {
	t.forget()
	t.node.Run(func() {
		if !t.done {
			t.done = true
			t.run()
		}
	})
}

func (t *NodeTimer) forget() {
	if i := slices.Index(t.node.timers, t); i >= 0 {
		t.node.timers = slices.Delete(t.node.timers, i, i+1)
	}
}

// scale is d*to/from without overflow for any d.
func scale(d time.Duration, to, from int64) time.Duration {
	whole, rest := int64(d)/from, int64(d)%from
	if whole > math.MaxInt64/to-1 {
		return math.MaxInt64
	}
	return time.Duration(whole*to + rest*to/from)
}

// scaleUp is scale rounded up, so that a timer never fires before its local deadline.
func scaleUp(d time.Duration, to, from int64) time.Duration {
	s := scale(d, to, from)
	if s < math.MaxInt64 && scale(s, from, to) < d {
		s++
	}
	return s
}
