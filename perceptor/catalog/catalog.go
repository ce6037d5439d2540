package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

// Querier is a *sql.DB, a *sql.Conn or a *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// ErrNoTable is a table that is not there, that is a view or a sequence, or that the account may not see.
var ErrNoTable = errors.New("there is no such table, or the account has not the right SELECT on it")

// Table tells one table as it is now. It is the caller's. The error is ErrNoTable, the database's, or names a column of a type that
// is not known.
func Table(ctx context.Context, q Querier, database, name string) (*change.Table, error) {
	all, err := read(ctx, q, " AND TABLE_SCHEMA = ? AND TABLE_NAME = ?", " AND CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?", []any{database, name}, nil)
	if err != nil {
		return nil, fmt.Errorf("table %s.%s: %w", database, name, err)
	}
	// Where the collation of names knows no case, others may have been found as well.
	for _, t := range all {
		if t.Database == database && t.Name == name {
			return t, nil
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return nil, fmt.Errorf("table %s.%s: %w", database, name, ErrNoTable)
}

// Tables tells all tables for which match is true, all if it is nil, ordered by database and name. The servers' own databases are left
// out. However many they are, it takes five queries, and on MariaDB one more for each table with a JSON column that was renamed. match
// is called once for each table.
func Tables(ctx context.Context, q Querier, match func(database, table string) bool) ([]*change.Table, error) {
	const own = " NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')"
	return read(ctx, q, " AND TABLE_SCHEMA"+own, " AND CONSTRAINT_SCHEMA"+own, nil, match)
}

// Created is when a table got the form that it has now, to the second: what was true of a row that was written after it is what
// Table tells. ALTER TABLE moves it on MariaDB, and so may OPTIMIZE TABLE. The zero Time if the server does not tell.
func Created(ctx context.Context, q Querier, database, name string) (time.Time, error) {
	var at time.Time
	found := false
	err := each(ctx, q, `SELECT COALESCE(UNIX_TIMESTAMP(CREATE_TIME), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`,
		[]any{database, name}, func(rows *sql.Rows) error {
			var seconds int64
			found = true
			if err := rows.Scan(&seconds); err != nil || seconds == 0 {
				return err
			}
			at = time.Unix(seconds, 0)
			return nil
		})
	if err == nil && !found {
		err = ErrNoTable
	}
	if err != nil {
		return at, fmt.Errorf("table %s.%s: %w", database, name, err)
	}
	return at, nil
}

// reading is tables while they are read.
type reading struct {
	found   map[[2]string]*entry
	mariaDB bool
}

// entry is one of them.
type entry struct {
	*change.Table
	versioned, memory bool
	// hidden: it has system versioning, and its columns for that are not shown.
	hidden bool
	// marked are the columns that information_schema calls those of the primary key, which a unique key without NULL may be, too.
	marked map[int]bool
	hashes int
}

func read(ctx context.Context, q Querier, where, whereChecks string, args []any, match func(database, table string) bool) ([]*change.Table, error) {
	r := &reading{found: make(map[[2]string]*entry)}
	err := each(ctx, q, "SELECT VERSION()", nil, func(rows *sql.Rows) error {
		var version string
		err := rows.Scan(&version)
		r.mariaDB = strings.Contains(version, "MariaDB")
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := r.tables(ctx, q, where, args, match); err != nil {
		return nil, err
	}
	if err := r.columns(ctx, q, where, args); err != nil {
		return nil, err
	}
	if r.mariaDB {
		if err := r.documents(ctx, q, whereChecks, args); err != nil {
			return nil, err
		}
	}
	if err := r.keys(ctx, q, where, args); err != nil {
		return nil, err
	}
	var all []*change.Table
	for _, e := range r.found {
		if len(e.Columns) > 0 { // else it was dropped meanwhile
			e.addHidden()
			all = append(all, e.Table)
		}
	}
	slices.SortFunc(all, func(a, b *change.Table) int {
		if c := strings.Compare(a.Database, b.Database); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all, nil
}

func (r *reading) tables(ctx context.Context, q Querier, where string, args []any, match func(database, table string) bool) error {
	return each(ctx, q, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, '') FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"+where, args, func(rows *sql.Rows) error {
		var database, name, kind, engine string
		if err := rows.Scan(&database, &name, &kind, &engine); err != nil {
			return err
		}
		if match == nil || match(database, name) {
			versioned := kind == "SYSTEM VERSIONED"
			r.found[[2]string{database, name}] = &entry{Table: &change.Table{Database: database, Name: name}, versioned: versioned, hidden: versioned, memory: engine == "MEMORY", marked: make(map[int]bool)}
		}
		return nil
	})
}

func (r *reading) columns(ctx context.Context, q Querier, where string, args []any) error {
	return each(ctx, q, `SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY, COALESCE(CHARACTER_SET_NAME, ''),
COALESCE(CHARACTER_MAXIMUM_LENGTH, 0), COALESCE(NUMERIC_PRECISION, 0), COALESCE(NUMERIC_SCALE, 0), COALESCE(DATETIME_PRECISION, 0), COALESCE(GENERATION_EXPRESSION, '')
FROM information_schema.COLUMNS WHERE TRUE`+where+` ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`, args, func(rows *sql.Rows) error {
		var database, name, nullable, key, generation string
		var d definition
		if err := rows.Scan(&database, &name, &d.name, &d.dataType, &d.columnType, &nullable, &key, &d.charset, &d.length, &d.precision, &d.scale, &d.digits, &generation); err != nil {
			return err
		}
		e := r.found[[2]string{database, name}]
		if e == nil {
			return nil
		}
		d.nullable = nullable == "YES"
		c, err := d.column()
		if err != nil {
			return fmt.Errorf("%s: %w", e.Table, err)
		}
		if key == "PRI" {
			e.marked[len(e.Columns)] = true
		}
		if e.versioned && generation == "ROW START" {
			e.hidden = false
		}
		e.Columns = append(e.Columns, c)
		return nil
	})
}

// documents finds the texts that are JSON: those that MariaDB itself takes for it, whose own check is json_valid and nothing else.
// A check is listed under the name that its column once had; of those that seem to be another column's the table's own text is asked.
func (r *reading) documents(ctx context.Context, q Querier, where string, args []any) error {
	unclear := make(map[*entry]bool)
	err := each(ctx, q, "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE LEVEL = 'Column'"+where, args, func(rows *sql.Rows) error {
		var database, name, column, clause string
		if err := rows.Scan(&database, &name, &column, &clause); err != nil {
			return err
		}
		switch e := r.found[[2]string{database, name}]; {
		case e == nil || !strings.HasPrefix(clause, "json_valid(`"):
		case clause == jsonValid(column):
			e.document(column)
		default:
			unclear[e] = true
		}
		return nil
	})
	for e := range unclear {
		err = errors.Join(err, e.shown(ctx, q))
	}
	return err
}

func jsonValid(column string) string { return "json_valid(" + quote(column) + ")" }

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func (e *entry) document(column string) {
	if i := e.Column(column); i >= 0 && e.Columns[i].Type == change.LongText {
		e.Columns[i].Type = change.JSONType
	}
}

// shown reads which columns are JSON from the statement that would make the table. Each column is a line, with its check at the end.
func (e *entry) shown(ctx context.Context, q Querier) error {
	return each(ctx, q, "SHOW CREATE TABLE "+quote(e.Database)+"."+quote(e.Name), nil, func(rows *sql.Rows) error {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return err
		}
		for i := range e.Columns {
			column := e.Columns[i].Name
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(strings.TrimSpace(line), ",")
				if strings.HasPrefix(line, quote(column)+" longtext") && strings.HasSuffix(line, " CHECK ("+jsonValid(column)+")") {
					e.document(column)
				}
			}
		}
		return nil
	})
}

func each(ctx context.Context, q Querier, query string, args []any, row func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
