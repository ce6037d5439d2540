package verify

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
)

// keyRow is a row of which only the key is told.
func keyRow(t *change.Table, texts [][]byte) (change.Row, error) {
	row := make(change.Row, len(t.Columns))
	for n, i := range t.Key {
		v, err := envelope.ParseText(&t.Columns[i], texts[n])
		if err != nil {
			return nil, fmt.Errorf("column %s of the key: %w", t.Columns[i].Name, err)
		}
		row[i] = v
	}
	return row, nil
}

// keyText is the key of a row as a report names it.
func (r *run) keyText(s *suspect) string {
	if s.texts != nil {
		if row, err := keyRow(r.c.Source.table, s.texts); err == nil {
			return r.c.Source.table.KeyText(row)
		}
	}
	return fmt.Sprintf("%q (a key of the sink that no row of the source could have)", s.key)
}

// placeOf is where a position is, as versions have it.
func placeOf(p binlog.Position) (change.Position, error) {
	n, err := binlog.FileNumber(p.File)
	return change.Position{File: n, Offset: p.Offset}, err
}
