package assign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomGroup makes a group with a past from a seed: members subscribe to one, some or the same topics, some are static,
// and they say that they had what an earlier assignment may have given them, or nonsense.
func randomGroup(seed uint64, membersMax, topicsMax, partitionsMax int) Group {
	r := rand.New(rand.NewPCG(seed, 1))
	g := Group{Partitions: map[string]int32{}}
	var topics []string
	for i := range 1 + r.IntN(topicsMax) {
		topics = append(topics, fmt.Sprintf("t%02d", i))
		if r.IntN(10) > 0 { // else it does not exist
			g.Partitions[topics[i]] = int32(r.IntN(partitionsMax + 1))
		}
	}
	same := r.IntN(3) == 0
	for i := range 1 + r.IntN(membersMax) {
		m := Member{ID: fmt.Sprintf("m%02d", r.IntN(90)*10+i%10), Generation: -1}
		if r.IntN(4) == 0 {
			m.InstanceID = fmt.Sprintf("i%02d", i)
		}
		for _, topic := range topics {
			if same || r.IntN(2) == 0 {
				m.Topics = append(m.Topics, topic)
			}
		}
		if !slices.ContainsFunc(g.Members, func(o Member) bool { return o.ID == m.ID }) {
			g.Members = append(g.Members, m)
		}
	}
	past(&g, r)
	return g
}

// past makes the members say what they had.
func past(g *Group, r *rand.Rand) {
	if r.IntN(4) == 0 {
		return // a new group
	}
	generation := int32(5 + r.IntN(5))
	skew := r.IntN(3)
	for _, topic := range topicsOf(*g) {
		for p := range g.Partitions[topic] {
			if r.IntN(8) == 0 {
				continue // it is new
			}
			i := r.IntN(len(g.Members))
			if skew == 0 {
				i = 0 // all of it was one member's
			}
			g.Members[i].Owned = append(g.Members[i].Owned, TopicPartition{topic, p})
			g.Members[i].Generation = generation
			if r.IntN(10) == 0 { // another claims it, too
				j := r.IntN(len(g.Members))
				g.Members[j].Owned = append(g.Members[j].Owned, TopicPartition{topic, p})
				if g.Members[j].Generation < 0 {
					g.Members[j].Generation = generation - int32(r.IntN(2))
				}
			}
		}
	}
	for i := range g.Members {
		m := &g.Members[i]
		if r.IntN(10) == 0 {
			m.Owned = append(m.Owned, TopicPartition{"gone", 3}, TopicPartition{"t00", 1 << 20}, TopicPartition{"t00", -1})
		}
		m.Owned = sorted(m.Owned)
	}
	sayWhatTheyHad(g)
}

// sayWhatTheyHad puts Owned into the user data of Sticky, too.
func sayWhatTheyHad(g *Group) {
	for i := range g.Members {
		m := &g.Members[i]
		m.UserData = Sticky().UserData(m.Topics, m.Owned, m.Generation)
	}
}

// apply is the group after the members have taken the plan, in the next generation.
func apply(g Group, plan Plan) Group {
	next := Group{Partitions: g.Partitions}
	generation := int32(0)
	for _, m := range g.Members {
		generation = max(generation, m.Generation+1)
	}
	for _, m := range g.Members {
		m.Owned, m.Generation = plan[m.ID], generation
		next.Members = append(next.Members, m)
	}
	sayWhatTheyHad(&next)
	return next
}

// shuffled is the group with its members in another order.
func shuffled(g Group, seed uint64) Group {
	r := rand.New(rand.NewPCG(seed, 2))
	s := Group{Partitions: g.Partitions, Members: slices.Clone(g.Members)}
	r.Shuffle(len(s.Members), func(i, j int) { s.Members[i], s.Members[j] = s.Members[j], s.Members[i] })
	return s
}

// equalGroup has n members that subscribe to all topics.
func equalGroup(n int, partitions map[string]int32) Group {
	g := Group{Partitions: partitions}
	for i := range n {
		g.Members = append(g.Members, Member{ID: fmt.Sprintf("m%03d", i), Topics: topicsOf(g), Generation: -1})
	}
	return g
}

func mustAssign(t testing.TB, a Assignor, g Group) Plan {
	t.Helper()
	plan, err := a.Assign(g)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// list writes partitions down: t-0 t-1.
func list(partitions []TopicPartition) string {
	var s []string
	for _, p := range partitions {
		s = append(s, p.String())
	}
	return fmt.Sprint(s)
}

// wantPlan compares a plan with one that is written down, by member.
func wantPlan(t *testing.T, got Plan, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d members in the plan, want %d", len(got), len(want))
	}
	for id, w := range want {
		if l := list(got[id]); l != "["+w+"]" {
			t.Errorf("%s has %s, want [%s]", id, l, w)
		}
	}
}
