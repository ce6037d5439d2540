package herd

import (
	"context"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/herd/measure"
)

// diary takes down what happens. Its methods may be called by several goroutines.
type diary struct {
	mu      sync.Mutex
	begun   time.Time
	events  []measure.Event
	readers []map[int]bool // of each partition
	// hopeless, if it is set, is how long nothing is done by a herd that has come to rest with partitions that nobody reads.
	hopeless time.Duration
	failed   error     // that a member met, which ends the run
	change   time.Time // the last time that somebody began or ended to read, or did something about it
}

func newDiary(partitions int) *diary {
	d := &diary{begun: time.Now(), change: time.Now(), readers: make([]map[int]bool, partitions)}
	for i := range d.readers {
		d.readers[i] = map[int]bool{}
	}
	return d
}

// fail ends the run.
func (d *diary) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed == nil {
		d.failed = err
	}
}

// begin is the time 0 of the history.
func (d *diary) begin() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun, d.change = time.Now(), time.Now()
	return 0
}

func (d *diary) now() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.begun)
}

// take notes an event of this moment. busy says that it is part of a rebalance.
func (d *diary) take(e measure.Event, busy bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e.At = time.Since(d.begun)
	d.events = append(d.events, e)
	switch e.Kind {
	case measure.Started:
		d.readers[e.Partition][e.Member] = true
	case measure.Stopped:
		delete(d.readers[e.Partition], e.Member)
	}
	if busy {
		d.change = time.Now()
	}
}

// touch says that something is done about who reads what.
func (d *diary) touch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.change = time.Now()
}

// calm is how long nothing is done by a herd that has come to rest, with one reader for every partition.
const calm = time.Second

// settle waits until the herd has come to rest, no longer than limit.
func (d *diary) settle(ctx context.Context, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) && !d.settled() {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

func (d *diary) settled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != nil {
		return true
	}
	quiet := time.Since(d.change)
	for _, readers := range d.readers {
		if len(readers) != 1 {
			return d.hopeless > 0 && quiet > d.hopeless
		}
	}
	return quiet > calm
}

func (d *diary) history() *measure.History {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := &measure.History{Partitions: len(d.readers), Events: d.events}
	h.Sort()
	return h
}
