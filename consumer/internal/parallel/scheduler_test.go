package parallel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// stand drives a scheduler by hand: payloads are names of records, times are milliseconds.
type stand struct {
	t *testing.T
	s *Scheduler[string, string]
	n map[string]Item[string, string] // in flight
	i int64
}

func newStand(t *testing.T, cfg Config) *stand {
	st := &stand{t: t, s: New[string, string](cfg), n: map[string]Item[string, string]{}}
	st.s.Assign("p")
	return st
}

func at(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }

// add takes records in at offsets 0, 1, 2 ...: "b2" has the key "b", "-2" has none.
func (st *stand) add(names ...string) {
	st.t.Helper()
	for _, name := range names {
		var key []byte
		if name[0] != '-' {
			key = []byte(name[:1])
		}
		if err := st.s.Add("p", st.i, 3, key, name); err != nil {
			st.t.Fatalf("Add %s: %v", name, err)
		}
		st.i++
	}
}

// starts compares what starts at a moment.
func (st *stand) starts(ms int, want string) {
	st.t.Helper()
	var got []string
	for {
		it, ok := st.s.Next(at(ms))
		if !ok {
			break
		}
		st.n[it.Payload] = it
		got = append(got, it.Payload)
	}
	if s := strings.Join(got, " "); s != want {
		st.t.Fatalf("at %d ms start %q, want %q", ms, s, want)
	}
}

func (st *stand) done(ms int, name string, r Result) bool {
	st.t.Helper()
	it, ok := st.n[name]
	if !ok {
		st.t.Fatalf("%s is not in flight", name)
	}
	delete(st.n, name)
	return st.s.Done(at(ms), it.Ticket, r)
}

func (st *stand) frontier(want string) {
	st.t.Helper()
	place, ok := st.s.Frontier("p")
	got := "none"
	if ok {
		got = fmt.Sprint(place.Offset, " ", place.LeaderEpoch)
	}
	if got != want {
		st.t.Fatalf("frontier %s, want %s", got, want)
	}
}

var (
	done   = Result{Outcome: OK}
	gaveUp = Result{Outcome: GiveUp}
)

func again(ms int) Result {
	return Result{Outcome: Retry, Delay: time.Duration(ms) * time.Millisecond}
}

func wide(order Order, workers int) Config {
	return Config{Order: order, Workers: workers, PartitionMax: 100, TotalMax: 100, PollMax: 10}
}

func TestKeysRunSideBySide(t *testing.T) {
	st := newStand(t, wide(PerKey, 10))
	st.add("a0", "b1", "a2", "-3", "-4", "b5", "c6")
	st.starts(0, "a0 b1 -3 -4 c6")
	st.frontier("none")
	st.done(1, "c6", done)
	st.done(1, "-3", done)
	st.starts(1, "")
	st.done(2, "b1", done)
	st.frontier("none")
	st.starts(2, "b5")
	st.done(3, "a0", done)
	st.frontier("2 3")
	st.starts(3, "a2")
	st.done(4, "a2", done)
	st.frontier("4 3")
	st.done(5, "-4", done)
	st.done(6, "b5", done)
	st.frontier("7 3")
}

func TestPartitionRunsInOrder(t *testing.T) {
	st := newStand(t, wide(PerPartition, 10))
	st.s.Assign("q")
	st.add("a0", "-1", "b2")
	if err := st.s.Add("q", 7, 3, nil, "q7"); err != nil {
		t.Fatal(err)
	}
	st.starts(0, "a0 q7")
	st.done(1, "a0", done)
	st.starts(1, "-1")
	st.done(2, "-1", again(10))
	st.starts(2, "")
	st.starts(12, "-1")
	st.done(13, "-1", done)
	st.starts(13, "b2")
}

