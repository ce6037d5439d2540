package api

import (
	"sync"

	"github.com/skein-io/skein/internal/metadata"
)

// heldFetches are the fetches of followers that wait for something to tell.
type heldFetches struct {
	mu sync.Mutex
	of map[metadata.NodeID][]*fetchCall // few: one for each fetcher of a node
}

// hold notes a fetch that waits, if it still does.
func (f *fetchCall) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.follower != nil && !f.finished {
		f.node.held.add(f)
	}
}

func (h *heldFetches) add(f *fetchCall) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = map[metadata.NodeID][]*fetchCall{}
	}
	h.of[f.follower.Node] = append(h.of[f.follower.Node], f)
}

func (h *heldFetches) remove(f *fetchCall) {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls := h.of[f.follower.Node]
	for i, call := range calls {
		if call == f {
			calls[i] = calls[len(calls)-1]
			calls[len(calls)-1] = nil
			h.of[f.follower.Node] = calls[:len(calls)-1]
			return
		}
	}
}

// answer ends the wait of a node's fetches.
func (h *heldFetches) answer(node metadata.NodeID) {
	h.mu.Lock()
	calls := append([]*fetchCall(nil), h.of[node]...)
	h.mu.Unlock()
	for _, f := range calls {
		f.expire()
	}
}
