package check

import (
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/test/interop/line"
)

// took is a member that took the offsets of partition 0 and committed at the
// end, with success or not.
func took(problem string, offsets ...int64) *Member {
	m := told(append([]int64{-1}, offsets...)...)
	m.Take(line.Event{E: line.Committed, Error: problem}, time.Now())
	return m
}

func TestOwners(t *testing.T) {
	for _, c := range []struct {
		name    string
		members []*Member
		ok      bool
	}{
		{"one after the other", []*Member{took("", 0, 1), took("", 2, 3)}, true},
		{"again what was not committed", []*Member{took("fenced", 0, 1, 2), took("", 0, 1, 2, 3)}, true},
		{"both committed", []*Member{took("", 0, 1), took("", 0, 1)}, false},
		{"the fenced one committed", []*Member{took("", 5, 6, 7), took("", 7, 8)}, false},
		{"a member by itself", []*Member{told(-1, 0, 1, -1, 0, 1)}, true},
	} {
		if err := Owners(c.members...); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestRunsEndWithTheAssignment(t *testing.T) {
	m := told(-1, 0, 1, -1, 1, 2)
	m.Take(line.Event{E: line.Committed}, time.Now())
	if got, want := m.Runs(), []Run{{0, 0, 2, 0}, {0, 1, 3, 3}}; !slices.Equal(got, want) {
		t.Errorf("runs %v, want %v", got, want)
	}
}

// TestIncremental: with a cooperative assignor what is kept goes on.
func TestIncremental(t *testing.T) {
	for _, incremental := range []bool{false, true} {
		m := NewMember("m")
		m.Incremental = incremental
		say := func(kind string, ps ...int32) { m.Take(line.Event{E: kind, Ps: ps}, time.Now()) }
		rec := func(p int32, o int64) { m.Take(line.Event{E: line.Rec, P: p, O: o}, time.Now()) }
		say(line.Assigned, 0, 1)
		rec(0, 0)
		say(line.Revoked, 1)
		say(line.Assigned, 2)
		if got, want := m.Assigned(), map[bool][]int32{false: {2}, true: {0, 2}}[incremental]; !slices.Equal(got, want) {
			t.Errorf("incremental %v: assigned %v, want %v", incremental, got, want)
		}
		rec(0, 0)
		if again := m.Steps() == nil; again == incremental {
			t.Errorf("incremental %v: a record of a kept partition may come again: %v", incremental, again)
		}
	}
}
