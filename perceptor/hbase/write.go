package hbase

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// write is one change on its way to its row.
type write struct {
	plan    *plan
	change  *change.Change
	row     []byte
	packed  []byte // the version
	data    []client.Cell
	nulls   []int // columns that have to go
	outcome *sink.Outcome

	step  step
	looks int
	found stored
	cells []client.Cell // those that were found

	// Places of what is asked of most changes, so that they need no memory of their own: a put, and the condition of being newer.
	mutation [1]client.Mutation
	steps    [1]client.Step
	newer    client.Condition
}

// step is what is asked of the server next.
type step uint8

const (
	guess step = iota
	read
	decided
)

// op is what is asked of the server next for a change.
func (s *Sink) op(w *write) client.Op {
	op := client.Op{Row: w.row}
	switch w.step {
	case guess:
		// A row that is created is likely not there, one that is updated is likely older. What has to go from a row is not known
		// before it was read.
		switch {
		case w.change.Op == change.Create || w.change.Op == change.Read:
			op.Steps = w.one(absent)
		case w.change.Op == change.Update && len(w.nulls) == 0:
			op.Steps = w.one(w.isNewer())
		default:
			w.step = read
			op.Get = w.columns()
		}
	case read:
		op.Get = w.columns()
	case decided:
		op.Steps = s.decide(w)
	}
	return op
}

// columns are those that are read of a row: its version, and what the change takes away. Few are read: HBase steps over what
// each was before, as long as that is in memory. That a row has an execute time and no version, which others have written, is
// looked at when absent did not hold though there was no version.
func (w *write) columns() client.Columns {
	all := client.Columns{{Family: updateInfo, Qualifiers: [][]byte{columnVersion}}}
	if w.looks > 0 {
		all[0].Qualifiers = append(all[0].Qualifiers, columnExecuteTime)
	}
	for _, i := range w.taken() {
		to := &w.plan.cells[i]
		if string(to.family) == UpdateInfo {
			all[0].Qualifiers = append(all[0].Qualifiers, to.qualifier)
			continue
		}
		if last := &all[len(all)-1]; string(last.Family) != string(to.family) {
			all = append(all, client.FamilyColumns{Family: to.family})
		}
		last := &all[len(all)-1]
		last.Qualifiers = append(last.Qualifiers, to.qualifier)
	}
	return all
}

// taken are the columns that the change takes away.
func (w *write) taken() []int {
	if w.change.Op == change.Delete {
		return w.plan.order
	}
	return w.nulls
}

// decide says what is tried when the row's version is known and the change is to be written.
func (s *Sink) decide(w *write) []client.Step {
	deleted := w.change.Op == change.Delete
	if !w.found.exists {
		steps := w.one(absent)
		if !deleted && len(w.nulls) == 0 {
			// Somebody else may put the row meanwhile, an older change. First absent, then newer: in the other order, a put between
			// the two would be missed by both.
			steps = append(steps, client.Step{Condition: w.isNewer(), Mutations: steps[0].Mutations})
		}
		return steps
	}
	gone := w.gone()
	// Only what takes nothing away, whatever is put meanwhile, may go by being newer. That no cell has to go now is not enough:
	// an older change may put one before this is written.
	if !deleted && len(w.nulls) == 0 && len(gone) == 0 {
		return w.one(w.isNewer())
	}
	// What a delete hides is told by timestamps, not by order: a later put with the timestamp of the delete would be hidden, too.
	// So each cell is deleted with its own timestamp, and the row gets a later one than all of them. Later puts get at least
	// that from the server, because it is the one of the cell that the condition compares. All this is of the row as it was
	// found, so the condition is that it is still so. It is not before this moment either: Sweep tells the age by it.
	at := max(w.found.latest+1, uint64(max(s.now().UnixMilli(), 0)))
	mutations := w.put(at)
	if len(gone) > 0 {
		mutations = append(mutations, client.Mutation{Delete: true, Cells: gone})
	}
	return []client.Step{{Condition: unchanged(w.found.packed), Mutations: mutations}}
}

// gone are the cells of the row that the change takes away: those that were found, and the flag of a tombstone, which has the
// timestamp of its version.
func (w *write) gone() (cells []client.Cell) {
	for _, i := range w.taken() {
		to := &w.plan.cells[i]
		for _, c := range w.cells {
			if string(c.Qualifier) == string(to.qualifier) && string(c.Family) == string(to.family) {
				cells = append(cells, client.Cell{Family: c.Family, Qualifier: c.Qualifier, Timestamp: c.Timestamp})
			}
		}
	}
	if w.found.deleted && w.change.Op != change.Delete {
		cells = append(cells, client.Cell{Family: updateInfo, Qualifier: columnDeleted, Timestamp: w.found.at})
	}
	return cells
}

// one is a put with a condition, with the timestamps of the server.
func (w *write) one(c *client.Condition) []client.Step {
	w.steps[0] = client.Step{Condition: c, Mutations: w.put(0)}
	return w.steps[:1:1]
}

func (w *write) isNewer() *client.Condition {
	w.newer = newer(w.packed)
	return &w.newer
}

// put makes the mutation that writes the row, with a timestamp that the server gives if it is 0.
func (w *write) put(timestamp uint64) []client.Mutation {
	cells := appendGuardOf(w.data, w.packed)
	for i := range cells { // all of them: an earlier try may have left its own
		cells[i].Timestamp = timestamp
	}
	w.mutation[0] = client.Mutation{Cells: cells}
	return w.mutation[:1:1]
}

// settle takes in what the server said, and reports whether that was the end of it.
func (w *write) settle(op *client.Op) bool {
	if op.Err != nil {
		w.outcome.Err = fmt.Errorf("%s: row %q: %w", w.plan.source, w.row, op.Err)
		return true
	}
	if w.step == read {
		w.looks++
		var err error
		if w.found, err = readStored(&op.Found); err != nil {
			w.outcome.Err = fmt.Errorf("%s: row %q: %w", w.plan.source, w.row, err)
			return true
		}
		w.cells = op.Found.Cells
		verdict := change.Judge(w.found.version, w.found.exists, w.change.Version)
		if !verdict.Puts() {
			// Versions only grow, so what is stored by now is no reason to write it either.
			w.outcome.Verdict, w.outcome.Stored = verdict, w.found.version
			return true
		}
		w.step = decided
		return false
	}
	wasAbsent := w.step == guess && op.Steps[0].Condition == absent || w.step == decided && !w.found.exists
	switch {
	case op.Done[0] && wasAbsent:
		w.outcome.Verdict = change.Absent
		return true
	case op.Done[0] || op.Done[1]:
		w.outcome.Verdict = change.Newer
		return true
	}
	w.step = read
	return false
}
