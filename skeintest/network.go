package skeintest

import (
	"maps"
	"sync"

	"github.com/skein-io/skein/internal/server/memnet"
)

// held is what the network of a cluster in memory holds back.
type held struct {
	network *memnet.Network

	mu     sync.Mutex
	cuts   map[link]bool
	paused map[string]bool // addresses
}

// link is one direction between two nodes' addresses. "" is every client.
type link struct{ from, to string }

// change changes what is held back, and tells the network.
func (h *held) change(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cuts == nil {
		h.cuts, h.paused = map[link]bool{}, map[string]bool{}
	}
	do()
	if len(h.cuts) == 0 && len(h.paused) == 0 {
		h.network.Hold(nil)
		return
	}
	cuts, paused := maps.Clone(h.cuts), maps.Clone(h.paused)
	h.network.Hold(func(from, to string) bool { return cuts[link{from, to}] || paused[from] || paused[to] })
}

func (n *Node) hold(change func(*held)) {
	n.t.Helper()
	if n.network == nil {
		n.t.Fatal("skeintest: only the network in memory can be held back; start with InMemory")
	}
	n.cluster.held.change(func() { change(&n.cluster.held) })
}

// CutLink stops everything that node from sends to node to, on connections that stand and on new ones, until HealLink or
// HealLinks. It is one direction: a link that carries nothing at all needs two calls. Nothing is reset and nobody is told,
// as when a cable is pulled; what was sent meanwhile arrives when the link is healed. Only nodes in memory have links that
// can be cut.
func (n *Node) CutLink(from, to int) {
	n.t.Helper()
	n.hold(func(h *held) { h.cuts[link{n.Node(from).address, n.Node(to).address}] = true })
}

// HealLink ends one CutLink.
func (n *Node) HealLink(from, to int) {
	n.t.Helper()
	n.hold(func(h *held) { delete(h.cuts, link{n.Node(from).address, n.Node(to).address}) })
}

// HealLinks ends every CutLink.
func (n *Node) HealLinks() {
	n.t.Helper()
	n.hold(func(h *held) { clear(h.cuts) })
}

// Isolate cuts the links between this node and all others, in both directions. Clients reach it: a leader that is cut off
// from its cluster still takes what they send, and must not acknowledge it. HealLinks ends it.
func (n *Node) Isolate() {
	n.t.Helper()
	n.hold(func(h *held) {
		for _, other := range n.cluster.nodes {
			if other.id != n.id {
				h.cuts[link{n.address, other.address}] = true
				h.cuts[link{other.address, n.address}] = true
			}
		}
	})
}

// Pause lets nothing into the node and nothing out of it, from clients and from other nodes, until Resume: as seen from
// outside it makes no progress, and its connections stand, as when a machine hangs. Bytes that were sent to it wait and
// arrive at Resume, and so do its own. A node in memory cannot be stopped in the middle of what it does: its own timers go
// on, so it may notice that it hears nobody. A node that is paused can be stopped or crash.
func (n *Node) Pause() {
	n.t.Helper()
	n.hold(func(h *held) { h.paused[n.address] = true })
}

// Resume ends Pause.
func (n *Node) Resume() {
	n.t.Helper()
	n.hold(func(h *held) { delete(h.paused, n.address) })
}

// isPaused says whether the node is between Pause and Resume.
func (n *Node) isPaused() bool {
	n.cluster.held.mu.Lock()
	defer n.cluster.held.mu.Unlock()
	return n.cluster.held.paused[n.address]
}
