package zookeeper

import (
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
)

// hearing is when the controller heard its brokers last. One that is cut off from the other nodes, and not from the ensemble,
// keeps its session: nobody takes its place, and nobody can work with it, unless it notices. On raft its votes would be gone.
type hearing struct {
	silence time.Duration                // after which a broker is not heard
	brokers map[metadata.NodeID]*contact // with a session; nil while that is not known
}

// contact is when a broker was heard last, or when its session was first seen.
type contact struct {
	heard time.Time
	lost  bool // the connection has ended since: the process is dead, most likely, and its session ends soon
}

// begin forgets what was heard before this node led.
func (h *hearing) begin(now time.Time) {
	for id := range h.brokers {
		h.brokers[id] = &contact{heard: now}
	}
}

// sessions is which brokers have one.
func (h *hearing) sessions(now time.Time, ids []metadata.NodeID) {
	before := h.brokers
	h.brokers = make(map[metadata.NodeID]*contact, len(ids))
	for _, id := range ids {
		if h.brokers[id] = before[id]; h.brokers[id] == nil {
			h.brokers[id] = &contact{heard: now}
		}
	}
}

func (h *hearing) heard(now time.Time, id metadata.NodeID) {
	if c := h.brokers[id]; c != nil {
		*c = contact{heard: now}
	}
}

func (h *hearing) lost(id metadata.NodeID) {
	if c := h.brokers[id]; c != nil {
		c.lost = true
	}
}

// deafAt is when this node does not hear most of those any more that have a session, if nothing comes until then; false if that
// cannot be. A dead process has a session for as long as that lasts, and a little more, so it does not count before.
func (h *hearing) deafAt(self metadata.NodeID, session time.Duration) (time.Time, bool) {
	var ends []time.Time
	for id, c := range h.brokers {
		switch {
		case id == self:
		case c.lost:
			ends = append(ends, c.heard.Add(max(h.silence, 2*session)))
		default:
			ends = append(ends, c.heard.Add(h.silence))
		}
	}
	most := len(h.brokers)/2 + 1
	if len(ends) < most {
		return time.Time{}, false
	}
	slices.SortFunc(ends, time.Time.Compare)
	return ends[most-1], true
}

// deafAt is hearing.deafAt of this node while it leads; false while it is on its way out.
func (n *Node) deafAt() (time.Time, bool) {
	if !n.member.Leading() || n.member.Abdicating() {
		return time.Time{}, false
	}
	return n.hearing.deafAt(n.config.NodeID, n.member.Timeout())
}

// listenIn has another node lead if this one does not hear most of the brokers. It is before the ends of their sessions: it is not
// they who are to be fenced.
func (n *Node) listenIn(now time.Time) error {
	at, ok := n.deafAt()
	if !ok || now.Before(at) {
		return nil
	}
	return n.happen(now, &member.Abdicate{Reason: fmt.Errorf("most of the %d brokers with a session in ZooKeeper are not heard, for %v: another node is to lead", len(n.hearing.brokers), n.hearing.silence)})
}
