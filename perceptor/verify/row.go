package verify

import (
	"bytes"
	"context"

	"github.com/skein-io/skein/perceptor/change"
)

// Row reads a row as it is now; nil if there is none. Of key only the columns of the key need be told. The place in the
// binlog is one before which every change is in the row.
func (s *Source) Row(ctx context.Context, key change.Row) (change.Row, change.Position, error) {
	v, err := s.view(ctx)
	if err != nil {
		return nil, change.Position{}, err
	}
	defer v.close()
	values := make([][]byte, len(s.table.Key))
	for n, i := range s.table.Key {
		values[n] = key[i].AppendText(nil, 6)
	}
	condition, err := s.keyCondition([][][]byte{values})
	if err != nil {
		return nil, v.at, err
	}
	for row, err := range v.rows(ctx, condition) {
		if err != nil {
			return nil, v.at, err
		}
		same := true
		for n, i := range s.table.Key { // a collation finds others, too
			if c := &s.table.Columns[i]; classOf(c.Type) == texts || classOf(c.Type) == blobs {
				same = same && bytes.Equal(row[i].Raw(), values[n])
			}
		}
		if same {
			return row, v.at, nil
		}
	}
	return nil, v.at, nil
}
