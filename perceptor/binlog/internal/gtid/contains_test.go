package gtid

import (
	"math/rand/v2"
	"testing"
)

// A set contains another if each number of the other is in it.
func TestContains(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	yes := 0
	for range 3000 {
		var sets [2]Set
		var numbers [2]map[uint64]bool
		for i := range sets {
			numbers[i] = map[uint64]bool{}
			for range r.IntN(12 - 10*i) {
				first := 1 + r.Uint64N(12)
				last := first + r.Uint64N(4)
				if err := sets[i].AddRange(uuid, first, last); err != nil {
					t.Fatal(err)
				}
				for n := first; n <= last; n++ {
					numbers[i][n] = true
				}
			}
		}
		want := true
		for n := range numbers[1] {
			want = want && numbers[0][n]
		}
		if want && len(numbers[1]) > 0 {
			yes++
		}
		if got := sets[0].Contains(&sets[1]); got != want {
			t.Fatalf("%s contains %s: %v", sets[0].String(), sets[1].String(), got)
		}
	}
	if yes < 100 {
		t.Errorf("only %d sets contained another", yes)
	}
	other := Source{UUID: [16]byte{1}}
	var a, b Set
	if a.Add(uuid, 1) != nil || b.Add(other, 1) != nil || a.Contains(&b) || !a.Contains(&a) || !a.Contains(&Set{}) {
		t.Error("servers are taken for each other")
	}
}
