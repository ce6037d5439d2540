package verify

import (
	"context"
	"fmt"
	"math"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/sink"
)

// told puts rows that differ for good into the report, and repairs them if that is wanted.
func (r *run) told(ctx context.Context, suspects []*suspect, looks []look) error {
	if len(suspects) == 0 {
		return nil
	}
	if !r.c.Repair {
		for i, s := range suspects {
			r.report.add(*r.difference(s, &looks[i]), r.c.Keep)
		}
		return nil
	}
	version, known, err := r.version(ctx)
	if err != nil {
		return err
	}
	// The rows are read again, behind the place that the version names: a change that is older than the version is in them.
	again, err := r.looks(ctx, suspects, func(ctx context.Context) (*view, error) { return r.c.Source.viewBehind(ctx, version.Position) })
	if err != nil {
		return err
	}
	var changes []*change.Change
	var found []*Difference
	for i, s := range suspects {
		d := r.difference(s, &looks[i])
		if r.difference(s, &again[i]) == nil {
			continue // it has become right meanwhile
		}
		c, err := r.repairOf(s, &again[i], version)
		switch {
		case !known:
			d.Repair = "not repaired: it is not known how far the source's changes have come"
		case behind(again[i].at, version.Position):
			d.Repair = "not repaired: the source's binlog is not as far as the position that is kept of it: is it another server?"
		case err != nil:
			d.Repair = "not repaired: " + err.Error()
		default:
			changes, found = append(changes, c), append(found, d)
			continue
		}
		r.report.add(*d, r.c.Keep)
	}
	return r.write(ctx, changes, found)
}

// version is that of a repair: the last place up to which every change has been read, with the clock as it was there, and
// the largest row. Every change up to there is older: its place is, and its time is not later. Every change behind it is
// newer: its place is, and its time is not earlier. Neither needs to know a change of the row.
func (r *run) version(ctx context.Context) (change.Version, bool, error) {
	p, known, err := r.c.Progress.Reached(ctx)
	if err != nil || !known || p.Epoch != r.c.Source.epoch {
		return change.Version{}, false, err
	}
	at, err := placeOf(p)
	at.Row = math.MaxUint32
	return change.Version{Epoch: p.Epoch, ExecuteTime: p.Clock, Position: at}, err == nil, err
}

// repairOf is the change that makes the sink's row what the source's is.
func (r *run) repairOf(s *suspect, l *look, v change.Version) (*change.Change, error) {
	t := r.c.Source.table
	if s.texts == nil {
		return nil, fmt.Errorf("the sink would never look for a row with this key: delete it by hand")
	}
	c := &change.Change{Op: change.Update, Table: t, Version: v, After: l.row, Origin: change.Origin{Snapshot: true}}
	if l.row != nil {
		return c, nil
	}
	row, err := keyRow(t, s.texts)
	if err != nil {
		return nil, err
	}
	// A sink may want the other columns of a row that it deletes: those that it has.
	for i := range t.Columns {
		if row[i].Kind != change.Missing {
			continue
		}
		row[i] = change.NullValue()
		for n := range l.have.Columns {
			if have := &l.have.Columns[n]; have.Name == t.Columns[i].Name && !have.Null {
				if row[i], err = envelope.ParseText(&t.Columns[i], have.Value); err != nil {
					return nil, fmt.Errorf("column %s: %w", have.Name, err)
				}
			}
		}
	}
	c.Op, c.Before, c.After = change.Delete, row, nil
	return c, nil
}

// write lets the sink decide.
func (r *run) write(ctx context.Context, changes []*change.Change, found []*Difference) error {
	if len(changes) == 0 {
		return nil
	}
	outcomes := make([]sink.Outcome, len(changes))
	if err := r.c.Sink.Apply(ctx, changes, outcomes); err != nil {
		return fmt.Errorf("repair: %w", err)
	}
	for i, o := range outcomes {
		d := found[i]
		switch {
		case o.Err != nil:
			d.Repair = "not repaired: " + o.Err.Error()
		case o.Verdict.Puts():
			d.Repair = "repaired"
			r.report.Repaired++
		case d.Version != nil && *d.Version == o.Stored:
			d.Repair = fmt.Sprintf("not repaired: the sink takes the row for newer (%s) than everything that was read of the source (%s)", o.Stored, changes[i].Version)
		default:
			d.Repair = fmt.Sprintf("kept: a newer change has reached the row meanwhile (%s)", o.Stored)
			r.report.Kept++
		}
		r.report.add(*d, r.c.Keep)
	}
	return nil
}
