package assign

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"
)

// A member joins: in the first round what it is to get is taken from the others, in the second it gets it.
func TestCooperativeTwoRounds(t *testing.T) {
	g := equalGroup(2, map[string]int32{"t": 6})
	g = apply(g, mustAssign(t, CooperativeSticky(), g))
	g.Members = append(g.Members, Member{ID: "new", Topics: []string{"t"}, Generation: -1})
	plan := mustAssign(t, CooperativeSticky(), g)
	wantPlan(t, plan, map[string]string{"m000": "t-0 t-2", "m001": "t-1 t-3", "new": ""})
	g = apply(g, plan)
	wantPlan(t, mustAssign(t, CooperativeSticky(), g), map[string]string{"m000": "t-0 t-2", "m001": "t-1 t-3", "new": "t-4 t-5"})
}

func TestCooperativeUserData(t *testing.T) {
	if d := CooperativeSticky().UserData(nil, nil, 258); !slices.Equal(d, []byte{0, 0, 1, 2}) {
		t.Errorf("user data %x", d)
	}
	owned := []TopicPartition{{"t", 0}}
	for _, c := range []struct {
		name       string
		m          Member
		generation int32
	}{
		{"subscription of version 2", Member{Generation: 4, UserData: binary.BigEndian.AppendUint32(nil, 9)}, 4},
		{"Java's user data", Member{Generation: -1, UserData: binary.BigEndian.AppendUint32(nil, 9)}, 9},
		{"franz-go's user data", Member{Generation: -1, UserData: Sticky().UserData(nil, owned, 9)}, 9},
		{"no user data", Member{Generation: -1}, -1},
		{"something else", Member{Generation: -1, UserData: []byte("abcdefg")}, -1},
	} {
		c.m.Owned = owned
		if got, generation := readOwned(c.m); generation != c.generation || !slices.Equal(got, owned) {
			t.Errorf("%s: %v in generation %d, want %d", c.name, got, generation, c.generation)
		}
	}
}

// A member that missed a rebalance claims what another was given: that one keeps it (KIP-792).
func TestCooperativeOldGenerationLoses(t *testing.T) {
	g := equalGroup(3, map[string]int32{"t": 3})
	g.Members[0].Owned, g.Members[0].Generation = []TopicPartition{{"t", 0}, {"t", 1}, {"t", 2}}, 5
	g.Members[1].Owned, g.Members[1].Generation = []TopicPartition{{"t", 1}}, 6
	g.Members[2].Generation = -1
	wantPlan(t, mustAssign(t, CooperativeSticky(), g), map[string]string{"m000": "t-0", "m001": "t-1", "m002": ""})
}

// Two members claim a partition in the same generation: no leader gives that out, so neither may go on with it.
func TestCooperativeSameGenerationTwice(t *testing.T) {
	g := equalGroup(2, map[string]int32{"t": 2})
	for i := range g.Members {
		g.Members[i].Owned, g.Members[i].Generation = []TopicPartition{{"t", 0}}, 5
	}
	plan := mustAssign(t, CooperativeSticky(), g)
	if slices.Contains(plan["m000"], TopicPartition{"t", 0}) || slices.Contains(plan["m001"], TopicPartition{"t", 0}) {
		t.Errorf("t-0 is given out: %v", plan)
	}
	g = apply(g, plan)
	if bad := checkValid(g, mustAssign(t, CooperativeSticky(), g)); bad != "" {
		t.Errorf("the round after: %s", bad)
	}
}

// A member that has unsubscribed and still holds a partition has to give it up before another gets it.
func TestCooperativeClaimWithoutSubscription(t *testing.T) {
	g := equalGroup(2, map[string]int32{"t": 1, "u": 1})
	g.Members[0].Topics = []string{"u"}
	g.Members[0].Owned, g.Members[0].Generation = []TopicPartition{{"t", 0}}, 3
	wantPlan(t, mustAssign(t, CooperativeSticky(), g), map[string]string{"m000": "u-0", "m001": ""})
}

// checkCooperative is all that a plan of CooperativeSticky has to be in one round.
func checkCooperative(g Group, plan Plan, seed uint64) string {
	withheld := map[TopicPartition]bool{}
	for _, m := range g.Members {
		for _, p := range m.Owned {
			withheld[p] = true
		}
	}
	for _, check := range []func() string{
		func() string { return valid(g, plan, withheld) },
		func() string { return checkWithheld(g, plan) },
		func() string { return checkOrder(CooperativeSticky(), g, plan, seed) },
	} {
		if bad := check(); bad != "" {
			return bad
		}
	}
	return ""
}

// Whatever the members say: nothing is given away that another claims, after the second round every partition has its
// owner and the loads are even, and the third changes nothing.
func TestCooperativeRandomGroups(t *testing.T) {
	moved := 0
	for seed := range uint64(1000) {
		g := randomGroup(seed, 12, 8, 12)
		first := mustAssign(t, CooperativeSticky(), g)
		if bad := checkCooperative(g, first, seed); bad != "" {
			t.Fatalf("seed %d: %s", seed, bad)
		}
		if checkValid(g, first) != "" {
			moved++
		}
		g = apply(g, first)
		second := mustAssign(t, CooperativeSticky(), g)
		if bad := checkSettled(g, second); bad != "" {
			t.Fatalf("seed %d: the second round: %s", seed, bad)
		}
		third := mustAssign(t, CooperativeSticky(), apply(g, second))
		if !maps.EqualFunc(second, third, slices.Equal) {
			t.Fatalf("seed %d: a third round changes %v to %v", seed, second, third)
		}
	}
	if moved < 300 {
		t.Errorf("only %d groups in which something moves", moved)
	}
}

func checkSettled(g Group, plan Plan) string {
	if bad := checkValid(g, plan); bad != "" {
		return bad
	}
	if bad := checkBalanced(g, plan); bad != "" {
		return bad
	}
	return checkWithheld(g, plan)
}

// Without contradictory claims the two assignors agree on where partitions are to be.
func TestCooperativeArrivesWhereStickyWould(t *testing.T) {
	for seed := range uint64(500) {
		g := randomGroup(seed, 6, 4, 3)
		one := mustAssign(t, Sticky(), g)
		g2 := apply(g, mustAssign(t, CooperativeSticky(), g))
		two := mustAssign(t, CooperativeSticky(), g2)
		if a, b := unevenness(one), unevenness(two); a != b {
			t.Fatalf("seed %d: unevenness %d and %d", seed, a, b)
		}
		if a, b := moves(g, one), moves(g, two); a != b {
			t.Fatalf("seed %d: %d moves and %d", seed, a, b)
		}
	}
}
