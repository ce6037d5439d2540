package tour

import "testing"

// TestPlaceInTheRecorder: what was read last is found again, unless it is forgotten.
func TestPlaceInTheRecorder(t *testing.T) {
	for _, p := range []struct {
		read, lines []string
		want        int
	}{
		{[]string{"a", "b"}, []string{"a", "b", "c"}, 2},
		{[]string{"a", "b"}, []string{"a", "b"}, 2},
		{[]string{"b", "b"}, []string{"b", "b", "b", "c"}, 3},
		{[]string{"a", "b"}, []string{"b", "c", "d"}, -1},
		{[]string{"a", "b"}, []string{"b"}, -1},
	} {
		if got := placeOf(p.read, p.lines); got != p.want {
			t.Errorf("%v in %v: %d, want %d", p.read, p.lines, got, p.want)
		}
	}
}
