package sim

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"
)

// What ends a connection or an attempt to make one.
var (
	ErrRefused = errors.New("connection refused")
	ErrReset   = errors.New("connection reset")
	ErrTimeout = errors.New("connection timed out")
	ErrClosed  = errors.New("connection closed")
)

// NetworkOptions are the habits of a network. Chances are in 1000 frames; the zero value is a network without faults
// and without delay.
type NetworkOptions struct {
	DelayMin, DelayMax time.Duration // every frame, one way
	SlowPerMille       int           // this many frames are delayed up to SlowMax instead
	SlowMax            time.Duration
	ResetPerMille      int           // this many frames are lost, which resets their connection: TCP loses no bytes
	StallMax           time.Duration // how long an end waits behind a cut before it gives up; default 15 s
	FramesMax          int           // frames under way in one direction of a connection; one more resets it; default 10000
}

// Network carries frames between nodes. A frame is an event; the frames of one direction of a connection keep their
// order, those of different connections do not. Behind a cut frames wait, and arrive after Heal unless an end has given
// up by then.
type Network struct {
	world     *World
	rand      *Rand
	options   NetworkOptions
	listeners map[string]listener
	cuts      map[route]bool
	conns     []*Conn       // every open end, in the order they were made
	waiting   []*lane       // behind a cut, in the order they met it
	watched   map[*Node]int // the life of each node whose end is watched
}

type listener struct {
	node   *Node
	accept func(*Conn)
}

type route struct{ from, to string } // names of nodes

// NewNetwork makes a network with its own stream of random numbers, named after it.
func (w *World) NewNetwork(name string, o NetworkOptions) *Network {
	if o.StallMax == 0 {
		o.StallMax = 15 * time.Second
	}
	if o.FramesMax == 0 {
		o.FramesMax = 10_000
	}
	return &Network{world: w, rand: w.Rand("network/" + name), options: o,
		listeners: map[string]listener{}, cuts: map[route]bool{}, watched: map[*Node]int{}}
}

// SetOptions changes the habits from now on.
func (n *Network) SetOptions(o NetworkOptions) {
	o.StallMax, o.FramesMax = max(o.StallMax, time.Millisecond), max(o.FramesMax, 1)
	n.options = o
}

// Listen lets a node take connections at an address for as long as this life of it lasts.
func (n *Network) Listen(node *Node, address string, accept func(*Conn)) {
	n.listeners[address] = listener{node: node, accept: accept}
	n.watch(node)
}

// watch makes a node's listeners and connections end with its life.
func (n *Network) watch(node *Node) {
	if n.watched[node] == node.incarnation {
		return
	}
	n.watched[node] = node.incarnation
	node.OnCrash(func() {
		maps.DeleteFunc(n.listeners, func(_ string, l listener) bool { return l.node == node })
		for _, c := range slices.Clone(n.conns) {
			if c.node == node {
				c.leave(ErrReset)
			}
		}
	})
}

// Dial connects a node to an address. ready gets the connection or ErrRefused, or ErrTimeout behind a cut.
func (n *Network) Dial(from *Node, address string, ready func(*Conn, error)) {
	life := from.incarnation
	answer := func(conn *Conn, err error) {
		if from.incarnation == life {
			from.Run(func() {
				if conn != nil && conn.closed { // it broke before anybody could be told
					conn, err = nil, ErrReset
				}
				ready(conn, err)
			})
		}
	}
	n.world.After(n.delay(), func() { n.connect(from, life, address, answer) })
}

func (n *Network) connect(from *Node, life int, address string, answer func(*Conn, error)) {
	l, listening := n.listeners[address]
	switch {
	case !from.alive || from.incarnation != life:
	case !listening:
		answer(nil, ErrRefused)
	case n.isCut(from.name, l.node.name) || n.isCut(l.node.name, from.name):
		n.world.After(n.options.StallMax, func() { answer(nil, ErrTimeout) })
	default:
		near, far := n.pair(from, l.node)
		l.node.Run(func() { l.accept(far) })
		n.world.After(n.delay(), func() { answer(near, nil) })
	}
}

// Cut stops what goes from one node to another; the way back stays open.
func (n *Network) Cut(from, to string) {
	n.world.Notef("cut %s>%s", from, to)
	n.cuts[route{from, to}] = true
}

// Heal opens the way again: what waited arrives in its order.
func (n *Network) Heal(from, to string) {
	if !n.cuts[route{from, to}] {
		return
	}
	n.world.Notef("heal %s>%s", from, to)
	delete(n.cuts, route{from, to})
	n.waiting = slices.DeleteFunc(n.waiting, func(l *lane) bool {
		healed := l.from.node.name == from && l.from.peer.node.name == to
		if healed {
			l.flow()
		}
		return healed
	})
}

// HealAll opens every way.
func (n *Network) HealAll() {
	cuts := make([]route, 0, len(n.cuts))
	for r := range n.cuts {
		cuts = append(cuts, r)
	}
	slices.SortFunc(cuts, compareRoutes)
	for _, r := range cuts {
		n.Heal(r.from, r.to)
	}
}

// Open tells how many ends of connections are open.
func (n *Network) Open() int { return len(n.conns) }

// IsCut says whether what goes from one node to another is stopped.
func (n *Network) IsCut(from, to string) bool { return n.isCut(from, to) }

func (n *Network) isCut(from, to string) bool { return n.cuts[route{from, to}] }

func (n *Network) delay() time.Duration {
	if n.rand.Chance(n.options.SlowPerMille) {
		return n.rand.Between(n.options.DelayMin, n.options.SlowMax)
	}
	return n.rand.Between(n.options.DelayMin, n.options.DelayMax)
}

func compareRoutes(a, b route) int {
	return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
}
