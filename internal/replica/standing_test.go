package replica

import (
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// TestStanding: each reason why a replica is in the ISR or out of it, told at the moment when it is the one.
func TestStanding(t *testing.T) {
	const lagMax = 3 * time.Second
	var (
		s   State
		now Instant
	)
	step := func(e Event) (effects Effects) {
		s.Step(now, e, &effects)
		return effects
	}
	end := record.Offset(10)
	fetched := func(node metadata.NodeID, offset record.Offset) {
		step(&Fetched{Node: node, BrokerEpoch: 1, Epoch: 5, Offset: offset, LogEnd: end, Eligible: true})
	}
	durable := func(node metadata.NodeID, at record.Offset) (effects Effects) {
		return step(&Durable{Node: node, BrokerEpoch: 1, Epoch: 5, End: at, LogEnd: end})
	}
	want := func(node metadata.NodeID, standing Standing) {
		t.Helper()
		for _, r := range s.Replicas(now) {
			if r.Node == node && r.Standing != standing {
				t.Errorf("at %d: node %d is %s, want %s", now, node, r.Standing, standing)
			}
		}
	}
	step(&Lead{Self: 1, BrokerEpoch: 1, Epoch: 5, Replicas: []metadata.NodeID{1, 2, 3}, ISR: []metadata.NodeID{1, 2}, ISRMin: 1, LagMax: lagMax,
		LogEnd: 10, DurableEnd: 10})
	want(1, InSync)
	want(2, InSync)
	want(3, Silent)
	fetched(2, 10)
	durable(2, 10) // the high watermark is 10
	now = 1000
	fetched(3, 4)
	want(3, Behind) // it never held what the leader had
	now = 2000
	durable(3, 4)
	fetched(3, 10)
	end = 12
	durable(1, 12)
	now = 2100
	fetched(2, 12)
	durable(2, 12)
	durable(3, 10) // it reached what the leader had when it was last heard: quick enough, but the high watermark is 12
	want(3, CatchingUp)
	now = 2200
	fetched(3, 12)
	if effects := durable(3, 12); effects.Alter == nil {
		t.Error("nobody proposes node 3")
	}
	want(3, Joining)
	step(&Answered{ID: 1, Code: protocol.IneligibleReplica})
	want(3, Unfit)
	fetched(3, 12)
	want(3, Waiting) // until it is proposed again
	now = 2700
	step(&Check{LogEnd: end})
	want(3, Joining)
	step(&Answered{ID: 2, Epoch: 5, PartitionEpoch: 1, ISR: []metadata.NodeID{1, 2, 3}})
	want(3, InSync)
	end = 20
	now = 6000
	fetched(2, 20)
	durable(2, 20)
	if effects := step(&Check{LogEnd: end}); effects.Alter == nil {
		t.Error("nobody proposes to leave node 3 out")
	}
	want(3, Leaving)
	step(&Answered{ID: 3, Epoch: 5, PartitionEpoch: 2, ISR: []metadata.NodeID{1, 2}})
	want(3, Behind)
	for standing, name := range standingNames {
		if Standing(standing).String() != name || name == "" {
			t.Errorf("standing %d is called %q", standing, Standing(standing))
		}
	}
}
