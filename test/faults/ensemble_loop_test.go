//go:build linux

package faults

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// ensembleLoop is faults of a cluster on ZooKeeper at random moments.
type ensembleLoop struct {
	*trial
	moments *rand.Rand
	rows    map[string][]outage
	next    []time.Duration // from the end of a controller to the next one
}

// TestEnsembleKillLoop kills and cuts off, SKEIN_KILLS times: the controller, a leader, a coordinator, two nodes, a server of the
// ensemble, its leader, that and a node together. Sometimes the next fault comes before all replicas are in sync again. Links
// need namespaces, and those root.
func TestEnsembleKillLoop(t *testing.T) {
	long(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d: it decides what happens, and when", seed)
	on := newCluster
	if os.Geteuid() == 0 {
		on = newRoutedCluster
	}
	x := &ensembleLoop{trial: newTrial(t, on(t, zooKeeper)), moments: rand.New(rand.NewPCG(seed, 1)), rows: map[string][]outage{}}
	faults := []func(){x.oneNode, x.oneNode, x.twoNodes, x.server, x.server, x.both}
	if x.net != nil {
		faults = append(faults, x.links, x.links)
	}
	for range kills(t) {
		time.Sleep(x.moment())
		faults[x.moments.IntN(len(faults))]()
		if x.moments.IntN(2) == 0 {
			x.awaitInSync(killTopic, clusterSize)
		}
	}
	x.settle(monotonic())
	for _, fault := range []string{oneKilled, twoKilled, serverKilled, bothKilled, linksCut} {
		if rows := x.rows[fault]; len(rows) > 0 {
			x.note(worst(fault+", the worst", rows))
			t.Logf("%d times: %s", len(rows), fault)
		}
	}
	x.reportControllers()
	x.finish()
}

const (
	oneKilled    = "one of three killed at random"
	twoKilled    = "two killed within a second, from their start"
	serverKilled = "a server of the ensemble killed at random"
	bothKilled   = "a server of the ensemble and a node killed within a second"
	linksCut     = "a node cut off from the ensemble, the others or both for up to three sessions, from the end of that"
)

func (x *ensembleLoop) moment() time.Duration {
	return time.Duration(x.moments.Int64N(int64(time.Second)))
}

// victim is the controller, a leader, or a coordinator.
func (x *ensembleLoop) victim() int {
	return []func() int{x.controller, func() int { return x.leader() }, func() int { return x.coordinator(killGroup) }}[x.moments.IntN(3)]()
}

// anyServer is one of the ensemble, each second time its leader.
func (x *ensembleLoop) anyServer() int {
	if x.moments.IntN(2) == 0 {
		return x.ensemble.member("leader")
	}
	return x.moments.IntN(ensembleSize)
}

func (x *ensembleLoop) struck(fault string, led map[int32]bool, do func()) {
	x.rows[fault] = append(x.rows[fault], x.strike(fault, led, do))
}

// end kills a node. If it was the controller, it waits for the next.
func (x *ensembleLoop) end(id int) {
	controller, epoch := x.controllerAfter(-1)
	at := time.Now()
	x.kill(id)
	if id == controller {
		x.controllerAfter(epoch)
		x.next = append(x.next, time.Since(at))
	}
}

func (x *ensembleLoop) oneNode() {
	id := x.victim()
	led := x.ledBy(id)
	x.struck(oneKilled, led, func() { x.end(id) })
	x.start()
}

func (x *ensembleLoop) twoNodes() {
	id := x.victim()
	other := x.all(id)[x.moments.IntN(clusterSize-1)]
	x.kill(id)
	time.Sleep(x.moment())
	x.kill(other)
	x.struck(twoKilled, nil, func() { x.start() })
}

func (x *ensembleLoop) server() {
	server := x.anyServer()
	x.struck(serverKilled, nil, func() { x.ensemble.kill(server) })
	x.ensemble.start()
}

func (x *ensembleLoop) both() {
	id, server := x.victim(), x.anyServer()
	led := x.ledBy(id)
	x.struck(bothKilled, led, func() {
		x.ensemble.kill(server)
		time.Sleep(x.moment())
		x.end(id)
	})
	x.start()
	x.ensemble.start()
}

func (x *ensembleLoop) links() {
	id := x.victim()
	x.net.part(id, [][]int{x.ensemble.places(), x.all(id), x.others(id)}[x.moments.IntN(3)]...)
	time.Sleep(time.Duration(x.moments.Int64N(int64(awayFor))))
	x.struck(linksCut, nil, x.net.heal)
}

// reportControllers says how long the cluster was without a controller when the controller was killed.
func (x *ensembleLoop) reportControllers() {
	longest, sum := time.Duration(0), time.Duration(0)
	for _, d := range x.next {
		longest, sum = max(longest, d), sum+d
	}
	if n := len(x.next); n > 0 {
		x.t.Logf("the controller was killed %d times; the next was there after %v in the mean, %v at most, with sessions of %v",
			n, (sum / time.Duration(n)).Round(time.Millisecond), longest.Round(time.Millisecond), sessionTimeout)
	}
}
