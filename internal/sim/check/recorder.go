package check

import "sync"

// Recorder collects a history from many goroutines. The clock must not go back, and all processes of the history share
// it.
type Recorder struct {
	now func() int64

	mu      sync.Mutex
	history []Operation
	pending map[*Pending]struct{}
	began   uint64
}

// NewRecorder makes a recorder; now gives nanoseconds.
func NewRecorder(now func() int64) *Recorder {
	return &Recorder{now: now, pending: map[*Pending]struct{}{}}
}

// Pending is an operation that was begun.
type Pending struct {
	recorder  *Recorder
	number    uint64
	operation Operation
}

// Begin notes that an operation starts now.
func (r *Recorder) Begin(o Operation) *Pending {
	r.mu.Lock()
	defer r.mu.Unlock()
	o.Invoked = r.now()
	r.began++
	p := &Pending{recorder: r, number: r.began, operation: o}
	r.pending[p] = struct{}{}
	return p
}

// End notes the outcome. change, if not nil, fills in what the answer said. Only the first End counts.
func (p *Pending) End(outcome Outcome, change func(*Operation)) {
	r := p.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.pending[p]; !ok {
		return
	}
	delete(r.pending, p)
	p.operation.Completed, p.operation.Outcome = r.now(), outcome
	if change != nil {
		change(&p.operation)
	}
	r.history = append(r.history, p.operation)
}

// History returns what happened so far, in the order of completion. What is still under way comes last, as Info that
// never completed.
func (r *Recorder) History() []Operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	open := make([]*Pending, 0, len(r.pending))
	for p := range r.pending {
		open = append(open, p)
	}
	sortBy(open, func(p *Pending) uint64 { return p.number })
	history := append([]Operation{}, r.history...)
	for _, p := range open {
		o := p.operation
		o.Completed, o.Outcome = Never, Info
		history = append(history, o)
	}
	return history
}
