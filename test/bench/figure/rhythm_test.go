package figure

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTicksAreSpreadAndNeverPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRhythm(3, 0)
		for i := range r.members {
			if got, want := r.ticks(i, 3*time.Second).next.Sub(r.started), []time.Duration{3 * time.Second, time.Second, 2 * time.Second}[i]; got != want {
				t.Errorf("member %d begins at %v, want %v", i, got, want)
			}
		}
		time.Sleep(7500 * time.Millisecond)
		late := r.ticks(1, 3*time.Second) // a member that comes out of a rebalance keeps its times
		if got := late.next.Sub(r.started); got != 10*time.Second {
			t.Errorf("after 7.5 s the next is at %v", got)
		}
		time.Sleep(2500 * time.Millisecond)
		late.advance()
		if got := late.next.Sub(r.started); got != 13*time.Second {
			t.Errorf("after 10 s the next is at %v", got)
		}
	})
}

func TestGroupsToAskAreOfEachCoordinator(t *testing.T) {
	asked, err := groupsToAsk(2000)
	if err != nil || len(asked) != 2*coordinatorsOfKafka {
		t.Fatalf("%d groups, %v", len(asked), err)
	}
	if _, err := groupsToAsk(10); err == nil {
		t.Error("10 groups are on all coordinators")
	}
}
