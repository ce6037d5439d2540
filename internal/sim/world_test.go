package sim

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

func TestEventsRunInOrder(t *testing.T) {
	w := NewWorld(WorldOptions{})
	var got []string
	note := func(name string) func() {
		return func() { got = append(got, fmt.Sprintf("%s@%v", name, w.Now())) }
	}
	w.After(2*time.Second, note("late"))
	w.After(time.Second, note("first"))
	w.After(time.Second, note("second"))
	w.After(-time.Second, note("past"))
	w.After(time.Second, func() { w.At(0, note("nested")) })
	w.After(3*time.Second, note("beyond"))
	if err := w.Run(Instant(2500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	want := []string{"past@0s", "first@1s", "second@1s", "nested@1s", "late@2s"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	if w.Now() != Instant(2500*time.Millisecond) || w.Pending() != 1 {
		t.Errorf("Now() = %v with %d pending", w.Now(), w.Pending())
	}
	if got, want := w.Wall(), time.Date(2026, 1, 1, 0, 0, 2, 5e8, time.UTC); !got.Equal(want) {
		t.Errorf("Wall() = %v, want %v", got, want)
	}
}

func TestStop(t *testing.T) {
	w := NewWorld(WorldOptions{})
	ran := 0
	a := w.After(time.Second, func() { ran++ })
	b := w.After(time.Second, func() { ran++ })
	if !a.Stop() || a.Stop() {
		t.Error("the first Stop must be true, the second false")
	}
	if err := w.Run(Instant(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if ran != 1 || b.Stop() {
		t.Errorf("%d events ran, want 1; Stop after running must be false", ran)
	}
}

func TestRunUntil(t *testing.T) {
	w := NewWorld(WorldOptions{})
	n := 0
	var tick func()
	tick = func() { n++; w.After(time.Second, tick) }
	tick()
	done, err := w.RunUntil(Instant(time.Minute), func() bool { return n == 10 })
	if !done || err != nil || w.Now() != Instant(9*time.Second) {
		t.Errorf("RunUntil = %v, %v at %v", done, err, w.Now())
	}
	done, err = w.RunUntil(Instant(20*time.Second), func() bool { return false })
	if done || err != nil {
		t.Errorf("RunUntil = %v, %v, want the limit", done, err)
	}
}

func TestRunGivesUpOnEndlessEvents(t *testing.T) {
	w := NewWorld(WorldOptions{EventsMax: 1000})
	var spin func()
	spin = func() { w.After(0, spin) }
	spin()
	if err := w.Run(Instant(time.Second)); err == nil {
		t.Error("a world that never gets on was not stopped")
	}
}

func ExampleWorld() {
	w := NewWorld(WorldOptions{Seed: 1, TraceLinesMax: 10})
	node := w.NewNode("a")
	node.Start(func() {
		node.After(time.Second, func() { w.Notef("tick") })
		node.After(time.Minute, func() { w.Notef("never: the node is dead by then") })
	})
	w.After(2*time.Second, node.Crash)
	if err := w.Run(Instant(time.Hour)); err != nil {
		panic(err)
	}
	for _, line := range w.Trace().Lines() {
		fmt.Println(line)
	}
	// Output:
	// 0s a starts 1
	// 1s tick
	// 2s a crashes
}
