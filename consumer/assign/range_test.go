package assign

import (
	"slices"
	"testing"
)

// The example of Kafka's documentation of RangeAssignor.
func TestRangeExample(t *testing.T) {
	g := Group{Partitions: map[string]int32{"t0": 3, "t1": 3}, Members: []Member{
		{ID: "C1", Topics: []string{"t0", "t1"}}, {ID: "C0", Topics: []string{"t0", "t1"}},
	}}
	wantPlan(t, mustAssign(t, Range(), g), map[string]string{"C0": "t0-0 t0-1 t1-0 t1-1", "C1": "t0-2 t1-2"})
}

// A static member that comes back with a new member id gets what it had.
func TestRangeStaticMembersKeepTheirPlace(t *testing.T) {
	g := equalGroup(3, map[string]int32{"t": 7})
	g.Members[0].InstanceID, g.Members[2].InstanceID = "i2", "i1"
	wantPlan(t, mustAssign(t, Range(), g), map[string]string{"m002": "t-0 t-1 t-2", "m000": "t-3 t-4", "m001": "t-5 t-6"})
	g.Members[2].ID = "zz"
	wantPlan(t, mustAssign(t, Range(), g), map[string]string{"zz": "t-0 t-1 t-2", "m000": "t-3 t-4", "m001": "t-5 t-6"})
}

// rangeReference says by a formula who gets a partition.
func rangeReference(g Group) Plan {
	plan := Plan{}
	for _, m := range g.Members {
		plan[m.ID] = nil
	}
	for _, topic := range topicsOf(g) {
		var takers []Member
		for _, m := range g.Members {
			if slices.Contains(m.Topics, topic) {
				takers = append(takers, m)
			}
		}
		slices.SortFunc(takers, byInstance)
		n, k := int(g.Partitions[topic]), len(takers)
		for p := 0; k > 0 && p < n; p++ {
			long := (n / k) + 1
			i := p / long
			if i >= n%k {
				i = n%k + (p-n%k*long)/(n/k)
			}
			plan[takers[i].ID] = append(plan[takers[i].ID], TopicPartition{topic, int32(p)})
		}
	}
	return plan
}

// byInstance is Kafka's order of members, written as a key: static ones first.
func byInstance(a, b Member) int {
	key := func(m Member) string {
		if m.InstanceID != "" {
			return "0" + m.InstanceID + "\x00" + m.ID
		}
		return "1" + m.ID
	}
	switch x, y := key(a), key(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func TestRangeIsTheReference(t *testing.T) {
	compareWithReference(t, Range(), rangeReference)
}

func compareWithReference(t *testing.T, a Assignor, reference func(Group) Plan) {
	for seed := range uint64(800) {
		g := randomGroup(seed, 12, 8, 20)
		plan := mustAssign(t, a, g)
		if bad := checkValid(g, plan); bad != "" {
			t.Fatalf("seed %d: %s", seed, bad)
		}
		if bad := checkOrder(a, g, plan, seed); bad != "" {
			t.Fatalf("seed %d: %s", seed, bad)
		}
		want := reference(g)
		for id := range want {
			if list(plan[id]) != list(want[id]) {
				t.Fatalf("seed %d: %s has %v, want %v", seed, id, plan[id], want[id])
			}
		}
	}
}
