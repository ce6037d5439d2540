//go:build linux

package faults

import (
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skein-io/skein/internal/sim/check"
)

// monotonic is the clock of all histories here: clients in other processes read the same one.
func monotonic() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err) // the kernel has this clock
	}
	return now.Nano()
}

// monotonicOf is a time of this machine's clock of the day on that clock.
func monotonicOf(t time.Time) int64 { return monotonic() - int64(time.Since(t)) }

// work is something that a client does again and again.
type work struct {
	kind      check.Kind
	process   string // of sends
	partition int32  // of sends and polls
	group     string // of polls and commits
}

// beat is one success. A poll is invoked when the record that it brings was sent.
type beat struct{ invoked, completed int64 }

// pulse is when work succeeded. From it come the times without service; no result is decided by them.
type pulse struct {
	mu    sync.Mutex
	beats map[work][]beat
}

// expect names work that must go on.
func (p *pulse) expect(w work) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beats == nil {
		p.beats = map[work][]beat{}
	}
	p.beats[w] = nil
}

// beat notes a success of work that is expected.
func (p *pulse) beat(w work, invoked, completed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if beats, expected := p.beats[w]; expected {
		p.beats[w] = append(beats, beat{invoked, completed})
	}
}

// stalled is the work of which nothing that began after a moment has succeeded.
func (p *pulse) stalled(since int64) []work {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []work
	for w, beats := range p.beats {
		alive := false
		for i := len(beats) - 1; i >= 0 && beats[i].completed >= since && !alive; i-- {
			alive = beats[i].invoked >= since
		}
		if !alive {
			all = append(all, w)
		}
	}
	return all
}

// silence is the longest time between two successes of one work, from a moment on. What has not succeeded again when it is
// asked is counted up to a moment, if that is not 0.
func (p *pulse) silence(from, until int64, of func(work) bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := int64(0)
	for w, beats := range p.beats {
		if !of(w) {
			continue
		}
		last := from
		for _, b := range beats {
			if b.completed > from {
				longest = max(longest, b.completed-last)
				last = b.completed
			}
		}
		if until > 0 {
			longest = max(longest, until-last)
		}
	}
	return time.Duration(longest)
}

func TestSilence(t *testing.T) {
	var p pulse
	a, b := work{kind: check.Send, process: "a"}, work{kind: check.Send, process: "b"}
	p.expect(a)
	p.expect(b)
	for _, at := range []int64{10, 20, 70, 80} {
		p.beat(a, at-5, at)
	}
	p.beat(b, 62, 64)
	all := func(work) bool { return true }
	if got := p.silence(15, 0, all); got != 50 {
		t.Errorf("the longest silence is %d, want 50: from 20 to 70", got)
	}
	if got := p.silence(15, 0, func(w work) bool { return w == b }); got != 49 {
		t.Errorf("the silence of b is %d, want 49: from 15 to 64", got)
	}
	if got := p.silence(15, 120, all); got != 56 {
		t.Errorf("the silence up to 120 is %d, want 56: from 64 to 120", got)
	}
	if got := p.stalled(63); len(got) != 1 || got[0] != b {
		t.Errorf("stalled since 63 is %v, want b: what it did began before", got)
	}
}
