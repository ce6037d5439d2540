package api

import (
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

// TestSessionsHoldABoundedNumberOfPartitions: not how many sessions there are but what they hold is memory.
func TestSessionsHoldABoundedNumberOfPartitions(t *testing.T) {
	sessions := newFetchSessions(1000, Runtime{}.completed())
	partitions := func(n int) []*fetchPartition {
		list := make([]*fetchPartition, n)
		for i := range list {
			list[i] = &fetchPartition{fetchKey: fetchKey{topic: "t", partition: int32(i)}}
		}
		return list
	}
	large := sessions.create(partitions(sessionWeightMax-10), false, false)
	if large == nil || sessions.create(partitions(11), false, false) != nil {
		t.Fatal("the bound is not where it is said to be")
	}
	small := sessions.create(partitions(10), false, false)
	if small == nil {
		t.Fatal("a small session finds no room")
	}
	fetch := fetchCall{node: &Node{sessions: sessions}, call: &Call{Version: 11}, request: protocol.NewFetchRequest()}
	fetch.request.SessionID, fetch.request.SessionEpoch = small.id, 1
	fetch.request.Topics = []protocol.FetchRequestTopic{{Topic: "u", Partitions: make([]protocol.FetchRequestPartition, 3)}}
	if code := protocol.CodeOf(fetch.open()); code != protocol.FetchSessionIDNotFound {
		t.Errorf("a session that is to grow beyond the bound: %v", code)
	}
	large.mu.Lock()
	for _, p := range partitions(100) {
		large.forget(p.fetchKey)
	}
	large.mu.Unlock()
	fetch.request.SessionEpoch = 2
	if err := fetch.open(); err != nil {
		t.Errorf("with room it may not grow: %v", err)
	}
	sessions.end(large.id)
	sessions.end(small.id)
	if left := sessions.weight.Load(); left != 0 {
		t.Errorf("sessions that have ended count for %d partitions", left)
	}
}
