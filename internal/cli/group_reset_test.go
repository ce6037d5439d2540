package cli

import (
	"testing"

	"github.com/spf13/cobra"
)

func TestResetEffects(t *testing.T) {
	at := func(n int64) *int64 { return &n }
	for _, c := range []struct {
		committed  *int64
		wanted     int64
		start, end int64
		want       int64
		effect     string
	}{
		{at(5), 2, 0, 10, 2, "reads 3 again"},
		{at(5), 9, 0, 10, 9, "skips 4"},
		{at(5), 5, 0, 10, 5, "no change"},
		{at(5), 99, 0, 10, 10, "skips 5, bounded by the log"},
		{at(5), 1, 3, 10, 3, "reads 2 again, bounded by the log"},
		{at(1), 1, 3, 10, 3, "skips 2, bounded by the log"},
		{nil, 3, 3, 10, 3, "begins here, at the earliest record"},
		{nil, 10, 3, 10, 10, "skips 7"},
	} {
		r := resetOffset{Committed: c.committed, New: c.wanted, LogStart: c.start, LogEnd: c.end}
		if r.settle(); r.New != c.want || r.Effect != c.effect {
			t.Errorf("%+v: %d, %q", c, r.New, r.Effect)
		}
	}
}

func TestChosenTopics(t *testing.T) {
	chosen, err := chosenTopics(&cobra.Command{}, []string{"a", "b:2,0"})
	if err != nil || len(chosen) != 2 || chosen["a"] != nil || len(chosen["b"]) != 2 || chosen["b"][0] != 0 {
		t.Errorf("%v, %v", chosen, err)
	}
	for _, bad := range [][]string{{""}, {"a:"}, {"a:-1"}, {"a:1,x"}, {"a", "a:1"}, {":1"}, {"a:99999999999"}} {
		if chosen, err := chosenTopics(&cobra.Command{}, bad); err == nil {
			t.Errorf("%q was taken: %v", bad, chosen)
		}
	}
}
