package hbase

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/internal/arena"
	"github.com/skein-io/skein/perceptor/sink"
)

var _ sink.Reader = (*Sink)(nil)

// Expect implements sink.Reader.
func (s *Sink) Expect(_ context.Context, t *change.Table, row change.Row) (sink.Stored, error) {
	p, err := s.plan(t)
	if err != nil {
		return sink.Stored{}, err
	}
	var out sink.Stored
	if out.Key, err = p.rowKey(&change.Change{Op: change.Read, Table: t, After: row}, new(arena.Arena)); err != nil {
		return sink.Stored{}, err
	}
	cells, nulls, err := p.data(row, new(arena.Arena))
	if err != nil {
		return sink.Stored{}, err
	}
	names := p.names()
	out.Columns = make([]sink.StoredColumn, len(p.order))
	for n, i := range p.order {
		out.Columns[n].Name = names[n]
		if len(nulls) > 0 && nulls[0] == i {
			out.Columns[n].Null, nulls = true, nulls[1:]
			continue
		}
		out.Columns[n].Value, cells = cells[0].Value, cells[1:]
	}
	return out, nil
}

// Key implements sink.Reader.
func (s *Sink) Key(_ context.Context, t *change.Table, row change.Row) ([]byte, error) {
	p, err := s.plan(t)
	if err != nil {
		return nil, err
	}
	return p.rowKey(&change.Change{Op: change.Read, Table: t, After: row}, new(arena.Arena))
}

// KeyTexts implements sink.Reader.
func (s *Sink) KeyTexts(_ context.Context, t *change.Table, key []byte) ([][]byte, error) {
	p, err := s.plan(t)
	if err != nil {
		return nil, err
	}
	if p.target.Salt > 0 {
		if len(key) == 0 {
			return nil, errors.New("a key without its salt")
		}
		key = key[1:]
	}
	texts, err := p.target.Key.texts(key, len(t.Key))
	if err != nil {
		return nil, fmt.Errorf("row %q of %q: %w", key, p.target.Name, err)
	}
	return texts, nil
}

// Scan implements sink.Reader, in the order of HBase's keys. Only the columns of the mapping are read: what others keep in
// the same rows is not looked at.
func (s *Sink) Scan(ctx context.Context, t *change.Table) iter.Seq2[sink.Stored, error] {
	return func(yield func(sink.Stored, error) bool) {
		p, err := s.plan(t)
		if err != nil {
			yield(sink.Stored{}, err)
			return
		}
		names := p.names()
		for row, err := range s.client.Rows(ctx, p.target.Name, client.Scan{Columns: p.all()}) {
			if err != nil {
				yield(sink.Stored{}, err)
				return
			}
			if !yield(p.stored(&row, names), nil) {
				return
			}
		}
	}
}

// Look implements sink.Reader.
func (s *Sink) Look(ctx context.Context, t *change.Table, keys [][]byte) ([]sink.Stored, error) {
	p, err := s.plan(t)
	if err != nil {
		return nil, err
	}
	names, columns := p.names(), p.all()
	ops := make([]client.Op, len(keys))
	for i, key := range keys {
		ops[i] = client.Op{Row: key, Get: columns}
	}
	if err := s.client.Batch(ctx, p.target.Name, ops); err != nil {
		return nil, err
	}
	out := make([]sink.Stored, len(keys))
	for i := range ops {
		if ops[i].Err != nil {
			return nil, fmt.Errorf("row %q of %q: %w", keys[i], p.target.Name, ops[i].Err)
		}
		if len(ops[i].Found.Cells) > 0 {
			ops[i].Found.Key = keys[i]
			out[i] = p.stored(&ops[i].Found, names)
		}
	}
	return out, nil
}

// names are the places of the columns that are written, in p.order.
func (p *plan) names() []string {
	names := make([]string, len(p.order))
	for n, i := range p.order {
		names[n] = string(p.cells[i].family) + ":" + string(p.cells[i].qualifier)
	}
	return names
}

// all are the columns of the version and those of the data.
func (p *plan) all() client.Columns {
	all := client.Columns{{Family: updateInfo, Qualifiers: [][]byte{columnOffset, columnDeleted, columnEpoch, columnExecuteTime, columnVersion}}}
	for _, i := range p.order {
		c := &p.cells[i]
		if string(c.family) == UpdateInfo {
			all[0].Qualifiers = append(all[0].Qualifiers, c.qualifier)
			continue
		}
		if last := &all[len(all)-1]; string(last.Family) != string(c.family) {
			all = append(all, client.FamilyColumns{Family: c.family})
		}
		last := &all[len(all)-1]
		last.Qualifiers = append(last.Qualifiers, c.qualifier)
	}
	return all
}

func (p *plan) stored(row *client.Row, names []string) sink.Stored {
	out := sink.Stored{Key: row.Key, Columns: make([]sink.StoredColumn, len(p.order))}
	data := false
	for n, i := range p.order {
		out.Columns[n].Name = names[n]
		if c := row.Value(p.cells[i].family, p.cells[i].qualifier); c == nil {
			out.Columns[n].Null = true
		} else {
			out.Columns[n].Value, data = c.Value, true
		}
	}
	found, err := readStored(row)
	if err == nil {
		err = consistent(row, &found)
	}
	if err == nil && found.exists {
		out.Version, out.Versioned = found.version, true
		out.Deleted, out.Leftover = found.deleted, found.deleted && data
	}
	out.Invalid = err
	return out
}

// consistent compares the cells of the version that no condition reads with the one that all do.
func consistent(row *client.Row, found *stored) error {
	if !found.exists {
		for _, q := range [][]byte{columnOffset, columnEpoch, columnDeleted} {
			if row.Value(updateInfo, q) != nil {
				return fmt.Errorf("%w: there is %s:%s, and no %[2]s:%[4]s", ErrForeign, UpdateInfo, q, VersionName)
			}
		}
		return fmt.Errorf("%w: it has none", ErrForeign)
	}
	for _, want := range appendGuard(nil, found.version, found.deleted) {
		c := row.Value(updateInfo, want.Qualifier)
		switch {
		case c == nil:
			return fmt.Errorf("%w: %s:%s is missing", ErrForeign, UpdateInfo, want.Qualifier)
		case !bytes.Equal(c.Value, want.Value):
			return fmt.Errorf("%w: %s:%s is %x, and %[2]s:%[5]s says %[6]x", ErrForeign, UpdateInfo, want.Qualifier, c.Value, VersionName, want.Value)
		}
	}
	if !found.deleted && row.Value(updateInfo, columnDeleted) != nil {
		return fmt.Errorf("%w: there is %s:%s, and %[2]s:%[4]s says that the row is not deleted", ErrForeign, UpdateInfo, Deleted, VersionName)
	}
	return nil
}
