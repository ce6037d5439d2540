package coordinator

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// heldBeat makes a stable member whose heartbeat is held.
func heldBeat(t *testing.T, n *node) (id string, held func() bool, nudge func()) {
	id = n.member("g")
	for range 2 {
		beat, _ := n.beat("g", id, 1, true)
		time.Sleep(3 * time.Second)
		wantCode(t, "heartbeat", beat.get(t).Err, protocol.None)
	}
	beat, nudge := n.beat("g", id, 1, true)
	return id, func() bool { return beat.get(t) == nil }, nudge
}

// TestHeldHeartbeat: it is held, and a rebalance answers it within no time.
func TestHeldHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		id := n.member("g")
		for range 2 {
			beat, _ := n.beat("g", id, 1, true)
			time.Sleep(3 * time.Second)
			wantCode(t, "heartbeat", beat.get(t).Err, protocol.None)
		}
		beat, _ := n.beat("g", id, 1, true)
		time.Sleep(time.Second)
		if r := beat.get(t); r != nil {
			t.Fatalf("not held: %v", r)
		}
		start := time.Now()
		other := n.join("g", "").get(t).MemberID
		n.join("g", other)
		wantCode(t, "held", beat.get(t).Err, protocol.RebalanceInProgress)
		if d := time.Since(start); d != 0 {
			t.Fatalf("told after %v", d)
		}
	})
}

// TestNudge: a later request on the connection gets the held answer out of its way; a second nudge does nothing.
func TestNudge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		id, held, nudge := heldBeat(t, n)
		if !held() {
			t.Fatal("not held")
		}
		nudge()
		if held() {
			t.Fatal("still held after the nudge")
		}
		nudge()
		wantCode(t, "commit", n.commit("g", id, 1, 7).get(t).Err, protocol.None)
	})
}

// TestHoldEnds shortly before the next heartbeat is due, and the session is that of the arrival.
func TestHoldEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		_, held, _ := heldBeat(t, n)
		time.Sleep(2849 * time.Millisecond)
		if !held() {
			t.Fatal("answered early")
		}
		time.Sleep(2 * time.Millisecond)
		if held() {
			t.Fatal("held for too long")
		}
		time.Sleep(10*time.Second - 2852*time.Millisecond)
		if d := n.describe("g"); d.State != "Stable" {
			t.Fatalf("expired early: %v", d.State)
		}
		time.Sleep(2 * time.Millisecond)
		if d := n.describe("g"); d.State != "Empty" {
			t.Fatalf("expired late: %v", d.State)
		}
	})
}

// TestHoldIsOff with the switch.
func TestHoldIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Group.HoldHeartbeats = false
		n := startNode(t, cfg, 1)
		_, held, _ := heldBeat(t, n)
		if held() {
			t.Fatal("held")
		}
	})
}
