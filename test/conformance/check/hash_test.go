package check

import "testing"

// The values of the first four were told by a JVM.
func TestPartitionOf(t *testing.T) {
	for group, want := range map[string]int32{"": 0, "a": 47, "polygenelubricants": 0, "Aa": 12, leastHash("some-group-"): 0} {
		if got := partitionOf(group, 50); got != want {
			t.Errorf("%q: partition %d, want %d", group, got, want)
		}
	}
	if h := javaHash(leastHash("x")); h != -1<<31 {
		t.Errorf("least hash is %d", h)
	}
}
