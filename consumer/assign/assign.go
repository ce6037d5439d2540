// Package assign holds the assignors of consumer groups: pure functions from the members and their subscriptions to an
// assignment. The leader of a group runs the one that the group chose, so members of other clients (Java, librdkafka,
// franz-go, sarama) may be in the group: names, and what members tell each other, are Kafka's.
//
// Range, RoundRobin, Sticky and CooperativeSticky come with the package; a program can bring its own.
package assign

import (
	"cmp"
	"fmt"
	"strings"
)

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Compare orders by topic, then by partition.
func (p TopicPartition) Compare(q TopicPartition) int {
	return cmp.Or(strings.Compare(p.Topic, q.Topic), cmp.Compare(p.Partition, q.Partition))
}

// String is topic-partition, as Kafka's logs write it.
func (p TopicPartition) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Partition) }

// Member is one member of the group, as it described itself when it joined.
type Member struct {
	ID         string
	InstanceID string   // group.instance.id; "" for a dynamic member
	Rack       string   // client.rack; "" for none (KIP-881)
	Topics     []string // subscription, sorted, each once
	// Owned are the partitions that the member says it holds (KIP-429). Two members may claim the same one; the one
	// with the higher Generation is right (KIP-792).
	Owned      []TopicPartition
	Generation int32 // in which it got Owned; -1 for unknown
	UserData   []byte
}

// Group is what an assignment is computed from.
type Group struct {
	Members []Member
	// Partitions is the number of partitions of each topic that somebody subscribes to. A topic that does not exist is
	// missing.
	Partitions map[string]int32
}

// Plan is an assignment: for each member id the partitions that it gets, sorted.
type Plan map[string][]TopicPartition

// Assignor distributes partitions among members. Its methods are called from one goroutine at a time, must not block,
// and give the same result for the same arguments, whatever the order of the members.
type Assignor interface {
	// Name is what members vote for, such as "range".
	Name() string
	// Cooperative reports whether members keep their partitions while they join (KIP-429). If not, each gives up all
	// of them before.
	Cooperative() bool
	// UserData is what a member tells the leader's assignor when it joins; nil for nothing. Generation is that in which
	// owned was assigned, -1 for none.
	UserData(topics []string, owned []TopicPartition, generation int32) []byte
	// Assign distributes every partition of g.Partitions to one member that subscribes to its topic, if there is one. A
	// cooperative assignor leaves a partition out of the plan while a member that is to give it up still owns it.
	Assign(g Group) (Plan, error)
}
