package schema

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
)

// The ways to decide, as they are told in the topic.
const (
	fromSnapshot = "snapshot"
	fromMap      = "map"
	fromDDL      = "ddl"
	fromDeclared = "declared"
	fromCatalog  = "catalog"
)

// find decides what a map means.
func (h *History) find(ctx context.Context, m *change.Table, known facts, p Place) (t *change.Table, from string, err error) {
	unclear := Ambiguous(m)
	if h.c.MySQL && named(m) {
		unclear = nil
	}
	if len(unclear) == 0 {
		return m, fromMap, nil
	}
	if !known.possible(m) {
		known = facts{}
	}
	if t, unclear = known.resolve(m, unclear); t != nil {
		return t, fromDDL, nil
	}
	if t := h.declared(m, known); t != nil {
		return t, fromDeclared, nil
	}
	t, why, err := h.lookup(ctx, m, known, p)
	if err != nil || t != nil {
		return t, fromCatalog, err
	}
	e := &UnknownError{Table: m.String(), At: p, Why: why}
	for _, i := range unclear {
		if name := m.Columns[i].Name; name != "" {
			e.Columns = append(e.Columns, fmt.Sprintf("%q", name))
		} else {
			e.Columns = append(e.Columns, fmt.Sprint(i+1))
		}
	}
	return nil, "", e
}

// declared completes a map with what is declared, where nothing is known.
func (h *History) declared(m *change.Table, known facts) *change.Table {
	d := h.c.Declared[m.Database+"."+m.Name]
	if d == nil {
		return nil
	}
	if !named(m) {
		if Agrees(m, d) != nil {
			return nil
		}
		return Refine(m, d)
	}
	told := factsOf(d)
	for i := range d.Columns { // what is declared to be nothing else is told, too
		if name := strings.ToLower(d.Columns[i].Name); told.columns[name] == (fact{}) {
			told.columns[name] = fact{}
		}
	}
	for name, f := range known.columns {
		if !f.open {
			told.columns[name] = f
		}
	}
	t, _ := told.resolve(m, Ambiguous(m))
	return t
}

// lookup asks the catalog. why tells what is against its answer.
func (h *History) lookup(ctx context.Context, m *change.Table, known facts, p Place) (t *change.Table, why string, err error) {
	if h.c.Lookup == nil {
		return nil, "there is no catalog to ask", nil
	}
	found, err := h.c.Lookup(ctx, m.Database, m.Name)
	switch {
	case errors.Is(err, catalog.ErrNoTable):
		return nil, "the table is not there any more", nil
	case err != nil:
		return nil, "", fmt.Errorf("schema: the catalog's table %s: %w", m, err)
	}
	if err := Agrees(m, found); err != nil {
		return nil, "the table as it is now is another one: " + err.Error(), nil
	}
	if column, is := known.contradicts(found); is {
		return nil, fmt.Sprintf("column %q of the table as it is now is not what it was", column), nil
	}
	if h.c.Created != nil && p.Time > 0 {
		at, err := h.c.Created(ctx, m.Database, m.Name)
		if err != nil && !errors.Is(err, catalog.ErrNoTable) {
			return nil, "", fmt.Errorf("schema: the catalog's table %s: %w", m, err)
		}
		if err == nil && at.IsZero() {
			return nil, "since when the table is as it is now is not told", nil
		}
		if err != nil || at.Unix() >= p.Time/1000 {
			return nil, fmt.Sprintf("the table as it is now was made at %s, and this is of %s", at.UTC().Format(timeLayout), unixMilli(p.Time).Format(timeLayout)), nil
		}
	}
	return Refine(m, found), "", nil
}
