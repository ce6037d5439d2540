package assign

import (
	"cmp"
	"slices"
)

// Range deals out each topic by itself: its partitions in order, in runs of equal length, to the members that subscribe
// to it, in order. Topics with the same number of partitions and the same members are cut in the same places, so what
// has the same key lands at the same member. It is Kafka's first default.
func Range() Assignor { return rangeAssignor{} }

type rangeAssignor struct{}

func (rangeAssignor) Name() string                                      { return "range" }
func (rangeAssignor) Cooperative() bool                                 { return false }
func (rangeAssignor) UserData([]string, []TopicPartition, int32) []byte { return nil }

func (rangeAssignor) Assign(g Group) (Plan, error) {
	plan := emptyPlan(g)
	members := inOrder(g.Members)
	for _, topic := range topicsOf(g) {
		var takers []Member
		for _, m := range members {
			if subscribes(m, topic) {
				takers = append(takers, m)
			}
		}
		if len(takers) == 0 {
			continue
		}
		n := int(g.Partitions[topic])
		each, more := n/len(takers), n%len(takers)
		next := 0
		for i, m := range takers {
			size := each
			if i < more {
				size++
			}
			for ; size > 0; size-- {
				plan[m.ID] = append(plan[m.ID], TopicPartition{Topic: topic, Partition: int32(next)})
				next++
			}
		}
	}
	return plan, nil
}

// inOrder sorts the members: static ones first, by instance id, so that a member that comes back with a new member id
// keeps its place; then the others by member id.
func inOrder(members []Member) []Member {
	s := slices.Clone(members)
	slices.SortFunc(s, func(a, b Member) int {
		switch {
		case a.InstanceID != "" && b.InstanceID != "":
			return cmp.Or(cmp.Compare(a.InstanceID, b.InstanceID), cmp.Compare(a.ID, b.ID))
		case a.InstanceID != "":
			return -1
		case b.InstanceID != "":
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return s
}

// topicsOf lists the topics that exist, sorted.
func topicsOf(g Group) []string {
	topics := make([]string, 0, len(g.Partitions))
	for topic, n := range g.Partitions {
		if n > 0 {
			topics = append(topics, topic)
		}
	}
	slices.Sort(topics)
	return topics
}

func subscribes(m Member, topic string) bool {
	_, yes := slices.BinarySearch(m.Topics, topic)
	return yes
}

// emptyPlan has every member, with nothing.
func emptyPlan(g Group) Plan {
	plan := make(Plan, len(g.Members))
	for _, m := range g.Members {
		plan[m.ID] = nil
	}
	return plan
}
