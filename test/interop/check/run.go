package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/skein-io/skein/test/interop/line"
)

// Run is what a member took of a partition between getting it and giving it
// away.
type Run struct {
	Partition int32
	// From is its first offset, Next one past its last, and Committed one past
	// the last that the member committed with success, or From.
	From, Next, Committed int64
}

// extend adds a record to the run of its partition.
func (m *Member) extend(e line.Event) {
	i, known := m.open[e.P]
	if !known {
		i = len(m.runs)
		m.open[e.P] = i
		m.runs = append(m.runs, Run{Partition: e.P, From: e.O, Committed: e.O})
	}
	m.runs[i].Next = e.O + 1
}

// Runs are the runs so far, in the order in which they began.
func (m *Member) Runs() []Run {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.runs)
}

// Owners demands that no record was taken and committed in two runs. Two owners
// of a partition in one generation would both do so, and so would a member that
// was thrown out and still commits with success: the owner after it begins where
// the last commit was. It needs no clock.
func Owners(members ...*Member) error {
	type owned struct {
		Run
		name string
	}
	var all []owned
	for _, m := range members {
		for _, r := range m.Runs() {
			if r.Committed > r.From {
				all = append(all, owned{r, m.Name})
			}
		}
	}
	slices.SortFunc(all, func(a, b owned) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.From, b.From))
	})
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if a.Partition == b.Partition && b.From < a.Committed {
			return fmt.Errorf("partition %d: %s took and committed offsets %d to %d, %s %d to %d: it had two owners",
				a.Partition, a.name, a.From, a.Committed-1, b.name, b.From, b.Committed-1)
		}
	}
	return nil
}
