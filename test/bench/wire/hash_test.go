package wire

import "testing"

func TestCoordinatorPartition(t *testing.T) {
	// hashCode of "polygenelubricants" is the least int; "Aa" and "BB" have the same one, 2112.
	for group, want := range map[string]int32{"": 0, "a": 47, "polygenelubricants": 0, "Aa": 12, "BB": 12} {
		if got := CoordinatorPartition(group); got != want {
			t.Errorf("%q: partition %d, want %d", group, got, want)
		}
	}
}

func TestGroupsApart(t *testing.T) {
	seen := map[int32]bool{}
	for _, group := range GroupsApart("commits", 16) {
		seen[CoordinatorPartition(group)] = true
	}
	if len(seen) != 16 {
		t.Fatalf("%d partitions for 16 groups", len(seen))
	}
}
