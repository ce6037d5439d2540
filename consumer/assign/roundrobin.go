package assign

// RoundRobin deals all partitions of all topics out one by one, to the members in order; a member that does not
// subscribe to the topic is passed over.
func RoundRobin() Assignor { return roundRobin{} }

type roundRobin struct{}

func (roundRobin) Name() string                                      { return "roundrobin" }
func (roundRobin) Cooperative() bool                                 { return false }
func (roundRobin) UserData([]string, []TopicPartition, int32) []byte { return nil }

func (roundRobin) Assign(g Group) (Plan, error) {
	plan := emptyPlan(g)
	members := inOrder(g.Members)
	next := 0
	for _, topic := range topicsOf(g) {
		if !anySubscribes(members, topic) {
			continue
		}
		for p := range g.Partitions[topic] {
			for !subscribes(members[next%len(members)], topic) {
				next++
			}
			m := members[next%len(members)]
			plan[m.ID] = append(plan[m.ID], TopicPartition{Topic: topic, Partition: p})
			next++
		}
	}
	return plan, nil
}

func anySubscribes(members []Member, topic string) bool {
	for _, m := range members {
		if subscribes(m, topic) {
			return true
		}
	}
	return false
}
