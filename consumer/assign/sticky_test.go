package assign

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The first example of Kafka's documentation of StickyAssignor: three members, four topics of two partitions, and C1
// dies. Round robin moves five of the six that remain; sticky moves none.
func TestStickyExampleMemberDies(t *testing.T) {
	g := equalGroup(3, map[string]int32{"t0": 2, "t1": 2, "t2": 2, "t3": 2})
	plan := mustAssign(t, Sticky(), g)
	wantPlan(t, plan, map[string]string{"m000": "t0-0 t1-1 t3-0", "m001": "t0-1 t2-0 t3-1", "m002": "t1-0 t2-1"})
	g = apply(g, plan)
	g.Members = slices.Delete(g.Members, 1, 2)
	wantPlan(t, mustAssign(t, Sticky(), g), map[string]string{"m000": "t0-0 t0-1 t1-1 t3-0", "m002": "t1-0 t2-0 t2-1 t3-1"})
}

// The second: subscriptions differ, and C0 dies.
func TestStickyExampleSubscriptionsDiffer(t *testing.T) {
	g := Group{Partitions: map[string]int32{"t0": 1, "t1": 2, "t2": 3}, Members: []Member{
		{ID: "C0", Topics: []string{"t0"}}, {ID: "C1", Topics: []string{"t0", "t1"}}, {ID: "C2", Topics: []string{"t0", "t1", "t2"}},
	}}
	plan := mustAssign(t, Sticky(), g)
	wantPlan(t, plan, map[string]string{"C0": "t0-0", "C1": "t1-0 t1-1", "C2": "t2-0 t2-1 t2-2"})
	g = apply(g, plan)
	g.Members = g.Members[1:]
	wantPlan(t, mustAssign(t, Sticky(), g), map[string]string{"C1": "t0-0 t1-0 t1-1", "C2": "t2-0 t2-1 t2-2"})
}

// A member that takes half of another's partitions takes some of each topic.
func TestStickyGivesUpSomeOfEachTopic(t *testing.T) {
	g := equalGroup(1, map[string]int32{"a": 4, "b": 4})
	g = apply(g, mustAssign(t, Sticky(), g))
	g.Members = append(g.Members, Member{ID: "new", Topics: []string{"a", "b"}})
	wantPlan(t, mustAssign(t, Sticky(), g), map[string]string{"m000": "a-0 a-1 b-0 b-1", "new": "a-2 a-3 b-2 b-3"})
}

// A load can be evened out by way of a member between: C0 can give C2 nothing.
func TestStickyEvensOutByWayOfOthers(t *testing.T) {
	g := Group{Partitions: map[string]int32{"a": 4, "b": 2}, Members: []Member{
		{ID: "C0", Topics: []string{"a"}}, {ID: "C1", Topics: []string{"a", "b"}}, {ID: "C2", Topics: []string{"b"}},
	}}
	g.Members[0].Owned = []TopicPartition{{"a", 0}, {"a", 1}, {"a", 2}, {"a", 3}}
	g.Members[1].Owned = []TopicPartition{{"b", 0}, {"b", 1}}
	sayWhatTheyHad(&g)
	wantPlan(t, mustAssign(t, Sticky(), g), map[string]string{"C0": "a-0 a-1", "C1": "a-2 a-3", "C2": "b-0 b-1"})
}

func TestStickyUserData(t *testing.T) {
	if d := Sticky().UserData([]string{"t"}, nil, -1); d != nil {
		t.Errorf("a member that had nothing says %x", d)
	}
	owned := []TopicPartition{{"a", 1}, {"a", 2}, {"b", 0}}
	d := Sticky().UserData([]string{"a"}, owned, 7)
	want := []byte{0, 0, 0, 2, 0, 1, 'a', 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 'b', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7}
	if !slices.Equal(d, want) {
		t.Errorf("user data %x, want %x", d, want)
	}
	for _, c := range []struct {
		name       string
		data       []byte
		owned      []TopicPartition
		generation int32
	}{
		{"version 1", want, owned, 7},
		{"version 0", want[:len(want)-4], owned, -1},
		{"nothing", nil, nil, -1},
		{"cut off", want[:len(want)-6], nil, -1},
		{"an absurd count", []byte{0x7f, 0xff, 0xff, 0xff, 1}, nil, -1},
		{"Java's cooperative assignor", []byte{0, 0, 0, 5}, nil, -1},
	} {
		got, generation := readStickyUserData(Member{UserData: c.data})
		if !slices.Equal(got, c.owned) || generation != c.generation {
			t.Errorf("%s: %v in generation %d, want %v in %d", c.name, got, generation, c.owned, c.generation)
		}
	}
}

