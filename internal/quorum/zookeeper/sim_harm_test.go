package zookeeper

import (
	"time"

	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/sim/ensemble"
)

// harm does something to a node or to its way to the ensemble, often to the controller's, until the attack is over.
func (h *history) harm() {
	if !h.attack {
		return
	}
	m := h.nodes[h.rand.IntN(len(h.nodes))]
	if h.rand.Chance(500) {
		for _, x := range h.nodes {
			if x.node != nil && x.client.Session() == h.writer {
				m = x
			}
		}
	}
	later := func(do func()) { h.After(h.rand.Between(50*time.Millisecond, 4*time.Second), do) }
	cut := func(names ...string) {
		ways := 1 + h.rand.IntN(3)
		for _, name := range names {
			if ways&1 != 0 {
				h.network.Cut(name, ensemble.Name)
			}
			if ways&2 != 0 {
				h.network.Cut(ensemble.Name, name)
			}
		}
		later(func() {
			for _, name := range names {
				h.network.Heal(name, ensemble.Name)
				h.network.Heal(ensemble.Name, name)
			}
		})
	}
	switch h.rand.IntN(8) {
	case 0:
		h.reached["crash"]++
		if m.Alive() {
			m.crash()
		}
	case 1, 2:
		h.reached["cut"]++
		cut(m.Name())
	case 3:
		h.reached["ensemble away"]++
		cut("node1", "node2", "node3")
	case 4:
		h.reached["pause"]++
		m.Pause()
		later(m.Resume)
	case 5, 6:
		h.reached["reset"]++
		if m.node != nil {
			m.client.Reset()
		}
	case 7:
		h.reached["/controller removed"]++
		h.ensemble.Do(&member.Request{Kind: member.Multi, Ops: []member.Op{{Kind: member.Delete, Path: member.ControllerPath, Version: member.AnyVersion}}})
	}
	h.After(h.rand.Between(50*time.Millisecond, time.Second), h.harm)
}
