package controller

import (
	"fmt"
	"slices"
	"testing"

	"github.com/skein-io/skein/internal/metadata"
)

// TestRacksAreSpread places many partitions on racks of equal size, in every shape, and counts.
func TestRacksAreSpread(t *testing.T) {
	for racks := 2; racks <= 4; racks++ {
		for size := 1; size <= 4; size++ {
			for factor := 1; factor <= min(racks*size, racks+2); factor++ {
				t.Run(fmt.Sprintf("%d racks of %d, %d replicas", racks, size, factor), func(t *testing.T) {
					checkSpread(t, racks, size, factor)
				})
			}
		}
	}
}

func checkSpread(t *testing.T, racks, size, factor int) {
	brokers := racks * size
	p := placement{start: 5 % brokers}
	rack := make(map[metadata.NodeID]int)
	for r := range racks {
		var ids []metadata.NodeID
		for i := range size {
			id := metadata.NodeID(10*r + i)
			ids, rack[id] = append(ids, id), r
		}
		p.racks, p.live = append(p.racks, ids), append(p.live, ids...)
	}
	partitions := brokers * size * size * (racks - 1)
	leaders, replicas := make(map[metadata.NodeID]int), make(map[metadata.NodeID]int)
	next := make(map[metadata.NodeID]map[metadata.NodeID]bool) // who leads when the leader is gone
	for i := range partitions {
		chosen := p.replicas(i, factor)
		var in []int
		for _, id := range chosen {
			replicas[id]++
			in = append(in, rack[id])
		}
		if len(chosen) != factor || !distinct(chosen) {
			t.Fatalf("partition %d: %v", i, chosen)
		}
		slices.Sort(in)
		if got := len(slices.Compact(in)); got != min(factor, racks) {
			t.Fatalf("partition %d: %v lies in %d racks", i, chosen, got)
		}
		leaders[chosen[0]]++
		if factor > 1 {
			if next[chosen[0]] == nil {
				next[chosen[0]] = make(map[metadata.NodeID]bool)
			}
			next[chosen[0]][chosen[1]] = true
		}
	}
	for id := range rack {
		if leaders[id] != partitions/brokers {
			t.Errorf("broker %d leads %d of %d partitions, of %d brokers", id, leaders[id], partitions, brokers)
		}
		if mean := partitions * factor / brokers; replicas[id] < mean*8/10 || replicas[id] > mean*12/10+1 {
			t.Errorf("broker %d has %d replicas, %d on average", id, replicas[id], mean)
		}
		if factor > 1 && len(next[id]) < min(2, brokers-size) {
			t.Errorf("when broker %d is gone only %v lead", id, next[id])
		}
	}
}
