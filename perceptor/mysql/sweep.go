package mysql

import (
	"context"
	"fmt"
	"strconv"
)

// sweepRows bounds the rows that one statement of Sweep deletes, so that it holds no lock for long.
const sweepRows = 1000

// Sweep forgets the deleted rows of a target table whose version is older than a time, in milliseconds since 1970, and
// returns how many. A change that is older than a row that was swept brings it back: choose a time that no change can be
// late by.
func (s *Sink) Sweep(ctx context.Context, database, table string, before int64) (rows int64, err error) {
	t := &target{database: database, name: table}
	c := &s.c.Columns
	q := []byte("DELETE FROM ")
	if s.c.Layout == SideTable {
		q = appendString(append(append(q, s.side...), " WHERE table_name="...), t.String())
	} else {
		q = append(appendName(append(appendName(q, database), '.'), table), " WHERE TRUE"...)
	}
	q = append(appendName(append(q, " AND "...), c.Deleted), " AND "...)
	q = strconv.AppendInt(append(appendName(q, c.ExecuteTime), '<'), before, 10)
	q = fmt.Appendf(q, " LIMIT %d", sweepRows)
	for {
		result, err := s.db.ExecContext(ctx, string(q))
		if err != nil {
			return rows, named(t.String(), err)
		}
		n, err := result.RowsAffected()
		rows += n
		if err != nil || n < sweepRows {
			return rows, err
		}
	}
}
