package schema

import (
	"maps"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// fact is what is known of a column, as far as a map leaves it open.
type fact struct {
	// Type is that of a document, a UUID, an address or a time, and change.Unknown for what is nothing but what the map says.
	Type  change.Type
	Scale int
	// open: nobody knows.
	open bool
}

// facts are what is known of a table's columns, of those that a map may leave open.
type facts struct {
	// columns by their names in small letters.
	columns map[string]fact
	// dropped: there is no such table.
	dropped bool
}

func (f facts) equal(g facts) bool {
	return f.dropped == g.dropped && maps.Equal(f.columns, g.columns)
}

// factsOf are what a whole table tells.
func factsOf(t *change.Table) facts {
	f := facts{columns: make(map[string]fact)}
	for i := range t.Columns {
		switch c := &t.Columns[i]; c.Type {
		case change.JSONType, change.UUID, change.INET4, change.INET6, change.TimeType, change.DateTimeType, change.TimestampType:
			f.columns[strings.ToLower(c.Name)] = fact{Type: c.Type, Scale: c.Scale}
		case change.LongText, change.Binary:
			f.columns[strings.ToLower(c.Name)] = fact{}
		}
	}
	return f
}

// possible: a map can be of a table of which that is known. If it cannot, a statement was missed, and nothing is known.
func (f facts) possible(m *change.Table) bool {
	for i := range m.Columns {
		c := &m.Columns[i]
		known := f.columns[strings.ToLower(c.Name)]
		if c.Name != "" && known.Type != change.Unknown && !may(c, known.Type) {
			return false
		}
	}
	return true
}

// resolve completes a map with what is known. unresolved are the columns that are still open; t is nil then.
func (f facts) resolve(m *change.Table, unclear []int) (t *change.Table, unresolved []int) {
	if len(unclear) == 0 {
		return m, nil
	}
	if !named(m) {
		return nil, unclear
	}
	out := *m
	out.Columns = append([]change.Column(nil), m.Columns...)
	for _, i := range unclear {
		c := &out.Columns[i]
		known, ok := f.columns[strings.ToLower(c.Name)]
		ok = ok && !known.open
		if known.Type == change.Unknown {
			known.Type = c.Type
			ok = ok && c.Scale >= 0
		}
		if !ok || !may(c, known.Type) {
			unresolved = append(unresolved, i)
			continue
		}
		refine(c, known.Type, known.Scale)
	}
	if len(unresolved) > 0 {
		return nil, unresolved
	}
	return &out, nil
}

// contradicts finds a column of a table that is known to be something else.
func (f facts) contradicts(t *change.Table) (column string, found bool) {
	for i := range t.Columns {
		c := &t.Columns[i]
		known, ok := f.columns[strings.ToLower(c.Name)]
		if !ok || known.open {
			continue
		}
		special := factsOf(&change.Table{Columns: t.Columns[i : i+1]}).columns[strings.ToLower(c.Name)]
		if special != known {
			return c.Name, true
		}
	}
	return "", false
}
