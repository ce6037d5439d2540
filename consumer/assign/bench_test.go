package assign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// BenchmarkSticky balances 10,000 partitions over 500 members: of a new group; after one of them left; and where the
// members subscribe to half of 1,000 topics each, no two to the same.
func BenchmarkSticky(b *testing.B) {
	fresh := equalGroup(500, map[string]int32{"t": 10000})
	left := apply(fresh, mustAssign(b, Sticky(), fresh))
	left.Members = left.Members[1:]
	mixed := Group{Partitions: map[string]int32{}}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 1000 {
		mixed.Partitions[fmt.Sprintf("t%03d", i)] = 10
	}
	for i := range 500 {
		m := Member{ID: fmt.Sprintf("m%03d", i), Generation: -1}
		for _, topic := range topicsOf(mixed) {
			if r.IntN(2) == 0 {
				m.Topics = append(m.Topics, topic)
			}
		}
		mixed.Members = append(mixed.Members, m)
	}
	few := Group{Partitions: mixed.Partitions} // the members subscribe to 20 of the topics each
	for _, m := range mixed.Members {
		r.Shuffle(len(m.Topics), func(i, j int) { m.Topics[i], m.Topics[j] = m.Topics[j], m.Topics[i] })
		m.Topics = m.Topics[:20]
		few.Members = append(few.Members, m)
	}
	for i := range few.Members {
		few.Members[i].Topics = slices.Clone(few.Members[i].Topics)
		slices.Sort(few.Members[i].Topics)
	}
	mixedLeft := apply(mixed, mustAssign(b, Sticky(), mixed))
	mixedLeft.Members = mixedLeft.Members[1:]
	fewLeft := apply(few, mustAssign(b, Sticky(), few))
	fewLeft.Members = fewLeft.Members[1:]
	for _, c := range []struct {
		name string
		g    Group
	}{
		{"one topic, new group", fresh}, {"one topic, a member left", left},
		{"500 of 1000 topics each, new group", mixed}, {"500 of 1000 topics each, a member left", mixedLeft},
		{"20 of 1000 topics each, new group", few}, {"20 of 1000 topics each, a member left", fewLeft},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				mustAssign(b, Sticky(), c.g)
			}
		})
	}
}
