package assign

import "encoding/binary"

// CooperativeSticky balances as Sticky does, and members keep their partitions during a rebalance (KIP-429): one that
// has to move is given to nobody while a member still claims it. That member gives it up, joins again, and the next
// assignment gives the partition away.
func CooperativeSticky() Assignor { return cooperativeSticky{} }

type cooperativeSticky struct{}

func (cooperativeSticky) Name() string      { return "cooperative-sticky" }
func (cooperativeSticky) Cooperative() bool { return true }

// UserData is the generation in 4 bytes, as Java's assignor has it. Leaders that know version 2 of the subscription
// read the generation there; older ones read this.
func (cooperativeSticky) UserData(_ []string, _ []TopicPartition, generation int32) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(generation))
}

func (cooperativeSticky) Assign(g Group) (Plan, error) {
	s := survey(g)
	held := claims(s, readOwned)
	plan := balanced(s, held)
	for i, m := range s.members {
		kept := plan[m.ID][:0]
		for _, p := range plan[m.ID] {
			if c, claimed := held[p]; !claimed || c.owner == i {
				kept = append(kept, p)
			}
		}
		plan[m.ID] = kept
	}
	return plan, nil
}

// readOwned returns what a member holds, and since which generation: that of the subscription, or, of a client that
// does not send it there, that of the user data. Java and sarama send it as 4 bytes, franz-go and librdkafka as Sticky
// does.
func readOwned(m Member) ([]TopicPartition, int32) {
	generation := m.Generation
	if generation < 0 && len(m.UserData) == 4 {
		generation = int32(binary.BigEndian.Uint32(m.UserData))
	} else if generation < 0 {
		_, generation = readStickyUserData(m)
	}
	return m.Owned, generation
}
