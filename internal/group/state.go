package group

import "fmt"

// State is where a group is in its life. The names are Kafka's.
type State uint8

const (
	// Empty has no members. It may have committed offsets, and members that were given an id but have not come back.
	Empty State = iota
	// PreparingRebalance waits for the members to send JoinGroup.
	PreparingRebalance
	// CompletingRebalance waits for the leader's SyncGroup.
	CompletingRebalance
	// Stable has members with assignments.
	Stable
	// Dead is not here any more.
	Dead
)

var stateNames = [...]string{"Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"}

// String is the name that ListGroups and DescribeGroups show.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// follows says whether a group may go from one state to another (checklist J23).
func (s State) follows(from State) bool {
	switch s {
	case Empty, CompletingRebalance:
		return from == PreparingRebalance
	case PreparingRebalance:
		return from == Stable || from == CompletingRebalance || from == Empty
	case Stable:
		return from == CompletingRebalance
	default:
		return true
	}
}
