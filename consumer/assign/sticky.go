package assign

import "github.com/twmb/franz-go/pkg/kmsg"

// Sticky balances the partitions over the members and moves as few as it can: a member gets again what it had before
// (KIP-54). Every member gives up all of its partitions in a rebalance, and tells in its user data what they were.
func Sticky() Assignor { return sticky{} }

type sticky struct{}

func (sticky) Name() string      { return "sticky" }
func (sticky) Cooperative() bool { return false }

// UserData is the user data of Kafka's StickyAssignor, version 1: the partitions and their generation (KIP-341). A
// member that had none says nothing.
func (sticky) UserData(_ []string, owned []TopicPartition, generation int32) []byte {
	if len(owned) == 0 {
		return nil
	}
	d := kmsg.NewStickyMemberMetadata()
	d.Generation = generation
	for topic, partitions := range byTopic(owned) {
		a := kmsg.NewStickyMemberMetadataCurrentAssignment()
		a.Topic, a.Partitions = topic, partitions
		d.CurrentAssignment = append(d.CurrentAssignment, a)
	}
	return d.AppendTo(nil)
}

func (sticky) Assign(g Group) (Plan, error) {
	s := survey(g)
	return balanced(s, claims(s, readStickyUserData)), nil
}

// readStickyUserData returns what a member had. User data that cannot be read is that of a member that had nothing, as
// it is for Java's assignor.
func readStickyUserData(m Member) ([]TopicPartition, int32) {
	var d kmsg.StickyMemberMetadata
	if len(m.UserData) == 0 || d.ReadFrom(m.UserData) != nil { // it reads version 0, too, which has no generation
		return nil, -1
	}
	var owned []TopicPartition
	for _, a := range d.CurrentAssignment {
		for _, p := range a.Partitions {
			owned = append(owned, TopicPartition{Topic: a.Topic, Partition: p})
		}
	}
	return sorted(owned), d.Generation
}
