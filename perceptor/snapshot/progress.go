package snapshot

import (
	"encoding/json"
	"maps"
)

// Progress is how far the snapshots of tables are. It is immutable: With makes another. Nil is the Progress of no table. It is
// kept as JSON.
type Progress struct{ tables map[string]Table }

// Table is how far one table's snapshot is.
type Table struct {
	// Done: all of it is read.
	Done bool `json:"done,omitempty"`
	// Key names the columns that the snapshot goes by, in their order, and Last has the values of the row that was read last, as Literal
	// makes them; empty if none was read.
	Key  []string `json:"key,omitempty"`
	Last []string `json:"last,omitempty"`
	// Rows is how many rows were read.
	Rows uint64 `json:"rows,omitempty"`
	// View is the place in the binlog that the last row was read at, and ViewRows how many rows of this table were read there.
	View     Place  `json:"view,omitzero"`
	ViewRows uint64 `json:"viewRows,omitempty"`
}

// Place is a place in a server's binlog, between two transactions.
type Place struct {
	Epoch  uint32 `json:"epoch"`
	File   uint32 `json:"file"`
	Offset uint64 `json:"offset"`
}

// Of returns a table's; known is false if its snapshot has not begun. The name is database.table.
func (p *Progress) Of(table string) (t Table, known bool) {
	if p == nil {
		return Table{}, false
	}
	t, known = p.tables[table]
	return t, known
}

// With is the Progress in which a table is that far.
func (p *Progress) With(table string, t Table) *Progress {
	next := &Progress{tables: map[string]Table{}}
	if p != nil {
		maps.Copy(next.tables, p.tables)
	}
	next.tables[table] = t
	return next
}

// Without is the Progress that does not know a table.
func (p *Progress) Without(table string) *Progress {
	if _, known := p.Of(table); !known {
		return p
	}
	next := &Progress{tables: maps.Clone(p.tables)}
	delete(next.tables, table)
	return next
}

// Tables are all that are known, by database.table. It must not be changed.
func (p *Progress) Tables() map[string]Table {
	if p == nil {
		return nil
	}
	return p.tables
}

// MarshalJSON writes an object with a member for each table.
func (p *Progress) MarshalJSON() ([]byte, error) { return json.Marshal(p.Tables()) }

// UnmarshalJSON reads what MarshalJSON has written.
func (p *Progress) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &p.tables) }
