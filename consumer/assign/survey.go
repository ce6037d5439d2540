package assign

import "slices"

// groupSurvey is a group as the sticky assignors look at it. Members are meant by their index.
type groupSurvey struct {
	members    []Member // in order
	topics     []string // that exist, sorted
	partitions map[string]int32
	takers     map[string][]int // topic to the members that subscribe to it, ascending
}

func survey(g Group) *groupSurvey {
	s := &groupSurvey{members: inOrder(g.Members), topics: topicsOf(g), partitions: g.Partitions}
	s.takers = make(map[string][]int, len(s.topics))
	for i, m := range s.members {
		for _, topic := range m.Topics {
			if g.Partitions[topic] > 0 {
				s.takers[topic] = append(s.takers[topic], i)
			}
		}
	}
	return s
}

func (s *groupSurvey) exists(p TopicPartition) bool {
	return p.Partition >= 0 && p.Partition < s.partitions[p.Topic]
}

func (s *groupSurvey) takes(member int, topic string) bool {
	_, yes := slices.BinarySearch(s.takers[topic], member)
	return yes
}

// claim is what members say of the partition's past.
type claim struct {
	owner      int // the member with the highest generation; nobody if two have the same
	generation int32
}

const nobody = -1

// claims reads from each member which partitions it had, in which generation. Members may contradict each other: one
// that missed a rebalance still claims what another was given then. The higher generation is right (KIP-792). If two
// claim a partition in the same one, neither is believed.
func claims(s *groupSurvey, read func(Member) ([]TopicPartition, int32)) map[TopicPartition]claim {
	held := make(map[TopicPartition]claim)
	for i, m := range s.members {
		owned, generation := read(m)
		generation = max(generation, -1)
		for _, p := range owned {
			if !s.exists(p) {
				continue
			}
			c, contested := held[p]
			switch {
			case !contested || generation > c.generation:
				held[p] = claim{owner: i, generation: generation}
			case generation == c.generation && c.owner != i:
				held[p] = claim{owner: nobody, generation: generation}
			}
		}
	}
	return held
}
