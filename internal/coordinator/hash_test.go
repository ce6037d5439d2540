package coordinator

import (
	"fmt"
	"testing"
)

// TestJavaHash compares with what Java's String.hashCode gives (F1).
func TestJavaHash(t *testing.T) {
	for s, want := range map[string]int32{
		"":                       0,
		"a":                      97,
		"my-group":               -1906497762,
		"console-consumer-12345": 158455506,
		"polygenelubricants":     -2147483648,
		"größe":                  98762257,
		"日本":                     835047,
		"😀":                      1772899,
	} {
		if got := javaHash(s); got != want {
			t.Errorf("javaHash(%q) = %d, Java gives %d", s, got, want)
		}
	}
	if p := partitionFor("polygenelubricants", 50); p != 0 {
		t.Errorf("the smallest integer belongs to partition %d, not 0", p)
	}
	for _, id := range []string{"my-group", "a", "größe"} {
		if p := partitionFor(id, 50); p < 0 || p >= 50 {
			t.Errorf("partitionFor(%q) = %d", id, p)
		}
	}
}

// TestGroupsSpreadOverAllPartitions: the groups of a cluster are in the partitions 0 to 49 of one topic, in all of them, and nowhere
// else.
func TestGroupsSpreadOverAllPartitions(t *testing.T) {
	const groups, partitions = 50_000, 50
	var found [partitions]int
	for g := range groups {
		p := partitionFor(fmt.Sprint("group-", g), partitions)
		if p < 0 || p >= partitions {
			t.Fatalf("group-%d belongs to partition %d", g, p)
		}
		found[p]++
	}
	for p, n := range found {
		if n < groups/partitions/4 || n > groups/partitions*4 {
			t.Errorf("partition %d has %d of %d groups", p, n, groups)
		}
	}
}
