package parallel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// shop lets workers process records of one partition, with a handler that takes 1 ms of a simulated clock.
type shop struct {
	s    *Scheduler[int, int]
	r    *rand.Rand
	keys [][]byte
	now  time.Time
	busy []attended // in the order in which they end
	next int64
	done int
}

type attended struct {
	ticket Ticket
	end    time.Time
}

const handler = time.Millisecond

func newShop(workers, keys int) *shop {
	w := &shop{
		s: New[int, int](Config{Order: PerKey, Workers: workers, PartitionMax: 2000, AheadMax: 10_000, TotalMax: 10_000, PollMax: 500}),
		r: rand.New(rand.NewPCG(1, 2)), now: time.Unix(1000, 0), busy: make([]attended, 0, workers),
	}
	w.s.Assign(0)
	for i := range keys {
		w.keys = append(w.keys, fmt.Appendf(nil, "key-%04d", i))
	}
	return w
}

// process goes on until n more records are processed.
func (w *shop) process(n int) {
	for want := w.done + n; w.done < want; {
		if !w.s.Full(0) {
			for range 500 {
				if err := w.s.Add(0, w.next, 0, w.keys[w.r.IntN(len(w.keys))], 0); err != nil {
					panic(err)
				}
				w.next++
			}
		}
		for {
			it, ok := w.s.Next(w.now)
			if !ok {
				break
			}
			w.busy = append(w.busy, attended{it.Ticket, w.now.Add(handler)})
		}
		w.now = w.busy[0].end
		ended := 0
		for ended < len(w.busy) && !w.busy[ended].end.After(w.now) {
			w.s.Done(w.now, w.busy[ended].ticket, Result{})
			ended++
		}
		w.done += ended
		w.busy = w.busy[:copy(w.busy, w.busy[ended:])]
	}
}

// TestSixteenHotKeys: 16 workers on 16 keys at random are at least 12 times as fast as one.
func TestSixteenHotKeys(t *testing.T) {
	w := newShop(16, 16)
	began := w.now
	w.process(50_000)
	if times := float64(w.done) * handler.Seconds() / w.now.Sub(began).Seconds(); times < 12 {
		t.Errorf("%.1f times as fast as serial", times)
	} else {
		t.Logf("%.1f times as fast as serial", times)
	}
}

// TestNoAllocations: what a record needs is used again.
func TestNoAllocations(t *testing.T) {
	for _, keys := range []int{16, 100_000} {
		w := newShop(16, keys)
		w.process(200_000)
		per := testing.AllocsPerRun(10, func() { w.process(10_000) }) / 10_000
		t.Logf("%d keys: %.4f allocations a record", keys, per)
		if per > 0.01 {
			t.Errorf("%d keys: %.4f allocations a record", keys, per)
		}
	}
}

// BenchmarkRecord is the cost of one record: Add, Next and Done.
func BenchmarkRecord(b *testing.B) {
	for _, keys := range []int{16, 100_000} {
		b.Run(fmt.Sprint(keys, "keys"), func(b *testing.B) {
			w := newShop(16, keys)
			w.process(20_000)
			began, before := w.now, w.done
			b.ReportAllocs()
			b.ResetTimer()
			w.process(b.N)
			b.ReportMetric(float64(w.done-before)*handler.Seconds()/w.now.Sub(began).Seconds(), "x-serial")
		})
	}
}
