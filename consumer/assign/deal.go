package assign

import (
	"cmp"
	"slices"
)

// deal turns numbers into partitions, and uses them up. Each member keeps what it had, up to its number. What is then nobody's is dealt
// out one by one, so a topic is spread over many members.
func deal(s *groupSurvey, f *flow, of map[string]int, had [][]TopicPartition) Plan {
	kept := make(map[TopicPartition]bool)
	plan := make(Plan, len(s.members))
	for m := range s.members {
		plan[s.members[m].ID] = keep(f, m, of, had[m], kept)
	}
	turn := make([]int, len(f.classes))
	for _, topic := range s.topics {
		c, ok := of[topic]
		if !ok {
			continue
		}
		members := f.classes[c].members
		for n := range s.partitions[topic] {
			p := TopicPartition{Topic: topic, Partition: n}
			if kept[p] {
				continue
			}
			for members[turn[c]].has == 0 {
				turn[c] = (turn[c] + 1) % len(members)
			}
			members[turn[c]].has--
			id := s.members[members[turn[c]].member].ID
			plan[id] = append(plan[id], p)
			turn[c] = (turn[c] + 1) % len(members)
		}
	}
	for _, partitions := range plan {
		slices.SortFunc(partitions, TopicPartition.Compare)
	}
	return plan
}

// keep returns what a member keeps of what it had, low partition numbers of all its topics first: what it gives up is
// of all its topics, too.
func keep(f *flow, m int, of map[string]int, had []TopicPartition, kept map[TopicPartition]bool) []TopicPartition {
	slices.SortFunc(had, func(a, b TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Topic, b.Topic))
	})
	var mine []TopicPartition
	for _, p := range had {
		if share := f.classes[of[p.Topic]].of(m); share.has > 0 {
			share.has--
			kept[p] = true
			mine = append(mine, p)
		}
	}
	return mine
}
