//go:build linux

package faults

import (
	"fmt"
	"slices"
	"testing"
)

// The conditions under which a replica is out of sync, each alone. The timeout of the other condition is so long that only
// one of them can be the reason.
const never = "600000"

// A follower whose link to a leader is cut leaves the ISR after replica.lag.time.max.ms. The controller hears both, so
// neither loses its session, and where the controller leads both stay.
func TestISRLinkToTheLeaderCut(t *testing.T) {
	x := newRoutedTrial(t, raft, "replica.lag.time.max.ms=2000", "broker.session.timeout.ms="+never)
	controller, leader, follower := x.roles()
	led, own := x.ledBy(leader), x.ledBy(controller)
	x.note(x.strike("link between a leader and a follower cut, replica.lag.time.max.ms 2 s", led, func() { x.net.part(leader, follower) }))
	x.awaitISR(led, leader, controller)
	x.awaitISR(x.ledBy(follower), follower, controller)
	x.awaitISR(own, controller, leader, follower)
	x.strike("the link is healed", nil, x.net.heal)
	x.finish()
}

// A follower that the controller does not hear any more leaves all ISRs when its session ends, although it fetches from the
// leader as before.
func TestISRSessionLost(t *testing.T) {
	x := newRoutedTrial(t, raft, "replica.lag.time.max.ms="+never)
	controller, leader, follower := x.roles()
	led := x.ledBy(leader)
	x.sever("link between the controller and a follower cut", follower, func() { x.net.part(controller, follower) })
	x.awaitISR(led, leader, controller)
	x.awaitISR(x.ledBy(controller), controller, leader)
	x.strike("the link is healed", nil, x.net.heal)
	x.finish()
}

// A follower whose process is gone leaves at once, long before any timeout.
func TestISRProcessGone(t *testing.T) {
	long(t)
	x := newTrial(t, newCluster(t, raft, "replica.lag.time.max.ms="+never, "broker.session.timeout.ms="+never))
	controller, leader, follower := x.roles()
	led := x.ledBy(leader)
	x.note(x.strike("follower killed, both timeouts 10 minutes", x.ledBy(follower), func() { x.kill(follower) }))
	x.awaitISR(led, leader, controller)
	x.start(follower)
	x.finish()
}

// A follower that fetches all the time and never reaches the leader's end leaves the ISR after replica.lag.time.max.ms.
func TestISRFetchingButNeverCaughtUp(t *testing.T) {
	x := newRoutedTrial(t, raft, "replica.lag.time.max.ms=3000", "broker.session.timeout.ms="+never,
		"replica.fetch.max.bytes=1000", "replica.fetch.response.max.bytes=2000")
	controller, leader, follower := x.roles()
	led := x.ledBy(leader)
	x.note(x.strike("link from a leader to a follower slower than the load", led, func() { x.net.slow(leader, follower, 60) }))
	x.awaitISR(led, leader, controller)
	for p := range led {
		before := len(logOf(x.t, x.node(follower), int(p)))
		waitFor(t, "the follower fetches", func() bool { return len(logOf(x.t, x.node(follower), int(p))) > before })
	}
	x.awaitISR(led, leader, controller)
	x.strike("the link is fast again", nil, func() { x.net.hurry(follower) })
	x.finish()
}

// roles are the controller, a leader, and the third node.
func (x *trial) roles() (controller, leader, follower int) {
	x.t.Helper()
	controller = x.controller()
	leader = x.leader(controller)
	return controller, leader, x.all(controller, leader)[0]
}

// awaitISR waits until the ISR of some partitions is just these nodes.
func (x *trial) awaitISR(partitions map[int32]bool, want ...int) {
	x.t.Helper()
	if len(partitions) == 0 {
		x.t.Fatal("no partition to look at")
	}
	slices.Sort(want)
	said := ""
	defer func() {
		if x.t.Failed() {
			x.t.Logf("node %d is the controller now; last seen: %s", x.controller(), said)
		}
	}()
	waitFor(x.t, fmt.Sprintf("the ISR of the partitions %v is %v", partitions, want), func() bool {
		all := true
		said = ""
		for index, p := range x.partitions(killTopic) {
			said += fmt.Sprintf(" %d: leader %d epoch %d isr %v;", index, p.Leader, p.LeaderEpoch, p.ISR)
			isr := []int{}
			for _, id := range p.ISR {
				isr = append(isr, int(id))
			}
			slices.Sort(isr)
			all = all && (!partitions[index] || slices.Equal(isr, want))
		}
		return all
	})
}
