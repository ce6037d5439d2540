package assign

import (
	"cmp"
	"maps"
	"slices"
	"testing"
)

// planted is an assignor with a mistake. It changes a right plan into a wrong one, if the group allows that, or makes
// the plan from something that it should not look at.
type planted struct {
	Assignor
	spoil func(g Group, plan Plan)
	group func(g Group) Group
}

func (p planted) Assign(g Group) (Plan, error) {
	if p.group != nil {
		g = p.group(g)
	}
	plan, err := p.Assignor.Assign(g)
	if p.spoil != nil {
		p.spoil(g, plan)
	}
	return plan, err
}

// ids are the members of a plan that have something, in order.
func ids(plan Plan) []string {
	list := slices.Sorted(maps.Keys(plan))
	return slices.DeleteFunc(list, func(id string) bool { return len(plan[id]) == 0 })
}

func give(plan Plan, id string, p TopicPartition) { plan[id] = sorted(append(plan[id], p)) }

// TestPlantedMistakes: each of them is found by a checker, by no other reason than the mistake.
func TestPlantedMistakes(t *testing.T) {
	for name, p := range map[string]planted{
		"a partition is forgotten": {Assignor: Sticky(), spoil: func(_ Group, plan Plan) {
			if list := ids(plan); len(list) > 0 {
				plan[list[0]] = plan[list[0]][1:]
			}
		}},
		"a partition is given twice": {Assignor: Sticky(), spoil: func(_ Group, plan Plan) {
			if list := ids(plan); len(list) > 1 {
				give(plan, list[1], plan[list[0]][0])
			}
		}},
		"one who does not subscribe gets a partition": {Assignor: Sticky(), spoil: func(g Group, plan Plan) {
			for _, m := range g.Members {
				for _, id := range ids(plan) {
					if p := plan[id][0]; !slices.Contains(m.Topics, p.Topic) {
						plan[id] = plan[id][1:]
						give(plan, m.ID, p)
						return
					}
				}
			}
		}},
		"the loads are not even": {Assignor: Range()},
		"what a member had does not matter": {Assignor: Sticky(), group: func(g Group) Group {
			g.Members = slices.Clone(g.Members)
			for i := range g.Members {
				g.Members[i].UserData = nil
			}
			return g
		}},
		"the lower generation wins": {Assignor: CooperativeSticky(), group: func(g Group) Group {
			g.Members = slices.Clone(g.Members)
			for i := range g.Members {
				g.Members[i].Generation = 100 - g.Members[i].Generation
			}
			return g
		}},
		"the order of members matters": {Assignor: Sticky(), spoil: func(g Group, plan Plan) {
			first, list := g.Members[0].ID, ids(plan)
			if len(list) > 0 && list[0] != first && len(plan[first]) > 0 {
				plan[first], plan[list[0]] = plan[list[0]], plan[first]
			}
		}},
		"a claimed partition is given away": {Assignor: CooperativeSticky(), spoil: func(g Group, plan Plan) {
			full := balanced(survey(g), claims(survey(g), readOwned))
			maps.Copy(plan, full)
		}},
		"all of the moved partitions are given at once to nobody": {Assignor: CooperativeSticky(), spoil: func(g Group, plan Plan) {
			if had := owners(g); len(had) == 0 {
				for _, id := range ids(plan) {
					plan[id] = plan[id][1:]
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(200) {
				g := randomGroup(seed, 4, 4, 3)
				slices.SortFunc(g.Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
				plan := mustAssign(t, p, g)
				bad := ""
				if p.Cooperative() {
					bad = checkCooperative(g, plan, seed)
				} else {
					bad = cmp.Or(checkValid(g, plan), checkBest(g, plan), checkBalanced(g, plan), checkOrder(p, g, plan, seed))
				}
				if bad != "" {
					t.Logf("seed %d: %s", seed, bad)
					return
				}
			}
			t.Fatal("not found in 200 seeds")
		})
	}
}
