package figure

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a storm whose members are played by the test.
func watched(t *testing.T) *storm {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	s := newStorm(ctx, "", "", defaults("g", "t"), nil)
	t.Cleanup(s.disperse)
	return s
}

func after(d time.Duration, do func()) { time.AfterFunc(d, do) }

func TestStormIsOverWhenAllAreInOneLaterGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := watched(t)
		took, err := s.change(2, func() {
			after(1*time.Second, func() { s.stable(1) })
			after(2*time.Second, func() { s.stable(2) }) // the other one is in the old generation
			after(3*time.Second, func() { s.stable(2) })
		})
		if err != nil || took != 3*time.Second {
			t.Fatalf("two members: %v, %v", took, err)
		}
		took, err = s.change(1, func() {
			after(1*time.Second, func() { s.stable(2) }) // not later
			after(2*time.Second, func() { s.stable(3) })
		})
		if err != nil || took != 2*time.Second {
			t.Fatalf("one has left: %v, %v", took, err)
		}
	})
}

func TestStormReportsTheMemberThatEndedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, fenced := watched(t), errors.New("fenced")
		_, err := s.change(2, func() {
			after(1*time.Second, func() { s.stable(1) })
			after(2*time.Second, func() { s.end(fenced) })
		})
		if !errors.Is(err, fenced) {
			t.Fatalf("%v", err)
		}
		if _, err = s.change(1, func() { after(time.Second, func() { s.stable(2) }) }); !errors.Is(err, fenced) {
			t.Fatalf("in the next phase: %v", err)
		}
	})
}

func TestStormGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := watched(t)
		if _, err := s.change(2, func() { s.stable(1) }); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v", err)
		}
	})
}
