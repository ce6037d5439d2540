//go:build linux

package faults

import (
	"fmt"
	"syscall"
	"testing"
)

// TestClusterRollingRestart ends each node with SIGTERM, the controller last, and starts it again when the others have
// taken over.
func TestClusterRollingRestart(t *testing.T) {
	long(t)
	onEach(t, func(t *testing.T, on quorum) {
		x := newTrial(t, newCluster(t, on))
		last := x.controller()
		for _, id := range append(x.all(last), last) {
			led := x.ledBy(id)
			fault := "rolling restart: SIGTERM to a node"
			if id == last {
				fault = "rolling restart: SIGTERM to the controller"
			}
			x.note(x.strike(fault, led, func() {
				x.node(id).signal(syscall.SIGTERM)
				x.node(id).ends()
			}))
			if err := x.node(id).err; err != nil {
				t.Errorf("node %d ends with %v\n%s", id, err, x.node(id).stderr)
			}
			x.strike(fmt.Sprintf("node %d starts again", id), nil, func() { x.start(id) })
			x.awaitInSync(killTopic, clusterSize)
			x.awaitInSync("__consumer_offsets", clusterSize)
		}
		x.finish()
	})
}
