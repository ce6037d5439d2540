//go:build linux

package faults

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// One node of three is killed with SIGKILL: the others go on without it, nothing that was acknowledged is lost, and it
// comes back.

func TestClusterLeaderKilled(t *testing.T) {
	onEach(t, func(t *testing.T, on quorum) {
		x := newTrial(t, newCluster(t, on))
		x.killOne("leader killed", x.leader(x.controller()))
		x.finish()
	})
}

func TestClusterControllerKilled(t *testing.T) {
	long(t)
	onEach(t, func(t *testing.T, on quorum) {
		x := newTrial(t, newCluster(t, on))
		x.killOne("controller killed, which leads partitions too", x.controller())
		x.finish()
	})
}

func TestClusterCoordinatorKilled(t *testing.T) {
	long(t)
	onEach(t, func(t *testing.T, on quorum) {
		x := newTrial(t, newCluster(t, on))
		x.killOne("coordinator of a group killed", x.coordinator(killLedger))
		x.finish()
	})
}

// killOne kills a node, waits until everything goes on without it, and starts it again.
func (x *trial) killOne(fault string, id int) {
	x.t.Helper()
	led := x.ledBy(id)
	x.note(x.strike(fault, led, func() { x.kill(id) }))
	x.strike("it starts again", nil, func() { x.start(id) })
}

// Two nodes of three are killed at once: nothing goes on, and everything does when one of them or both are back.
func TestClusterTwoKilled(t *testing.T) {
	long(t)
	onEach(t, func(t *testing.T, on quorum) {
		x := newTrial(t, newCluster(t, on))
		first := x.controller()
		second := x.leader(first)
		x.kill(first, second)
		x.note(x.strike("two killed at once; from the start of one of them", nil, func() { x.start(second) }))
		x.strike("the other starts", nil, func() { x.start(first) })
		x.kill(first, second)
		x.note(x.strike("two killed at once; from the start of both", nil, func() { x.start() }))
		x.finish()
	})
}

func TestClusterAllKilled(t *testing.T) {
	long(t)
	onEach(t, func(t *testing.T, on quorum) {
		x := newTrial(t, newCluster(t, on))
		x.kill(x.all()...)
		x.note(x.strike("all killed at once; from their start", nil, func() { x.start() }))
		x.finish()
	})
}

// TestClusterKillLoop kills one node or two at random moments, SKEIN_KILLS times: the controller, a leader, a coordinator.
// Sometimes the next kill comes before all replicas are in sync again.
func TestClusterKillLoop(t *testing.T) {
	long(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d: it decides who is killed, and when", seed)
	moments := rand.New(rand.NewPCG(seed, 1))
	x := newTrial(t, newCluster(t, raft))
	var one, two []outage
	for range kills(t) {
		time.Sleep(time.Duration(moments.Int64N(int64(time.Second))))
		victim := []func() int{x.controller, func() int { return x.leader() }, func() int { return x.coordinator(killGroup) }}[moments.IntN(3)]()
		if moments.IntN(2) == 0 {
			led := x.ledBy(victim)
			one = append(one, x.strike("one killed", led, func() { x.kill(victim) }))
		} else {
			other := x.all(victim)[moments.IntN(clusterSize-1)]
			x.kill(victim)
			time.Sleep(time.Duration(moments.Int64N(int64(time.Second))))
			x.kill(other)
			two = append(two, x.strike("two killed within a second", nil, func() { x.start() }))
		}
		x.start()
		if moments.IntN(2) == 0 {
			x.awaitInSync(killTopic, clusterSize)
		}
	}
	x.settle(monotonic())
	x.note(worst("one of three killed at random, the worst", one))
	x.note(worst("two killed within a second, from their start, the worst", two))
	x.finish()
}

// worst is the longest of each time.
func worst(fault string, all []outage) outage {
	of := func(get func(outage) time.Duration) time.Duration {
		if len(all) == 0 {
			return -1
		}
		return get(slices.MaxFunc(all, func(a, b outage) int { return int(get(a) - get(b)) }))
	}
	return outage{fault: fault, own: of(func(o outage) time.Duration { return o.own }), native: of(func(o outage) time.Duration { return o.native }),
		read: of(func(o outage) time.Duration { return o.read }), commit: of(func(o outage) time.Duration { return o.commit }), topic: of(func(o outage) time.Duration { return o.topic })}
}
