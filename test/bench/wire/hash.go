package wire

import "fmt"

// coordinatorPartitions is the default of offsets.topic.num.partitions.
const coordinatorPartitions = 50

// CoordinatorPartition is the partition of __consumer_offsets that a group
// belongs to: the absolute value of Java's String.hashCode, modulo 50. The
// group's name must be ASCII.
func CoordinatorPartition(group string) int32 {
	var hash int32
	for _, c := range []byte(group) {
		hash = 31*hash + int32(c)
	}
	if hash == -1<<31 {
		return 0
	}
	return max(hash, -hash) % coordinatorPartitions
}

// GroupsApart gives n names of groups, no two of them on one coordinator
// partition. n is at most 50.
func GroupsApart(prefix string, n int) []string {
	taken := map[int32]bool{}
	var groups []string
	for i := 0; len(groups) < n; i++ {
		name := fmt.Sprintf("%s-%d", prefix, i)
		if p := CoordinatorPartition(name); !taken[p] {
			taken[p] = true
			groups = append(groups, name)
		}
	}
	return groups
}
