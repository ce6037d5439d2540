package tour

import (
	"strconv"
	"testing"
)

// TestFind finds each scene by its name and by its number, and nothing else.
func TestFind(t *testing.T) {
	for i, want := range Scenes() {
		for _, name := range []string{want.Name, strconv.Itoa(i + 1)} {
			if got, ok := Find(name); !ok || got.Name != want.Name {
				t.Errorf("Find(%q) = %q, %v; want %s", name, got.Name, ok, want.Name)
			}
		}
	}
	for _, name := range []string{"", "0", "-1", "+1", "01", strconv.Itoa(len(Scenes()) + 1), "Join"} {
		if got, ok := Find(name); ok {
			t.Errorf("Find(%q) = %s, want none", name, got.Name)
		}
	}
}
