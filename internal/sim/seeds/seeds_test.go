package seeds

import (
	"slices"
	"testing"
)

func TestChosen(t *testing.T) {
	for _, c := range []struct {
		name               string
		seeds, first, seed string
		want               []uint64
		one                bool
	}{
		{"nothing is said", "", "", "", []uint64{0, 1, 2}, false},
		{"so many", "2", "", "", []uint64{0, 1}, false},
		{"from one on", "", "7", "", []uint64{7, 8, 9}, false},
		{"so many from one on", "2", "7", "", []uint64{7, 8}, false},
		{"one", "5", "7", "18446744073709551615", []uint64{1<<64 - 1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SKEIN_SEEDS", c.seeds)
			t.Setenv("SKEIN_FIRST", c.first)
			t.Setenv("SKEIN_SEED", c.seed)
			r := Chosen(t, 3)
			if got := slices.Collect(r.All()); !slices.Equal(got, c.want) || r.One != c.one {
				t.Fatalf("%v, one %v; want %v, %v", got, r.One, c.want, c.one)
			}
		})
	}
}
