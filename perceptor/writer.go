package perceptor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// writer gathers the changes of many records into batches: what comes while others are being written is the next batch.
// So a single change does not wait, and many cost few round trips. Safe for concurrent use.
type writer struct {
	ctx      context.Context
	sink     sink.Sink
	batch    int // changes, at most, unless one record has more
	parallel int // batches on their way
	counts   *Counts

	at      sync.WaitGroup // who writes batches
	mu      sync.Mutex
	waiting []*job
	writing int
	owned   generations
}

// job is what one record wants written.
type job struct {
	token    dedupe.Token
	changes  []*change.Change
	outcomes []sink.Outcome
	err      error
	done     chan struct{}
}

func newWriter(ctx context.Context, s sink.Sink, batch, parallel int, counts *Counts) *writer {
	return &writer{ctx: ctx, sink: s, batch: batch, parallel: parallel, counts: counts}
}

// write returns when the changes are written, with what became of each. If ctx ends before, they may still be written.
func (w *writer) write(ctx context.Context, token dedupe.Token, changes []*change.Change) ([]sink.Outcome, error) {
	j := &job{token: token, changes: changes, done: make(chan struct{})}
	w.mu.Lock()
	w.owned.see(token)
	w.waiting = append(w.waiting, j)
	if w.writing < w.parallel {
		w.writing++
		w.at.Go(w.work)
	}
	w.mu.Unlock()
	select {
	case <-j.done:
		return j.outcomes, j.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// wait returns when nothing is being written. Nobody may call write any more.
func (w *writer) wait() { w.at.Wait() }

// work writes batches until nothing waits.
func (w *writer) work() {
	for jobs := w.take(); len(jobs) > 0; jobs = w.take() {
		for len(jobs) > 0 {
			jobs = w.apply(jobs)
		}
	}
}

// apply writes a batch, and returns those of its jobs that have to be written without the others, whose partitions another member has.
func (w *writer) apply(jobs []*job) (again []*job) {
	var changes []*change.Change
	for _, j := range jobs {
		changes = append(changes, j.changes...)
	}
	outcomes := make([]sink.Outcome, len(changes))
	var err error
	if fenced, able := w.sink.(sink.Fenced); able {
		err = fenced.ApplyFenced(w.ctx, w.tokens(jobs), changes, outcomes)
	} else {
		err = w.sink.Apply(w.ctx, changes, outcomes)
	}
	past := &sink.FencedError{}
	errors.As(err, &past)
	for _, j := range jobs {
		n := len(j.changes)
		j.outcomes, outcomes = outcomes[:n:n], outcomes[n:]
		if len(past.Past) > 0 && !past.Has(j.token.Of()) {
			again = append(again, j)
		}
	}
	if len(again) == len(jobs) { // it refuses what it was not given
		again = nil
	}
	for _, j := range jobs {
		if slices.Contains(again, j) {
			continue
		}
		switch j.err = err; {
		case err == nil:
			j.err = untold(j)
		case errors.Is(err, dedupe.ErrFenced): // counted here: who waits for the job may be told that the partition is lost, and be gone
			w.counts.fenced(len(j.changes))
		}
		close(j.done)
	}
	return again
}

// untold finds a change of which the sink has said nothing: it must not be acknowledged.
func untold(j *job) error {
	for i, o := range j.outcomes {
		if o.Err == nil && o.Verdict == 0 {
			return fmt.Errorf("the sink does not say what became of a %s of %s", j.changes[i].Op, j.changes[i].Table)
		}
	}
	return nil
}

func (w *writer) take() []*job {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, changes := 0, 0
	for n < len(w.waiting) && (n == 0 || changes+len(w.waiting[n].changes) <= w.batch) {
		changes += len(w.waiting[n].changes)
		n++
	}
	if n == 0 {
		w.writing--
		return nil
	}
	jobs := append([]*job(nil), w.waiting[:n]...)
	rest := copy(w.waiting, w.waiting[n:])
	clear(w.waiting[rest:])
	w.waiting = w.waiting[:rest]
	return jobs
}
