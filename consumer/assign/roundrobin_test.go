package assign

import (
	"slices"
	"testing"
)

// The two examples of Kafka's documentation of RoundRobinAssignor.
func TestRoundRobinExamples(t *testing.T) {
	g := Group{Partitions: map[string]int32{"t0": 3, "t1": 3}, Members: []Member{
		{ID: "C0", Topics: []string{"t0", "t1"}}, {ID: "C1", Topics: []string{"t0", "t1"}},
	}}
	wantPlan(t, mustAssign(t, RoundRobin(), g), map[string]string{"C0": "t0-0 t0-2 t1-1", "C1": "t0-1 t1-0 t1-2"})

	g = Group{Partitions: map[string]int32{"t0": 1, "t1": 2, "t2": 3}, Members: []Member{
		{ID: "C2", Topics: []string{"t0", "t1", "t2"}}, {ID: "C1", Topics: []string{"t0", "t1"}}, {ID: "C0", Topics: []string{"t0"}},
	}}
	wantPlan(t, mustAssign(t, RoundRobin(), g), map[string]string{"C0": "t0-0", "C1": "t1-0", "C2": "t1-1 t2-0 t2-1 t2-2"})
}

// roundRobinReference deals with a queue: whoever gets something, or is passed over, goes to its end.
func roundRobinReference(g Group) Plan {
	plan := Plan{}
	queue := slices.Clone(g.Members)
	slices.SortFunc(queue, byInstance)
	for _, m := range queue {
		plan[m.ID] = nil
	}
	for _, topic := range topicsOf(g) {
		for p := range g.Partitions[topic] {
			for range queue {
				m := queue[0]
				queue = append(queue[1:], m)
				if slices.Contains(m.Topics, topic) {
					plan[m.ID] = append(plan[m.ID], TopicPartition{topic, p})
					break
				}
			}
		}
	}
	return plan
}

func TestRoundRobinIsTheReference(t *testing.T) {
	compareWithReference(t, RoundRobin(), roundRobinReference)
}