// An empty key is a key, a null one is not.
func TestEmptyKeyIsAKey(t *testing.T) {
	st := newStand(t, wide(PerKey, 10))
	for i, key := range [][]byte{{}, nil, {}, nil} {
		if err := st.s.Add("p", int64(i), 0, key, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	st.starts(0, "0 1 3")
}

func TestRetryHoldsItsKeyOnly(t *testing.T) {
	st := newStand(t, wide(PerKey, 2))
	st.add("a0", "a1", "b2", "b3")
	st.starts(0, "a0 b2")
	st.done(1, "a0", again(50))
	st.done(1, "b2", done)
	st.starts(1, "b3")
	if wake, ok := st.s.Wake(); !ok || !wake.Equal(at(51)) {
		t.Errorf("Wake: %v %v", wake, ok)
	}
	st.starts(50, "")
	st.starts(51, "a0")
	if n := st.n["a0"].Attempt; n != 2 {
		t.Errorf("attempt %d", n)
	}
	st.frontier("none")
	st.done(52, "a0", gaveUp)
	st.frontier("1 3")
	st.starts(52, "a1")
}

// Offsets have gaps, and what is behind the last record was read, too.
func TestFrontierOverGaps(t *testing.T) {
	st := newStand(t, wide(PerKey, 10))
	for _, offset := range []int64{5, 9, 20} {
		if err := st.s.Add("p", offset, int32(offset), nil, fmt.Sprint(offset)); err != nil {
			t.Fatal(err)
		}
	}
	st.s.Reached("p", Place{Offset: 30, LeaderEpoch: 21})
	st.starts(0, "5 9 20")
	st.done(0, "9", done)
	st.frontier("none")
	st.done(0, "5", done)
	st.frontier("10 9")
	st.done(0, "20", done)
	st.frontier("30 21")
	st.s.Reached("p", Place{Offset: 29, LeaderEpoch: 30})
	st.frontier("30 21")
	st.s.Reached("p", Place{Offset: 31, LeaderEpoch: 30})
	st.frontier("31 30")
	if err := st.s.Add("p", 30, 30, nil, ""); !errors.Is(err, ErrBackward) {
		t.Errorf("an offset that was passed: %v", err)
	}
}

func TestDrain(t *testing.T) {
	st := newStand(t, wide(PerKey, 3))
	st.add("a0", "a1", "b2", "c3", "d4")
	st.starts(0, "a0 b2 c3")
	st.done(1, "c3", again(5))
	st.starts(1, "d4")
	st.s.Drain("p")
	if err := st.s.Add("p", 9, 3, nil, ""); !errors.Is(err, ErrNotHeld) {
		t.Errorf("Add after Drain: %v", err)
	}
	st.s.Reached("p", Place{Offset: 50})
	st.done(2, "d4", done)
	st.done(3, "a0", done)
	st.frontier("1 3")
	st.starts(10, "")
	if st.s.Drained("p") {
		t.Error("drained while b2 runs")
	}
	st.done(11, "b2", again(1))
	st.starts(20, "")
	st.frontier("1 3") // a1 and b2 are the next owner's
	if !st.s.Drained("p") {
		t.Error("not drained")
	}
	st.s.Drop("p")
	st.frontier("none")
}

// What is in flight when its partition is dropped keeps its worker, and counts for nothing, not even after the partition came back.
func TestLateDone(t *testing.T) {
	st := newStand(t, wide(PerKey, 2))
	st.add("a0", "b1")
	st.starts(0, "a0 b1")
	st.s.Drop("p")
	st.s.Assign("p")
	st.i = 0
	st.add("x0", "y1")
	st.starts(1, "")
	if r, ok := st.s.Oldest(at(9)); !ok || !r.Dropped || r.Offset != 0 || r.For != 9*time.Millisecond {
		t.Errorf("Oldest: %+v %v", r, ok)
	}
	if st.done(2, "a0", done) || st.done(2, "b1", again(1)) {
		t.Error("the end of a dropped attempt counted")
	}
	st.frontier("none")
	st.starts(9, "x0 y1")
	st.done(9, "x0", done)
	st.frontier("1 3")
}

func TestFairBetweenPartitions(t *testing.T) {
	s := New[string, string](Config{Order: PerKey, Workers: 1, PartitionMax: 100, TotalMax: 1000, PollMax: 10})
	for _, p := range []string{"p", "q", "r"} {
		s.Assign(p)
		for i := range map[string]int{"p": 6, "q": 2, "r": 3}[p] {
			if err := s.Add(p, int64(i), 0, nil, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []string
	for {
		it, ok := s.Next(at(0))
		if !ok {
			break
		}
		got = append(got, it.Payload)
		s.Done(at(0), it.Ticket, done)
	}
	if g := strings.Join(got, ""); g != "pqrpqrprppp" {
		t.Error(g)
	}
}

func TestFull(t *testing.T) {
	st := newStand(t, Config{Order: PerKey, Workers: 100, PartitionMax: 10, AheadMax: 20, TotalMax: 100, PollMax: 2})
	full := func(want bool) {
		t.Helper()
		if got := st.s.Full("p"); got != want {
			t.Fatalf("full: %v", got)
		}
	}
	st.add("-0", "-1", "-2", "-3", "-4", "-5", "-6", "-7")
	full(false)
	st.add("-8")
	full(true)
	st.add("-9")
	if err := st.s.Add("p", 10, 0, nil, ""); !errors.Is(err, ErrFull) {
		t.Fatalf("an 11th: %v", err)
	}
	st.starts(0, "-0 -1 -2 -3 -4 -5 -6 -7 -8 -9")
	for _, name := range []string{"-1", "-2", "-3", "-4", "-5"} {
		full(true)
		st.done(1, name, done)
	}
	full(true) // 5 left
	st.done(1, "-6", done)
	full(true) // 4 left, and 10 behind the frontier: half of 18 is 9
	st.done(1, "-0", done)
	full(false)
}

// A record that waits long holds the partition up only when as much is processed behind it as may be.
func TestFullAhead(t *testing.T) {
	st := newStand(t, Config{Order: PerKey, Workers: 2, PartitionMax: 10, AheadMax: 20, TotalMax: 100, PollMax: 2})
	st.add("a0")
	st.starts(0, "a0")
	st.done(0, "a0", again(1000))
	n := 0
	for ; !st.s.Full("p"); n++ {
		name := fmt.Sprintf("-%d", n)
		st.add(name)
		st.starts(1, name)
		st.done(1, name, done)
	}
	if n != 18 {
		t.Errorf("full with %d records ahead", n)
	}
	if got := st.s.Standing("p"); got.Left != 1 || got.Delayed != 1 || got.Ahead != 18 || !got.Until.Equal(at(1000)) || got.Attempt != 1 || got.Offset != 0 || got.Lanes != 1 || !got.Full {
		t.Errorf("%+v", got)
	}
	st.starts(1000, "a0")
	st.done(1001, "a0", done)
	st.frontier("19 3")
	if st.s.Full("p") {
		t.Error("full, and nothing is left")
	}
}

func TestTotalBound(t *testing.T) {
	st := newStand(t, Config{Order: PerKey, Workers: 9, PartitionMax: 4, TotalMax: 6, PollMax: 1})
	st.s.Assign("q")
	st.add("-0", "-1", "-2")
	for i := range int64(3) {
		if st.s.Full("p") || st.s.Full("q") {
			t.Fatal("full with less than 6")
		}
		if err := st.s.Add("q", i, 0, nil, fmt.Sprint("q", i)); err != nil {
			t.Fatal(err)
		}
	}
	if !st.s.Full("p") || !st.s.Full("q") {
		t.Fatal("not full with 6")
	}
	if err := st.s.Add("p", 3, 0, nil, ""); !errors.Is(err, ErrFull) {
		t.Fatalf("a 7th: %v", err)
	}
	st.s.Drop("q")
	if !st.s.Full("p") {
		t.Error("not full with 3, more than half of what may be before a poll")
	}
	st.starts(0, "-0 -1 -2")
	st.done(0, "-2", done)
	if st.s.Full("p") {
		t.Error("full with 2")
	}
}

func TestStalls(t *testing.T) {
	cfg := wide(PerKey, 3)
	cfg.PollIntervalMax = 100 * time.Millisecond
	st := newStand(t, cfg)
	st.add("a0", "b1")
	st.starts(0, "a0 b1")
	if wake, ok := st.s.Wake(); !ok || !wake.Equal(at(50)) {
		t.Fatalf("Wake: %v %v", wake, ok)
	}
	st.add("c2")
	st.starts(20, "c2")
	if r, ok := st.s.Stalled(at(49)); ok {
		t.Fatalf("too early: %+v", r)
	}
	var told []int64
	for {
		r, ok := st.s.Stalled(at(55))
		if !ok {
			break
		}
		if r.Partition != "p" || r.For != 55*time.Millisecond || r.Attempt != 1 {
			t.Errorf("%+v", r)
		}
		told = append(told, r.Offset)
	}
	if !slices.Equal(told, []int64{0, 1}) {
		t.Errorf("told %v", told)
	}
	st.done(60, "c2", done)
	if r, ok := st.s.Stalled(at(200)); ok {
		t.Errorf("again: %+v", r)
	}
	st.done(210, "a0", done)
	if r, _ := st.s.Oldest(at(250)); r.Offset != 1 || r.For != 250*time.Millisecond {
		t.Errorf("oldest %+v", r)
	}
}

func TestTicketIsForOneDone(t *testing.T) {
	st := newStand(t, wide(PerKey, 3))
	st.add("a0")
	st.starts(0, "a0")
	it := st.n["a0"]
	st.done(1, "a0", again(0))
	st.starts(1, "a0")
	for _, ticket := range []Ticket{it.Ticket, {}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("it was taken twice")
				}
			}()
			st.s.Done(at(2), ticket, done)
		}()
	}
	st.frontier("none")
}

// Keys that collide are kept apart, whichever of them ends first.
func TestCollisions(t *testing.T) {
	cfg := wide(PerKey, 20)
	cfg.Hash = func([]byte) uint64 { return 1 }
	for last := range 3 {
		st := newStand(t, cfg)
		st.add("a0", "b1", "c2", "a3", "b4", "c5")
		st.starts(0, "a0 b1 c2")
		for i := range 3 {
			first := (last + i) % 3
			st.done(1, []string{"a0", "b1", "c2"}[first], done)
			st.starts(1, []string{"a3", "b4", "c5"}[first])
			st.done(2, []string{"a3", "b4", "c5"}[first], done)
		}
		st.frontier("6 3")
		st.add("a6", "b7", "a8")
		st.starts(3, "a6 b7")
	}
}

// The scheduler wants nothing of a partition that is not there.
func TestUnknownPartition(t *testing.T) {
	s := New[string, string](Config{})
	s.Drain("p")
	s.Drop("p")
	s.Reached("p", Place{Offset: 4})
	if err := s.Add("p", 0, 0, nil, ""); !errors.Is(err, ErrNotHeld) {
		t.Error(err)
	}
	if _, ok := s.Frontier("p"); ok || !s.Drained("p") || s.Full("p") || s.Standing("p") != (Standing{}) {
		t.Error("it has a standing")
	}
	if _, ok := s.Oldest(at(0)); ok {
		t.Error("something is the oldest")
	}
	if _, ok := s.Wake(); ok {
		t.Error("something is to come")
	}
}
