package quota

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// rater is a Rate, or one with a bug.
type rater interface {
	Pass(now time.Duration, n int64)
	Room(now time.Duration) int64
	Wait(now time.Duration) time.Duration
}

const (
	limit   = 1 << 20
	windows = 11
	width   = time.Second
)

func newRate() *Rate {
	r := &Rate{}
	r.Configure(limit, windows, width)
	return r
}

// TestRate: an eager user who takes pieces of any size while there is room gets the rate, and never more.
func TestRate(t *testing.T) {
	for seed := range uint64(20) {
		if err := eager(newRate(), seed); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// eager takes all that there is room for, in pieces, at any times, with pauses, and says what is wrong with what it got.
func eager(r rater, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 1))
	pieceMax := int64(1) << (12 + random.IntN(8))
	stepMax := time.Millisecond << random.IntN(9)
	now := time.Duration(random.Int64N(int64(time.Hour)))
	for range 3 { // each after a pause in which everything is forgotten
		begun, passed := now, int64(0)
		for now < begun+40*time.Second {
			if r.Room(now) < 0 {
				if wait := r.Wait(now); wait <= 0 || wait > windows*width {
					return fmt.Errorf("over the rate by %d and told to wait %v", -r.Room(now), wait)
				}
			}
			ran := now - begun
			allowed := int64(max(ran, width).Seconds()*limit) + pieceMax
			for room := r.Room(now); room >= 0; room = r.Room(now) {
				n := min(1+random.Int64N(pieceMax), max(room, 1))
				r.Pass(now, n)
				if passed += n; passed > allowed {
					return fmt.Errorf("%d bytes in the first %v: more than %d", passed, ran, allowed)
				}
			}
			now += 1 + time.Duration(random.Int64N(int64(stepMax)))
		}
		ran := now - begun
		if owed := int64((ran - width).Seconds() * limit); passed < owed {
			return fmt.Errorf("%d bytes in %v: less than %d", passed, ran, owed)
		}
		now += windows*width + time.Duration(random.Int64N(int64(time.Minute)))
	}
	return nil
}

// TestRateOverdrawn: what is more than the rate at once is paid for before anything else passes, as long as windows are kept.
func TestRateOverdrawn(t *testing.T) {
	r := newRate()
	r.Pass(0, 5*limit)
	if wait := r.Wait(0); wait != 5*time.Second {
		t.Errorf("five seconds' worth has passed: wait %v", wait)
	}
	if room := r.Room(5*time.Second - time.Millisecond); room >= 0 {
		t.Errorf("room for %d a moment too early", room)
	}
	if room := r.Room(5 * time.Second); room != 0 {
		t.Errorf("room for %d when it is paid for", room)
	}
	r.Pass(5*time.Second, 100*limit)
	if wait := r.Wait(5 * time.Second); wait != 6*time.Second {
		t.Errorf("more than all windows hold has passed: wait %v, want until the first window is forgotten", wait)
	}
	if room := r.Room(16 * time.Second); room != limit {
		t.Errorf("room for %d when all is forgotten, want that of one window", room)
	}
}

// TestRateZero: at a rate of nothing one piece passes in all windows, as in Kafka.
func TestRateZero(t *testing.T) {
	r := &Rate{}
	r.Configure(0, windows, width)
	if room := r.Room(0); room != 0 {
		t.Errorf("room for %d", room)
	}
	r.Pass(0, 1)
	if room, wait := r.Room(time.Second), r.Wait(time.Second); room != -1 || wait != 10*time.Second {
		t.Errorf("one byte over: room for %d, wait %v", room, wait)
	}
	if room := r.Room(11 * time.Second); room != 0 {
		t.Errorf("room for %d when it is forgotten", room)
	}
}

// TestRateUnlimited: neither the zero value nor a rate without a limit refuses anything.
func TestRateUnlimited(t *testing.T) {
	var zero Rate
	var none Rate
	none.Configure(Unlimited, windows, width)
	for _, r := range []*Rate{&zero, &none} {
		r.Pass(0, Unlimited/2)
		if room, wait := r.Room(0), r.Wait(0); room != Unlimited || wait != 0 {
			t.Errorf("room for %d, wait %v", room, wait)
		}
	}
}

// TestRateReconfigured: another limit counts what has passed; other windows do not.
func TestRateReconfigured(t *testing.T) {
	r := newRate()
	r.Pass(0, limit)
	r.Configure(2*limit, windows, width)
	if room := r.Room(0); room != limit {
		t.Errorf("room for %d under twice the limit", room)
	}
	r.Configure(limit/2, windows, width)
	if room := r.Room(0); room != -limit/2 {
		t.Errorf("room for %d under half the limit", room)
	}
	r.Configure(limit, 2, width)
	if room := r.Room(0); room != limit {
		t.Errorf("room for %d with other windows", room)
	}
}

func TestRateAllocatesNothing(t *testing.T) {
	r, now := newRate(), time.Duration(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += 700 * time.Millisecond
		r.Pass(now, limit)
		r.Room(now)
		r.Wait(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Planted bugs: what eager does not find proves nothing.
type (
	countsNothing struct{ *Rate }
	countsTwice   struct{ *Rate }
	standsStill   struct{ *Rate }
	runsFast      struct{ *Rate }
	savesUp       struct{ *Rate }
)

func (r countsNothing) Pass(time.Duration, int64)     {}
func (r countsTwice) Pass(now time.Duration, n int64) { r.Rate.Pass(now, 2*n) }
func (r standsStill) Room(time.Duration) int64        { return r.Rate.Room(r.begin) }
func (r runsFast) Room(now time.Duration) int64       { return r.Rate.Room(now * 11 / 10) }
func (r runsFast) Pass(now time.Duration, n int64)    { r.Rate.Pass(now*11/10, n) }
func (r savesUp) Pass(now time.Duration, n int64) {
	fresh := r.Room(now) == limit
	if r.Rate.Pass(now, n); fresh {
		r.begin -= 5 * width
	}
}

func TestPlantedBugsAreCaught(t *testing.T) {
	for _, planted := range []struct {
		name string
		rate func(*Rate) rater
	}{
		{"counts nothing", func(r *Rate) rater { return countsNothing{r} }},
		{"counts everything twice", func(r *Rate) rater { return countsTwice{r} }},
		{"its clock stands still", func(r *Rate) rater { return standsStill{r} }},
		{"its clock runs fast", func(r *Rate) rater { return runsFast{r} }},
		{"saves up while nothing passes", func(r *Rate) rater { return savesUp{r} }},
	} {
		t.Run(planted.name, func(t *testing.T) {
			for seed := range uint64(20) {
				if err := eager(planted.rate(newRate()), seed); err != nil {
					t.Log(err)
					return
				}
			}
			t.Error("not caught")
		})
	}
}
