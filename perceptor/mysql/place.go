package mysql

import (
	"context"

	"github.com/skein-io/skein/perceptor/change"
)

// Place is where the rows of a source's table are.
type Place struct {
	// Table is its name in SQL. Live is the condition that a row is not a deleted one; empty if none of these is in the table.
	Table, Live string
	// Versioned is the condition that a row has a whole version; TRUE if versions are elsewhere.
	Versioned string
	// Columns are those that are written.
	Columns []PlaceColumn
	// Key are the source's columns of the target's key, in its order.
	Key []int
}

// PlaceColumn is a column of the target.
type PlaceColumn struct {
	// Source is the index of the source's column.
	Source    int
	Name      string
	Type      change.Type
	Scale     int
	Collation string
}

// Place finds where rows are, to ask questions about them.
func (s *Sink) Place(ctx context.Context, t *change.Table) (Place, error) {
	at, err := s.placed(ctx, t)
	if err != nil {
		return Place{}, err
	}
	p := Place{Table: at.t.quoted, Key: at.m.key, Versioned: "TRUE"}
	if s.c.Layout == InRow {
		c := &s.c.Columns
		p.Versioned = Quote(c.ExecuteTime) + ">=0 AND " + Quote(c.Position) + " IS NOT NULL AND " + Quote(c.Epoch) + " IS NOT NULL"
		p.Live = "NOT " + Quote(s.c.Columns.Deleted)
	}
	for n, i := range at.m.source {
		c := &at.t.columns[at.m.column[n]]
		p.Columns = append(p.Columns, PlaceColumn{Source: i, Name: c.name, Type: c.typ, Scale: c.scale, Collation: c.collation})
	}
	return p, nil
}

// Ask asks for one row of answers.
func (s *Sink) Ask(ctx context.Context, query string, into ...any) error {
	return s.db.QueryRowContext(ctx, query).Scan(into...)
}
