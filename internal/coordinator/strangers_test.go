package coordinator

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// TestGroupsOfStrangersAreBounded: whoever asks for a place in ever new groups, or for ever new places in one, and does
// not come back, makes no more than so many of them. Groups that are in use stay, and so does what was committed.
func TestGroupsOfStrangersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Group.IdleGroupsMax, cfg.Group.PendingMax = 20, 30
		n := startNode(t, cfg, 1)
		id := n.member("used")
		wantCode(t, "commit", n.commit("offsets", "", -1, 7).get(t).Err, protocol.None)
		for i := range 500 {
			wantCode(t, "join", n.join(fmt.Sprint("stranger", i), "").get(t).Err, protocol.MemberIDRequired)
		}
		for i := range 300 { // all at once, in one batch of the log
			n.join(fmt.Sprint("crowd", i), "")
		}
		synctest.Wait()
		if listed := n.listed(); listed > 20+2 {
			t.Errorf("%d groups", listed)
		}
		wantCode(t, "heartbeat", heartbeatOf(n, "used", id).get(t).Err, protocol.None)
		if o := n.fetch("offsets"); o != 7 {
			t.Errorf("fetched %d", o)
		}
		first := n.join("one", "").get(t).MemberID
		var last string
		for range 100 {
			last = n.join("one", "").get(t).MemberID
		}
		if state := n.loop(0).shard.Snapshot("one", 1<<20); len(state.Group.Pending) != 30 {
			t.Errorf("%d members wait to come back", len(state.Group.Pending))
		}
		wantCode(t, "the first comes back", n.join("one", first).get(t).Err, protocol.UnknownMemberID)
		joined := n.join("one", last)
		n.Drain() // J9: it would wait for the others that were given an id
		if r := joined.get(t); r == nil || code(r.Err) != protocol.NotCoordinator {
			t.Errorf("the last comes back: %v", r)
		}

		// What went is gone from the log too.
		n.Close()
		again := &node{Coordinator: New(testConfig()), t: t}
		t.Cleanup(again.Close)
		again.Start(1)
		again.Elected(0, 2, n.logs[0])
		synctest.Wait()
		if listed := again.listed(); listed > 20+3 {
			t.Errorf("%d groups after a restart", listed)
		}
	})
}

func heartbeatOf(n *node, groupID, memberID string) *slot[group.HeartbeatReply] {
	reply, nudge := n.heartbeat(groupID, memberID, 1)
	nudge()
	return reply
}

func (n *node) listed() int {
	n.t.Helper()
	listed := new(slot[[]group.ListedGroup])
	n.List(nil, nil, func(groups []group.ListedGroup, _ *protocol.Error) { listed.set(groups) })
	return len(*listed.get(n.t))
}
