package coordinator

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// TestLeaseOver: a coordinator whose node may have been replaced answers nobody from memory. Who waits is sent away when the
// node tells it, who comes without that; when the lease begins again it knows what is committed.
func TestLeaseOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		id := n.member("g")
		wantCode(t, "commit", n.commit("g", id, 1, 7).get(t).Err, protocol.None)
		parked := n.join("g", "")
		if r := parked.get(t); r == nil || code(r.Err) != protocol.MemberIDRequired {
			t.Fatalf("%+v", r)
		}
		parked = n.join("g", parked.get(t).MemberID)
		if parked.get(t) != nil {
			t.Fatal("the join is not parked")
		}

		n.logs[0].lapsed.Store(true)
		if parked.get(t) != nil {
			t.Fatal("nobody has told the loop")
		}
		n.LeaseChanged()
		wantCode(t, "the parked join", parked.get(t).Err, protocol.NotCoordinator)
		wantCode(t, "a commit", n.commit("g", id, 1, 8).get(t).Err, protocol.NotCoordinator)
		beat, _ := n.heartbeat("g", id, 1)
		wantCode(t, "a heartbeat", beat.get(t).Err, protocol.NotCoordinator)

		n.logs[0].lapsed.Store(false)
		time.Sleep(time.Second)
		if o := n.fetch("g"); o != 7 {
			t.Errorf("fetched %d", o)
		}

		n.logs[0].lapsed.Store(true) // and this time nobody tells
		wantCode(t, "a commit", n.commit("g", id, 1, 9).get(t).Err, protocol.NotCoordinator)
		n.logs[0].lapsed.Store(false)
		time.Sleep(time.Second)
		if o := n.fetch("g"); o != 7 {
			t.Errorf("fetched %d", o)
		}
	})
}
