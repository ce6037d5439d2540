package catalog

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
)

// keys finds the key that the server tells in the binlog: the primary one, or if there is none the first unique one without NULL.
func (r *reading) keys(ctx context.Context, q Querier, where string, args []any) error {
	type index struct {
		of      *entry
		name    string
		columns []int
	}
	var all []*index // in the order in which the server tells them, which on MariaDB is that in which it uses them
	byName := make(map[[3]string]*index)
	err := each(ctx, q, "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COALESCE(COLUMN_NAME, ''), INDEX_TYPE FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0"+where, args, func(rows *sql.Rows) error {
		var database, table, name, column, kind string
		var at int
		if err := rows.Scan(&database, &table, &name, &at, &column, &kind); err != nil {
			return err
		}
		e := r.found[[2]string{database, table}]
		if e == nil || at < 1 {
			return nil
		}
		i := byName[[3]string{database, table, name}]
		if i == nil {
			i = &index{of: e, name: name}
			all, byName[[3]string{database, table, name}] = append(all, i), i
			if kind == "HASH" && r.mariaDB && !e.memory {
				e.hashes++
			}
		}
		for len(i.columns) < at {
			i.columns = append(i.columns, -1)
		}
		i.columns[at-1] = e.Column(column)
		return nil
	})
	if err != nil {
		return err
	}
	for _, i := range all {
		fits := len(i.columns) == len(i.of.marked)
		for _, c := range i.columns {
			fits = fits && i.of.marked[c]
		}
		if fits && (i.of.Key == nil || i.name == "PRIMARY") {
			i.of.Key = i.columns
		}
	}
	return nil
}

// addHidden adds the columns that are in rows of the binlog and nowhere to be seen.
func (e *entry) addHidden() {
	if e.hidden {
		for _, name := range []string{"row_start", "row_end"} {
			e.Columns = append(e.Columns, change.Column{Name: name, Type: change.TimestampType, Scale: 6})
		}
		if len(e.Key) > 0 { // of each unique key the end is a part
			e.Key = append(e.Key, len(e.Columns)-1)
		}
	}
	for n := range e.hashes {
		e.Columns = append(e.Columns, change.Column{Name: fmt.Sprintf("DB_ROW_HASH_%d", n+1), Type: change.BigInt, Unsigned: true, Nullable: true})
	}
}
