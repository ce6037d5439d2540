package sim

import (
	"math"
	"reflect"
	"testing"
	"time"
)

func startedNode(w *World) *Node {
	n := w.NewNode("n")
	n.Start(func() {})
	return n
}

func run(t *testing.T, w *World, until time.Duration) {
	t.Helper()
	if err := w.Run(Instant(until)); err != nil {
		t.Fatal(err)
	}
}

func TestNodeClockRate(t *testing.T) {
	w := NewWorld(WorldOptions{})
	n := startedNode(w)
	n.SetRate(500_000)
	var fired Instant
	n.After(10*time.Second, func() { fired = w.Now() })
	run(t, w, 4*time.Second)
	if n.Now() != Instant(2*time.Second) {
		t.Errorf("a clock of half rate shows %v after 4 s", n.Now())
	}
	n.SetRate(2_000_000) // 8 s are left, which now pass in 4
	run(t, w, time.Minute)
	if fired != Instant(8*time.Second) {
		t.Errorf("fired at %v, want 8s", fired)
	}
	if want := Instant(2*time.Second + 112*time.Second); n.Now() != want {
		t.Errorf("Now() = %v, want %v", n.Now(), want)
	}
}

// A timer never fires before its deadline by the node's own clock, whatever the rate.
func TestNodeTimerIsNeverEarly(t *testing.T) {
	w := NewWorld(WorldOptions{})
	r := w.Rand("test")
	n := startedNode(w)
	early := 0
	for range 2000 {
		n.SetRate(300_000 + r.Int64N(2_700_000))
		d := time.Duration(r.Int64N(int64(time.Second)))
		deadline := n.Now().Add(d)
		n.After(d, func() {
			if n.Now() < deadline {
				early++
			}
		})
		if err := w.Run(w.Now().Add(time.Duration(r.Int64N(int64(time.Second))))); err != nil {
			t.Fatal(err)
		}
	}
	if early != 0 {
		t.Errorf("%d timers fired early", early)
	}
}

func TestNodeWallClock(t *testing.T) {
	w := NewWorld(WorldOptions{})
	n := startedNode(w)
	n.SetWallOffset(-time.Hour)
	fired := false
	n.After(time.Second, func() { fired = true })
	n.SetWallOffset(24 * time.Hour)
	run(t, w, time.Second)
	if !fired {
		t.Error("a jump of the wall clock moved a timer")
	}
	if got := n.Wall().Sub(w.Wall()); got != 24*time.Hour {
		t.Errorf("the wall clock is %v ahead, want 24h", got)
	}
}

func TestCrashTakesTimersAndRunsHooks(t *testing.T) {
	w := NewWorld(WorldOptions{})
	n := startedNode(w)
	var got []string
	note := func(s string) func() { return func() { got = append(got, s) } }
	timer := n.After(time.Second, note("timer of life 1"))
	n.OnCrash(note("hook 1"))
	n.OnCrash(note("hook 2"))
	n.Crash()
	n.Crash()
	n.Run(note("while dead"))
	n.After(time.Second, note("timer while dead"))
	n.Start(note("boot"))
	n.After(time.Second, note("timer of life 2"))
	run(t, w, time.Minute)
	n.Crash()
	if want := []string{"hook 2", "hook 1", "boot", "timer of life 2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	if timer.Stop() || n.Incarnation() != 2 {
		t.Errorf("incarnation %d, want 2, and the old timer cannot be stopped", n.Incarnation())
	}
}

func TestPauseDelays(t *testing.T) {
	w := NewWorld(WorldOptions{})
	n := startedNode(w)
	var got []string
	note := func(s string) func() { return func() { got = append(got, s) } }
	n.After(time.Second, note("a"))
	stopped := n.After(2*time.Second, note("stopped by c"))
	n.After(time.Second, func() { got = append(got, "c"); stopped.Stop() })
	n.After(10*time.Second, note("d"))
	n.Pause()
	run(t, w, 5*time.Second)
	if len(got) != 0 {
		t.Errorf("a paused node ran %v", got)
	}
	n.Resume()
	run(t, w, time.Minute)
	if want := []string{"a", "c", "d"}; !reflect.DeepEqual(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	n.Pause()
	n.Run(note("lost"))
	n.Crash()
	n.Start(func() {})
	n.Resume()
	if len(got) != 3 {
		t.Errorf("a crash in a pause left %v", got[3:])
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		d        time.Duration
		to, from int64
		want     time.Duration
	}{
		{time.Second, 1, 2, time.Second / 2}, {3, 1, 2, 1}, {math.MaxInt64, 1, 1, math.MaxInt64},
		{math.MaxInt64, 3, 2, math.MaxInt64}, {math.MaxInt64 / 2, 1_000_000, 3_000_000, math.MaxInt64 / 6},
	} {
		if got := scale(c.d, c.to, c.from); got != c.want {
			t.Errorf("scale(%d, %d, %d) = %d, want %d", c.d, c.to, c.from, got, c.want)
		}
	}
}
