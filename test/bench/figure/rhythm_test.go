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
			if got, want := r.beats(i).next.Sub(r.started), []time.Duration{3 * time.Second, time.Second, 2 * time.Second}[i]; got != want {
				t.Errorf("member %d begins at %v, want %v", i, got, want)
			}
		}
		time.Sleep(7500 * time.Millisecond)
		late := r.beats(1) // a member that comes out of a rebalance keeps its times
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

// At any moment the members that have committed since their last heartbeat
// are those that a client with such times has: three of ten, some of them
// with almost a whole interval to go. They may not depend on each other.
func TestCommitsAreIndependentOfHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRhythm(500, defaultCommit)
		for range 7 {
			time.Sleep(2300 * time.Millisecond)
			committed, longest := 0, time.Duration(0)
			for i := range r.members {
				beat, commit := r.beats(i), r.commits(i)
				if lastBeat, lastCommit := beat.next.Add(-beat.every), commit.next.Add(-commit.every); lastCommit.After(lastBeat) {
					committed++
					longest = max(longest, time.Until(beat.next))
				}
			}
			if committed < 135 || committed > 165 || longest < 2500*time.Millisecond {
				t.Errorf("after %v: %d members, the longest has %v to go", time.Since(r.started), committed, longest)
			}
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
