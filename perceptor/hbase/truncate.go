package hbase

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/sink"
)

// Truncate implements sink.Truncater. It reads the whole table, and ends when all rows that are older than the truncate
// are tombstones; if it fails, it is called again. A table is read once for a truncate, however often that comes; several processes to
// which it comes at the same time may each do so.
func (s *Sink) Truncate(ctx context.Context, c *change.Change) (sink.Outcome, error) {
	refuse := func(err error) (sink.Outcome, error) {
		return sink.Outcome{Err: fmt.Errorf("%s: %w", c.Table, err)}, nil
	}
	t := s.tables[c.Table.String()]
	switch {
	case c.Op != change.Truncate:
		return refuse(fmt.Errorf("a %s is not a truncate", c.Op))
	case s.truncates == "":
		return refuse(sink.ErrTruncate)
	case t == nil:
		return refuse(errors.New("no HBase table is configured for it"))
	case c.Version.Check() != nil:
		return refuse(c.Version.Check())
	}
	for source, other := range s.tables {
		if other != t && other.Name == t.Name {
			return refuse(fmt.Errorf("%w: %s writes to the HBase table %q, too, and its rows would go with them", sink.ErrTruncate, source, t.Name))
		}
	}
	give, err := s.truncating.Take(ctx, t.Name)
	if err != nil {
		return sink.Outcome{}, err
	}
	defer give()
	verdict, k, err := s.putCut(ctx, t.Name, c.Version)
	if err != nil || k.done || verdict == change.Stale || verdict == change.ClockBack {
		return sink.Outcome{Verdict: verdict, Stored: k.version}, err
	}
	if err := s.cutAll(ctx, t, k); err != nil {
		return sink.Outcome{}, err
	}
	if err := s.cutDone(ctx, t.Name, c.Version); err != nil {
		return sink.Outcome{}, err
	}
	return sink.Outcome{Verdict: verdict, Stored: k.version}, nil
}

// putCut keeps the version of a truncate, if no later one is kept.
func (s *Sink) putCut(ctx context.Context, table string, v change.Version) (change.Verdict, cut, error) {
	put, older := []client.Mutation{{Cells: appendGuard(nil, v, false)}}, newer(pack(v, false))
	op := client.Op{Row: []byte(table), Steps: []client.Step{{Condition: absent, Mutations: put}, {Condition: &older, Mutations: put}}}
	ops := []client.Op{op}
	if err := errors.Join(s.client.Batch(ctx, s.truncates, ops), ops[0].Err); err != nil {
		return 0, cut{}, fmt.Errorf("versions of truncates (Sink.Prepare makes their table): %w", err)
	}
	kept, err := s.readCut(ctx, table)
	switch {
	case err != nil:
		return 0, kept, err
	case ops[0].Done[0]:
		return change.Absent, cut{there: true, version: v}, nil
	case ops[0].Done[1]:
		return change.Newer, cut{there: true, version: v}, nil
	}
	verdict := change.Judge(kept.version, kept.there, v)
	kept.done = kept.done && verdict == change.Duplicate
	return verdict, kept, nil
}

// cutDone notes that the rows that are older than a truncate are taken, if there is no later one.
func (s *Sink) cutDone(ctx context.Context, table string, v change.Version) error {
	packed := pack(v, false)
	note := []client.Mutation{{Cells: []client.Cell{{Family: updateInfo, Qualifier: cellTaken, Value: packed}}}}
	ops := []client.Op{{Row: []byte(table), Steps: []client.Step{{Condition: unchanged(packed), Mutations: note}}}}
	if err := errors.Join(s.client.Batch(ctx, s.truncates, ops), ops[0].Err); err != nil {
		return fmt.Errorf("versions of truncates: %w", err)
	}
	return nil
}

// cutAll cuts all rows of a table.
func (s *Sink) cutAll(ctx context.Context, t *Table, k cut) error {
	live, gone := pack(k.version, false), pack(k.version, true)
	older := client.Scan{Filter: client.Any{
		&client.ColumnIs{Family: updateInfo, Qualifier: columnVersion, Compare: client.Less, Value: live, OrMissing: true},
		client.All{
			&client.ColumnIs{Family: updateInfo, Qualifier: columnVersion, Compare: client.GreaterOrEqual, Value: []byte{stateDeleted}},
			&client.ColumnIs{Family: updateInfo, Qualifier: columnVersion, Compare: client.Less, Value: gone},
		},
	}}
	var failed []error
	rows := 0
	fail := func(row []byte, err error) {
		if rows++; rows <= 10 {
			failed = append(failed, fmt.Errorf("row %q of %q: %w", row, t.Name, err))
		}
	}
	step := func(row *client.Row) *client.Step {
		if len(row.Cells) == 0 { // it was swept
			return nil
		}
		step, err := s.cutStep(t, row, k)
		if err != nil {
			fail(row.Key, err)
		}
		return step
	}
	r := rewriting{step: step, done: func([]byte) {}, failed: fail}
	var ops []client.Op
	for row, err := range s.client.Rows(ctx, t.Name, older) {
		if err != nil {
			return err
		}
		if step := step(&row); step != nil {
			ops = append(ops, client.Op{Row: bytes.Clone(row.Key), Steps: []client.Step{*step}})
		}
		if len(ops) == sweepBatch {
			if err := s.rewrite(ctx, t.Name, ops, r); err != nil {
				return err
			}
			ops = ops[:0]
		}
	}
	if err := s.rewrite(ctx, t.Name, ops, r); err != nil {
		return err
	}
	if rows > 0 {
		return fmt.Errorf("a truncate did not take %d rows: %w", rows, errors.Join(failed...))
	}
	return nil
}
