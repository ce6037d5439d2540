//go:build linux

package faults

import (
	"testing"
	"time"
)

// The ensemble in which a cluster keeps its metadata loses servers, or the cluster loses the ensemble.

// A server of three is killed: the ensemble goes on, with another leader if it was that one.
func TestEnsembleServerKilled(t *testing.T) {
	x := newTrial(t, newCluster(t, zooKeeper))
	for _, mode := range []string{"follower", "leader"} {
		server := x.ensemble.member(mode)
		x.note(x.strike("a "+mode+" of the ensemble killed", nil, func() { x.ensemble.kill(server) }))
		x.strike("it starts again", nil, x.ensemble.start)
	}
	x.finish()
}

// A server hears nobody any more, nor is it heard, and no connection is reset.
func TestEnsembleServerCutOff(t *testing.T) {
	x := newRoutedTrial(t, zooKeeper)
	for _, mode := range []string{"follower", "leader"} {
		server := x.ensemble.member(mode)
		x.note(x.strike("a "+mode+" of the ensemble cut off, without a reset", nil, func() {
			x.net.part(ensemblePlace+server, append(x.all(), x.ensemble.places(server)...)...)
		}))
		x.strike("the links are healed", nil, x.net.heal)
		x.awaitInSync(killTopic, clusterSize)
	}
	x.finish()
}

// awayFor is longer than a session.
const awayFor = 3 * sessionTimeout

// The whole ensemble is away for longer than a session, and comes back. Where it was not heard all sessions have ended; where it was
// killed it knows them still.
func TestEnsembleAway(t *testing.T) {
	x := newRoutedTrial(t, zooKeeper)
	for _, id := range x.all() {
		x.net.part(id, x.ensemble.places()...)
	}
	time.Sleep(awayFor)
	x.note(x.strike("no node hears the ensemble for three sessions; from then on", nil, x.net.heal))
	x.awaitInSync(killTopic, clusterSize)
	x.ensemble.kill(0, 1, 2)
	time.Sleep(awayFor)
	x.ensemble.start()
	x.note(x.strike("all of the ensemble killed, for three sessions; from when it serves", nil, func() {}))
	x.finish()
}

// A majority of the ensemble is killed: what is left answers nobody.
func TestEnsembleWithoutMajority(t *testing.T) {
	long(t)
	x := newTrial(t, newCluster(t, zooKeeper))
	follower, leader := x.ensemble.member("follower"), x.ensemble.member("leader")
	x.ensemble.kill(follower, leader)
	time.Sleep(awayFor)
	x.ensemble.start()
	x.note(x.strike("two of the ensemble killed, for three sessions; from when they serve", nil, func() {}))
	x.finish()
}

// A node does not hear the ensemble, and hears the other nodes: its session ends.
func TestClusterNodeCutOffFromTheEnsemble(t *testing.T) {
	x := newRoutedTrial(t, zooKeeper)
	id := x.leader(x.controller())
	x.cutOff("leader cut off from the ensemble alone", id, func() { x.net.part(id, x.ensemble.places()...) })
	id = x.controller()
	x.cutOff("controller cut off from the ensemble alone", id, func() { x.net.part(id, x.ensemble.places()...) })
	x.finish()
}

// A node hears the ensemble, and does not hear the other nodes: its session goes on, and a controller has to notice by itself.
func TestClusterNodeCutOffFromTheOthers(t *testing.T) {
	x := newRoutedTrial(t, zooKeeper)
	id := x.leader(x.controller())
	x.cutOff("leader cut off from the other nodes alone", id, func() { x.net.part(id, x.all(id)...) })
	id = x.controller()
	x.cutOff("controller cut off from the other nodes alone", id, func() { x.net.part(id, x.all(id)...) })
	id = x.controller()
	x.cutOff("controller is not heard by the other nodes alone", id, func() {
		for _, other := range x.all(id) {
			x.net.cut(id, other)
		}
	})
	x.finish()
}
