package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/server"
)

// ErrGone: the table is not there any more.
var ErrGone = errors.New("snapshot: the table is gone")

// ErrNoKey: the table has no key that its rows can be told apart by.
var ErrNoKey = errors.New("snapshot: the table has no key")

// Plan is how one table is read.
type Plan struct {
	// Table is what its rows are told to be of.
	Table *change.Table
	// Estimate is how many rows the server takes it to have.
	Estimate uint64
	// Key describes the columns of the key, their types and collations: where one is changed the order of rows is another.
	Key []string

	index   string // which has the columns of the key in their order; empty if there is none
	columns []column
	numbers []bool // of the key: what is kept of it is its number, an ENUM's or a SET's
	extra   []column
}

// Describe finds how a table is read. declared are the columns of its key if it has none of its own.
func Describe(ctx context.Context, db catalog.Querier, database, name string, declared []string) (*Plan, error) {
	table, err := catalog.Table(ctx, db, database, name)
	if errors.Is(err, catalog.ErrNoTable) {
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	p := &Plan{Table: shown(table)}
	indexes, err := uniqueIndexes(ctx, db, database, name)
	if err != nil {
		return nil, fmt.Errorf("snapshot: the indexes of table %s: %w", table, err)
	}
	if len(p.Table.Key) == 0 {
		if err := p.declare(declared, indexes); err != nil {
			return nil, err
		}
	}
	key := make([]string, len(p.Table.Key))
	for i, k := range p.Table.Key {
		key[i] = p.Table.Columns[k].Name
	}
	for _, i := range indexes {
		if slices.Equal(i.columns, key) && !i.parts {
			p.index = i.name
			break
		}
	}
	for i := range p.Table.Columns {
		c, err := newColumn(&p.Table.Columns[i])
		if err != nil {
			return nil, fmt.Errorf("snapshot: table %s: %w", table, err)
		}
		p.columns = append(p.columns, c)
	}
	return p, p.details(ctx, db, key)
}

// shown leaves out the columns that MariaDB adds and does not show to a SELECT: the hashes of unique keys of blobs.
func shown(t *change.Table) *change.Table {
	n := len(t.Columns)
	for n > 0 && strings.HasPrefix(t.Columns[n-1].Name, "DB_ROW_HASH_") {
		n--
	}
	if n == len(t.Columns) {
		return t
	}
	s := *t
	s.Columns = t.Columns[:n:n]
	return &s
}

func (p *Plan) declare(declared []string, indexes []index) error {
	t := p.Table
	if len(declared) == 0 {
		return fmt.Errorf("%w: table %s has no primary key and no unique key without NULL: add one, declare the columns that tell its rows apart (they need a unique index), or leave the table out", ErrNoKey, t)
	}
	keyed, err := t.WithKey(declared)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	unique := slices.ContainsFunc(indexes, func(i index) bool {
		return !i.parts && !slices.ContainsFunc(i.columns, func(c string) bool { return !slices.Contains(declared, c) })
	})
	if !unique {
		return fmt.Errorf("%w: the columns %s are declared to be the key of table %s, and no unique index says so: CREATE UNIQUE INDEX ... ON %s (%s)",
			ErrNoKey, strings.Join(declared, ", "), t, t, strings.Join(declared, ", "))
	}
	p.Table = keyed
	return nil
}

// index is a unique one.
type index struct {
	name    string
	columns []string
	parts   bool // of some column only the beginning
}

// uniqueIndexes are the table's, the primary key first.
func uniqueIndexes(ctx context.Context, db catalog.Querier, database, name string) ([]index, error) {
	rows, err := db.QueryContext(ctx, `SELECT INDEX_NAME, COALESCE(COLUMN_NAME, ''), SUB_PART IS NOT NULL OR COLUMN_NAME IS NULL FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX`, database, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []index
	for rows.Next() {
		var at, column string
		var part bool
		if err := rows.Scan(&at, &column, &part); err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].name != at {
			all = append(all, index{name: at})
		}
		i := &all[len(all)-1]
		i.columns, i.parts = append(i.columns, column), i.parts || part
	}
	return all, rows.Err()
}

// details finds how many rows there are and what the order of the key depends on.
func (p *Plan) details(ctx context.Context, db catalog.Querier, key []string) error {
	rows, err := db.QueryContext(ctx, `SELECT COLUMN_NAME, CONCAT(COLUMN_NAME, ' ', COLUMN_TYPE, ' ', COALESCE(COLLATION_NAME, '')), (SELECT COALESCE(TABLE_ROWS, 0) FROM information_schema.TABLES
WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`,
		p.Table.Database, p.Table.Name, p.Table.Database, p.Table.Name)
	if err != nil {
		return fmt.Errorf("snapshot: table %s: %w", p.Table, err)
	}
	defer func() { _ = rows.Close() }()
	p.Key = slices.Clone(key)
	for rows.Next() {
		var name, text string
		var estimate sql.NullInt64
		if err := rows.Scan(&name, &text, &estimate); err != nil {
			return fmt.Errorf("snapshot: table %s: %w", p.Table, err)
		}
		p.Estimate = uint64(max(estimate.Int64, 0))
		if at := slices.Index(key, name); at >= 0 {
			p.Key[at] = strings.TrimSpace(text)
		}
	}
	for _, k := range p.Table.Key {
		as := p.Table.Columns[k].Type
		p.numbers = append(p.numbers, as == change.Enum || as == change.Set)
	}
	return rows.Err()
}

// query is the SELECT of the next rows behind last.
func (p *Plan) query(last []string, limit int) (string, error) {
	t := p.Table
	q := []byte("SELECT ")
	for i, c := range t.Columns {
		if i > 0 {
			q = append(q, ", "...)
		}
		q = appendName(q, c.Name)
	}
	for i, k := range t.Key {
		if p.numbers[i] {
			q = append(appendName(append(q, ", CAST("...), t.Columns[k].Name), " AS UNSIGNED)"...)
		}
	}
	q = append(q, " FROM "...)
	q = appendName(append(appendName(q, t.Database), '.'), t.Name)
	if p.index != "" {
		q = append(appendName(append(q, " FORCE INDEX ("...), p.index), ')')
	}
	if last != nil {
		var err error
		if q, err = appendAfter(append(q, " WHERE "...), t, last); err != nil {
			return "", err
		}
	}
	q = append(q, " ORDER BY "...)
	for i, k := range t.Key {
		if i > 0 {
			q = append(q, ", "...)
		}
		q = appendName(q, t.Columns[k].Name)
	}
	return string(fmt.Appendf(q, " LIMIT %d", limit)), nil
}

// expect takes what the server says of the columns of an answer. The table was changed if they are not those that were described.
func (p *Plan) expect(columns []server.Column) error {
	numbers := 0
	for _, number := range p.numbers {
		if number {
			numbers++
		}
	}
	if len(columns) != len(p.columns)+numbers {
		return ErrChanged
	}
	p.extra = p.extra[:0]
	for _, c := range columns[len(p.columns):] {
		if sizes[c.Type] == 0 {
			return fmt.Errorf("%w: a number is sent as %d", ErrChanged, c.Type)
		}
		p.extra = append(p.extra, column{unsigned: true, wire: c.Type, size: sizes[c.Type]})
	}
	for i := range p.columns {
		if !p.columns[i].takes(columns[i]) {
			return fmt.Errorf("%w: column %q is no %s (it is sent as %d)", ErrChanged, p.Table.Columns[i].Name, p.Table.Columns[i].Type, columns[i].Type)
		}
	}
	return nil
}

// ErrChanged: the table is not what it was when it was described.
var ErrChanged = errors.New("snapshot: the table was changed meanwhile")
