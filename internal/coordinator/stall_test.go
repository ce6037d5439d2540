package coordinator

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// TestStandstill: the process stands still for longer than all sessions. Members whose heartbeats come right after are
// not thrown out; one that stays silent is.
func TestStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		id := n.member("g")
		gone := n.member("other")
		n.FetchOffsets(group.FetchRequest{GroupID: "g"}, func(group.FetchReply) { time.Sleep(30 * time.Second) })
		time.Sleep(30 * time.Second)
		synctest.Wait()
		beat, _ := n.heartbeat("g", id, 1)
		wantCode(t, "heartbeat after the standstill", beat.get(t).Err, protocol.None)
		time.Sleep(stallGrace)
		if d := n.describe("g"); d.State != "Stable" {
			t.Fatalf("thrown out: %v", d.State)
		}
		if d := n.describe("other"); d.State != "Empty" {
			t.Fatalf("%s was not heard of: %v", gone, d.State)
		}
	})
}

// TestFloodOfJoins: joins that never stop do not keep a group from its generation.
func TestFloodOfJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Group.JoinSettle = 0
		n := startNode(t, cfg, 1)
		id := n.join("g", "").get(t).MemberID
		floods, answeredAfter := 0, 0
		var flood func(group.JoinReply)
		flood = func(group.JoinReply) { // each answer brings the next one before the inbox is looked at again
			if floods++; floods < 20_000 {
				r := joinRequest("g", "nobody")
				n.Join(r, flood)
			}
		}
		n.Join(joinRequest("g", "nobody"), flood)
		n.Join(joinRequest("g", id), func(group.JoinReply) { answeredAfter = floods })
		synctest.Wait()
		if floods < 20_000 || answeredAfter == 0 || answeredAfter > 10*joinSkipsMax {
			t.Fatalf("answered after %d of %d", answeredAfter, floods)
		}
	})
}
