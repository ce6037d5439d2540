package replica

import (
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// leaderOf makes a leader of n replicas, all in sync.
func leaderOf(n int) (*State, *Effects) {
	lead := &Lead{Self: 1, BrokerEpoch: 1, ISRMin: 1, LagMax: time.Minute}
	for i := range n {
		lead.Replicas = append(lead.Replicas, metadata.NodeID(i+1))
	}
	lead.ISR = lead.Replicas
	var s State
	var effects Effects
	s.Step(0, lead, &effects)
	for i := 1; i < n; i++ {
		s.Step(0, &Fetched{Node: metadata.NodeID(i + 1), BrokerEpoch: 1, Eligible: true}, &effects)
	}
	return &s, &effects
}

// TestRoundAllocatesNothing: what happens with each round of the Syncer, and with each fetch, takes no memory.
func TestRoundAllocatesNothing(t *testing.T) {
	for _, n := range []int{1, 3} {
		s, effects := leaderOf(n)
		var durable Durable
		var fetched Fetched
		end := record.Offset(0)
		allocated := testing.AllocsPerRun(100, func() {
			end++
			for i := range n {
				if i > 0 {
					fetched = Fetched{Node: metadata.NodeID(i + 1), BrokerEpoch: 1, Offset: end, LogEnd: end, Eligible: true}
					s.Step(0, &fetched, effects)
				}
				durable = Durable{Node: metadata.NodeID(i + 1), BrokerEpoch: 1, End: end, LogEnd: end}
				s.Step(0, &durable, effects)
			}
		})
		if allocated != 0 {
			t.Errorf("%d replicas: %v allocations a round", n, allocated)
		}
		if s.HighWatermark() != end {
			t.Errorf("%d replicas: the high watermark is %d after %d", n, s.HighWatermark(), end)
		}
	}
}

func BenchmarkRound(b *testing.B) {
	for _, n := range []int{1, 3} {
		b.Run(map[int]string{1: "one", 3: "three"}[n], func(b *testing.B) {
			s, effects := leaderOf(n)
			var durable Durable
			end := record.Offset(0)
			for b.Loop() {
				end++
				for i := range n {
					durable = Durable{Node: metadata.NodeID(i + 1), BrokerEpoch: 1, End: end, LogEnd: end}
					s.Step(0, &durable, effects)
				}
			}
		})
	}
}
