package check

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/test/interop/line"
)

// Member remembers what one group member said. It is safe for concurrent use.
type Member struct {
	Name string
	// Incremental is for members with a cooperative assignor: what is assigned
	// comes in addition, what is revoked or lost is all that goes.
	Incremental bool

	mu       sync.Mutex
	records  []line.Event
	assigned []int32
	next     map[int32]int64 // one past the last record of each partition
	durable  map[int32]int64 // next at the last successful synchronous commit
	commits  []line.Event
	changes  []Change
	runs     []Run
	open     map[int32]int // the run of each partition that the member has, by index
	troubles []string
}

// Change is one of assigned, revoked and lost, with the moment it was heard.
type Change struct {
	Kind  string
	Parts []int32
	At    time.Time
	// After is the number of records the member had reported before.
	After int
}

// NewMember starts with nothing.
func NewMember(name string) *Member {
	return &Member{Name: name, next: map[int32]int64{}, durable: map[int32]int64{}, open: map[int32]int{}}
}

// Take is the event handler of the member's group command.
func (m *Member) Take(e line.Event, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e.E {
	case line.Rec:
		m.records = append(m.records, e)
		m.next[e.P] = e.O + 1
		m.extend(e)
	case line.Assigned, line.Revoked, line.Lost:
		m.change(e, at)
	case line.Committed:
		m.commits = append(m.commits, e)
		if e.Error == "" {
			for p, o := range m.next {
				m.durable[p] = o
				m.runs[m.open[p]].Committed = o
			}
		}
	case line.Trouble:
		m.troubles = append(m.troubles, e.Error)
	}
}

func (m *Member) change(e line.Event, at time.Time) {
	m.changes = append(m.changes, Change{Kind: e.E, Parts: e.Ps, At: at, After: len(m.records)})
	gone := e.Ps
	if !m.Incremental {
		gone = m.assigned
		for p := range m.next {
			gone = append(gone, p)
		}
	}
	m.assigned = slices.DeleteFunc(slices.Clone(m.assigned), func(p int32) bool { return slices.Contains(gone, p) })
	for _, p := range gone {
		delete(m.next, p)
		delete(m.open, p)
	}
	if e.E == line.Assigned {
		m.assigned = append(m.assigned, e.Ps...)
	}
}

// Records are the records so far.
func (m *Member) Records() []line.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]line.Event(nil), m.records...)
}

// Assigned is the present assignment.
func (m *Member) Assigned() []int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]int32(nil), m.assigned...)
}

// Changes are the changes of assignment so far.
func (m *Member) Changes() []Change {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Change(nil), m.changes...)
}

// Commits are the answered commits so far.
func (m *Member) Commits() []line.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]line.Event(nil), m.commits...)
}

// Troubles are the errors that the member told of and went on from.
func (m *Member) Troubles() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.troubles...)
}

// Durable is what the member knows to be committed.
func (m *Member) Durable() map[int32]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[int32]int64{}
	for p, o := range m.durable {
		all[p] = o
	}
	return all
}

// Contents compares every record the members reported with the topic, and
// demands that together they saw all of it.
func Contents(t Topic, members ...*Member) error {
	seen := map[place]bool{}
	for _, m := range members {
		for _, e := range m.Records() {
			if err := t.Same(e); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			seen[place{e.P, e.O}] = true
		}
	}
	if len(seen) == t.Len() {
		return nil
	}
	for p, records := range t {
		for _, r := range records {
			if !seen[place{p, r.Offset}] {
				return fmt.Errorf("%d of %d records were seen; the first one missing is partition %d offset %d", len(seen), t.Len(), p, r.Offset)
			}
		}
	}
	return nil
}

// Steps demands that a member's offsets rise by one, except where its
// assignment changed. With a cooperative assignor that is so only for the
// partitions that came or went.
func (m *Member) Steps() error {
	changes := m.Changes()
	next := map[int32]int64{}
	for i, e := range m.Records() {
		for ; len(changes) > 0 && changes[0].After <= i; changes = changes[1:] {
			if !m.Incremental {
				clear(next)
			}
			for _, p := range changes[0].Parts {
				delete(next, p)
			}
		}
		if want, known := next[e.P]; known && e.O != want {
			return fmt.Errorf("%s: partition %d goes from offset %d to %d", m.Name, e.P, want-1, e.O)
		}
		next[e.P] = e.O + 1
	}
	return nil
}
