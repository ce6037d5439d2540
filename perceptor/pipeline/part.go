package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// part is one thing that runs by itself: the source, or a sink.
type part struct {
	name string // "source" or "sink NAME"
	log  *slog.Logger
	now  func() time.Time
	// run works until ctx ends, and then returns nil, or until it cannot go on. It is called again after an error that passes.
	run func(ctx context.Context) error
	// tell adds what the part counts to a report.
	tell func(r *Report)

	mu      sync.Mutex
	started time.Time
	state   State
	problem string
	since   time.Time
	// told and done are when the last report was made, and what it had counted.
	told time.Time
	done uint64
}

// The pauses after an error that passes.
const (
	pauseMin = 500 * time.Millisecond
	pauseMax = 30 * time.Second
	// steady is how long a part has to run before the next pause is the shortest again.
	steady = time.Minute
)

// supervise runs a part until ctx ends, or until it ends or needs somebody.
func (p *part) supervise(ctx context.Context) error {
	p.mu.Lock()
	p.started, p.state = p.now(), Running
	p.mu.Unlock()
	pause := pauseMin
	for {
		began := p.now()
		err := p.run(ctx)
		switch {
		case err == nil && ctx.Err() == nil:
			p.set(Ended, "")
			p.log.Info("ended", "part", p.name)
			return nil
		case err == nil:
			return nil
		case ctx.Err() != nil && (transient(err) || errors.Is(err, context.Canceled)):
			return nil // it was to end, and could not say goodbye
		case !transient(err):
			p.set(Failed, err.Error())
			p.log.Error("it needs somebody", "part", p.name, "error", err)
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if p.now().Sub(began) > steady {
			pause = pauseMin
		}
		p.set(Waiting, err.Error())
		p.log.Warn("it is tried again", "part", p.name, "after", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		pause = min(2*pause, pauseMax)
	}
}

// set notes how the part is doing. The time of a problem is when it began, whatever else was wrong meanwhile.
func (p *part) set(s State, problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == Failed || p.state == Ended {
		return
	}
	if problem != "" && (p.problem == "" || s == Failed) {
		p.since = p.now()
	}
	switch {
	case s == Waiting && p.problem == "":
		p.log.Warn("it waits", "part", p.name, "problem", problem)
	case s == Running && p.problem != "":
		p.log.Info("it goes on", "part", p.name)
	}
	p.state, p.problem = s, problem
}

// connecting notes that the part is not there yet, unless it is known already why.
func (p *part) connecting(to string) {
	p.mu.Lock()
	known := p.problem != ""
	p.mu.Unlock()
	if !known {
		p.set(Waiting, "it connects to "+to)
	}
}

// report tells how the part is doing now.
func (p *part) report() Report {
	p.mu.Lock()
	r := Report{Part: p.name, At: p.now().UTC(), Started: p.started.UTC(), State: p.state, Problem: p.problem}
	if p.problem != "" {
		since := p.since.UTC()
		r.Since = &since
	}
	told, before := p.told, p.done
	p.mu.Unlock()
	if p.tell != nil {
		p.tell(&r)
	}
	done := r.Done()
	if took := r.At.Sub(told).Seconds(); !told.IsZero() && took > 0 && done >= before {
		r.PerSecond = float64(done-before) / took
	}
	p.mu.Lock()
	p.told, p.done = r.At, done
	p.mu.Unlock()
	return r
}
