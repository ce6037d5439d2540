//go:build linux

package faults

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// newRoutedTrial is a trial whose nodes are in namespaces.
func newRoutedTrial(t *testing.T, on quorum, set ...string) *trial {
	t.Helper()
	long(t)
	return newTrial(t, newRoutedCluster(t, on, set...))
}

// others are the places that a node works with: the other nodes, and the ensemble if there is one.
func (x *trial) others(id int) []int {
	all := x.all(id)
	if x.ensemble != nil {
		all = append(all, x.ensemble.places()...)
	}
	return all
}

// The others reach each other and go on without a node that they do not hear; the clients reach all of them. What the node
// took meanwhile is not acknowledged.

func TestClusterLeaderCutOff(t *testing.T) {
	onEach(t, func(t *testing.T, on quorum) {
		x := newRoutedTrial(t, on)
		id := x.leader(x.controller())
		x.cutOff("leader cut off from the others, without a reset", id, func() { x.net.part(id, x.others(id)...) })
		x.finish()
	})
}

func TestClusterControllerCutOff(t *testing.T) {
	onEach(t, func(t *testing.T, on quorum) {
		x := newRoutedTrial(t, on)
		id := x.controller()
		x.cutOff("controller cut off from the others, without a reset", id, func() { x.net.part(id, x.others(id)...) })
		x.finish()
	})
}

// Nobody hears the node any more, not the clients either, and all its connections stay half open.
func TestClusterLeaderUnreachable(t *testing.T) {
	onEach(t, func(t *testing.T, on quorum) {
		x := newRoutedTrial(t, on)
		id := x.leader(x.controller())
		x.cutOff("leader cut off from the others and from the clients", id, func() { x.net.part(id, append(x.others(id), clientsPlace)...) })
		x.finish()
	})
}

// One direction only: the node speaks and does not hear, or hears and is not heard.
func TestClusterOneWay(t *testing.T) {
	onEach(t, func(t *testing.T, on quorum) {
		x := newRoutedTrial(t, on)
		deaf := func(id int) func() {
			return func() {
				for _, other := range x.others(id) {
					x.net.cut(other, id)
				}
			}
		}
		mute := func(id int) func() {
			return func() {
				for _, other := range x.others(id) {
					x.net.cut(id, other)
				}
			}
		}
		id := x.leader(x.controller())
		x.cutOff("leader does not hear the others", id, deaf(id))
		id = x.leader(x.controller())
		x.cutOff("leader is not heard by the others", id, mute(id))
		id = x.controller()
		x.cutOff("controller does not hear the others", id, deaf(id))
		id = x.controller()
		x.cutOff("controller is not heard by the others", id, mute(id))
		x.finish()
	})
}

// A leader and the controller do not hear each other, and the third node hears both.
func TestClusterBridge(t *testing.T) {
	onEach(t, func(t *testing.T, on quorum) {
		x := newRoutedTrial(t, on)
		controller := x.controller()
		id := x.leader(controller)
		x.cutOff("leader and controller cut off from each other, not from the third", id, func() { x.net.part(id, controller) })
		x.finish()
	})
}

// Links come and go every two seconds, each node's in turn.
func TestClusterFlapping(t *testing.T) {
	onEach(t, func(t *testing.T, on quorum) {
		x := newRoutedTrial(t, on)
		for i := range 9 {
			id := 1 + i%clusterSize
			x.net.part(id, x.others(id)...)
			time.Sleep(2 * time.Second)
			x.net.heal()
			time.Sleep(2 * time.Second)
		}
		x.note(x.strike("each node cut off for 2 s, three times; from the end of that", nil, func() {}))
		x.finish()
	})
}

// cutPatience is how long clients that know the cut node are watched. They may hang on it until the links are healed: it
// answers them, and does not know that others lead.
const cutPatience = 30 * time.Second

// cutOff cuts links of a node, and heals them when the others have gone on.
func (x *trial) cutOff(fault string, id int, cut func()) {
	x.t.Helper()
	x.awaitInSync(killTopic, clusterSize)
	x.sever(fault, id, cut)
	x.strike("the links are healed", nil, x.net.heal)
	x.awaitInSync(killTopic, clusterSize)
}

// sever cuts links of a node. Clients that know only the others go on; how those fare that know it is noted.
func (x *trial) sever(fault string, id int, cut func()) {
	x.t.Helper()
	led := x.ledBy(id)
	at := monotonic()
	cut()
	done := monotonic()
	x.newcomer(id)
	majority := time.Duration(monotonic() - at)
	topic := x.probe(at)
	until := int64(0)
	if hang := x.stalled(func(work) bool { return true }, done, cutPatience); len(hang) > 0 {
		x.t.Logf("%s: after %v these still hang: %+v", fault, cutPatience, hang)
		until = monotonic()
	}
	o := x.outage(fault, led, at, until)
	o.topic = topic
	x.t.Logf("%v; a client that knows only the others had all partitions after %s", o, inSeconds(majority))
	x.note(o)
}

// newcomer produces to every partition as a client that reaches all nodes but one, and waits for the acknowledgements.
func (x *trial) newcomer(but int) {
	x.t.Helper()
	var seeds []string
	for _, id := range x.all(but) {
		seeds = append(seeds, x.node(id).address)
	}
	dial := func(ctx context.Context, kind, address string) (net.Conn, error) {
		if address == x.node(but).address {
			return nil, &net.OpError{Op: "dial", Net: kind, Err: syscall.ECONNREFUSED}
		}
		return x.net.dial(ctx, kind, address)
	}
	c, err := x.load.client(kgo.SeedBrokers(seeds...), kgo.Dialer(dial), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		x.t.Fatal(err)
	}
	defer c.Close()
	x.newcomers++
	for i := range killPartitions {
		x.load.send(c, fmt.Sprint("newcomer", x.newcomers), i)
	}
	if err := c.Flush(background(x.t)); err != nil {
		x.t.Fatalf("a client that does not know node %d cannot produce: %v", but, err)
	}
}