// Two members say that they had t-0: the one with the higher generation keeps it, whatever the order.
func TestStickyOldGenerationLoses(t *testing.T) {
	g := equalGroup(2, map[string]int32{"t": 2})
	for _, newer := range []int{0, 1} {
		g.Members[newer].Owned, g.Members[newer].Generation = []TopicPartition{{"t", 0}}, 9
		g.Members[1-newer].Owned, g.Members[1-newer].Generation = []TopicPartition{{"t", 0}, {"t", 1}}, 8
		sayWhatTheyHad(&g)
		wantPlan(t, mustAssign(t, Sticky(), g), map[string]string{g.Members[newer].ID: "t-0", g.Members[1-newer].ID: "t-1"})
	}
}

// What other clients say in the subscription is not the past of an eager member: it gave everything up.
func TestStickyReadsUserDataOnly(t *testing.T) {
	g := equalGroup(2, map[string]int32{"t": 2})
	g.Members[1].Owned, g.Members[1].Generation = []TopicPartition{{"t", 0}}, 3
	g.Members[0].UserData = []byte("not ours")
	wantPlan(t, mustAssign(t, Sticky(), g), map[string]string{"m000": "t-0", "m001": "t-1"})
	d := kmsg.NewStickyMemberMetadata()
	d.CurrentAssignment = []kmsg.StickyMemberMetadataCurrentAssignment{{Topic: "t", Partitions: []int32{0}}}
	g.Members[1].UserData = d.AppendTo(nil)
	wantPlan(t, mustAssign(t, Sticky(), g), map[string]string{"m000": "t-1", "m001": "t-0"})
}

// checkSticky is all that a plan of Sticky has to be.
func checkSticky(g Group, plan Plan, seed uint64) string {
	for _, check := range []func() string{
		func() string { return checkValid(g, plan) },
		func() string { return checkBalanced(g, plan) },
		func() string { return checkOrder(Sticky(), g, plan, seed) },
	} {
		if bad := check(); bad != "" {
			return bad
		}
	}
	return ""
}

func TestStickyRandomGroups(t *testing.T) {
	for seed := range uint64(1000) {
		g := randomGroup(seed, 12, 8, 12)
		if bad := checkSticky(g, mustAssign(t, Sticky(), g), seed); bad != "" {
			t.Fatalf("seed %d: %s", seed, bad)
		}
	}
}

// Of every small group the plan is as good as the best of all plans.
func TestStickyIsTheBestOfAll(t *testing.T) {
	tried := 0
	for seed := range uint64(4000) {
		g := randomGroup(seed, 4, 4, 3)
		plan := mustAssign(t, Sticky(), g)
		if bad := checkBest(g, plan); bad != "" {
			t.Fatalf("seed %d: %s\n%+v\n%v", seed, bad, g, plan)
		}
		if moves(g, plan) > 0 {
			tried++
		}
	}
	if tried < 300 {
		t.Errorf("only %d groups in which something moves", tried)
	}
}

// In groups whose members subscribe to the same topics: one leaves, one joins, a topic grows, one is new.
func TestStickyMovesNoMoreThanItMust(t *testing.T) {
	for seed := range uint64(300) {
		r := randomGroup(seed, 2, 6, 30)
		partitions := r.Partitions
		if len(topicsOf(r)) == 0 {
			continue
		}
		n := 2 + int(seed%11)
		g := equalGroup(n, partitions)
		g = apply(g, mustAssign(t, Sticky(), g))
		change := func(what string, change func(*Group), kept func(before, after []TopicPartition) bool) {
			was := map[string][]TopicPartition{}
			for _, m := range g.Members {
				was[m.ID] = m.Owned
			}
			change(&g)
			plan := mustAssign(t, Sticky(), g)
			bad := checkSticky(g, plan, seed)
			if bad == "" {
				bad = checkFewMoves(g, plan)
			}
			for _, m := range g.Members {
				if bad == "" && !kept(was[m.ID], plan[m.ID]) {
					bad = m.ID + " had " + list(was[m.ID]) + " and has " + list(plan[m.ID])
				}
			}
			if bad != "" {
				t.Fatalf("seed %d, %s: %s", seed, what, bad)
			}
			g = apply(g, plan)
		}
		keepsAll := func(before, after []TopicPartition) bool {
			return !slices.ContainsFunc(before, func(p TopicPartition) bool { return !slices.Contains(after, p) })
		}
		getsNothing := func(before, after []TopicPartition) bool { return len(before) == 0 || keepsAll(after, before) }
		change("nothing", func(*Group) {}, keepsAll)
		change("a member leaves", func(g *Group) { g.Members = slices.Delete(g.Members, int(seed)%n, int(seed)%n+1) }, keepsAll)
		change("a member joins", func(g *Group) {
			g.Members = append(g.Members, Member{ID: "new", Topics: g.Members[0].Topics, Generation: -1})
		}, getsNothing)
		change("a topic grows", func(g *Group) { partitions[topicsOf(*g)[0]] += 1 + int32(seed%7) }, keepsAll)
	}
}
