//go:build linux

package faults

import (
	"syscall"
	"testing"
	"time"
)

// pausedFor is longer than every timeout of the cluster and of the clients.
const pausedFor = 45 * time.Second

// A node that stands still keeps its connections open, and what the clients sent to it waits in them. The others go on.
// When it goes on it takes that for work of a leader that it is not any more: none of it may be acknowledged.

func TestClusterLeaderPaused(t *testing.T) {
	long(t)
	onEach(t, func(t *testing.T, on quorum) {
		x := newTrial(t, newCluster(t, on))
		x.pause("leader stopped (SIGSTOP)", x.leader(x.controller()))
		x.finish()
	})
}

func TestClusterControllerPaused(t *testing.T) {
	long(t)
	onEach(t, func(t *testing.T, on quorum) {
		x := newTrial(t, newCluster(t, on))
		x.pause("controller stopped (SIGSTOP), which leads partitions too", x.controller())
		x.finish()
	})
}

func (x *trial) pause(fault string, id int) {
	x.t.Helper()
	led := x.ledBy(id)
	begun := time.Now()
	x.note(x.strike(fault, led, func() { x.node(id).signal(syscall.SIGSTOP) }))
	time.Sleep(pausedFor - time.Since(begun))
	x.strike("it goes on after 45 s", nil, func() { x.node(id).signal(syscall.SIGCONT) })
}
