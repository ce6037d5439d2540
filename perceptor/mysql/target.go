package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/skein-io/skein/perceptor/change"
)

// target is a table of the target, as it was when it was looked at.
type target struct {
	database, name string
	quoted         string
	columns        []targetColumn
	byName         map[string]int // in lower case
	key            []int
	// unique is the name of a unique key beside the primary one, empty if there is none.
	unique   string
	mappings map[*change.Table]*mapping
	// counted is what an INSERT ... ON DUPLICATE KEY UPDATE counts for a row that it updates.
	counted int
	// foretold: the last rows that were looked at were as their changes foretold, so the next are written without a look.
	foretold atomic.Bool
}

type targetColumn struct {
	name      string
	typ       change.Type
	scale     int
	bytes     int // of what has no charset
	nullable  bool
	generated bool
	collation string // empty for what has none
	// noCase: the column compares texts by a collation, so that texts that differ may be the same key.
	noCase bool
}

// look reads what a table is from information_schema.
func (s *Sink) look(ctx context.Context, database, table string) (*target, error) {
	t := &target{database: database, name: table, byName: make(map[string]int), mappings: make(map[*change.Table]*mapping)}
	t.foretold.Store(true)
	t.quoted = string(appendName(append(appendName(nil, database), '.'), table))
	err := s.query(ctx, `SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, EXTRA, COALESCE(DATETIME_PRECISION, NUMERIC_SCALE, 0), COALESCE(COLLATION_NAME, ''),
IF(COLLATION_NAME IS NULL, LEAST(COALESCE(CHARACTER_OCTET_LENGTH, 0), 65535), 0) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = `+text(database)+` AND TABLE_NAME = `+text(table)+` ORDER BY ORDINAL_POSITION`, func(rows *sql.Rows) error {
		var name, typ, nullable, extra, collation string
		var scale, bytes int
		if err := rows.Scan(&name, &typ, &nullable, &extra, &scale, &collation, &bytes); err != nil {
			return err
		}
		c := targetColumn{name: name, scale: scale, bytes: bytes, nullable: nullable == "YES", collation: collation, noCase: collation != "" && !strings.HasSuffix(collation, "_bin")}
		c.typ, _ = change.ParseType(typ)
		extra = strings.ToUpper(extra)
		c.generated = strings.Contains(extra, "GENERATED") && !strings.Contains(extra, "DEFAULT_GENERATED")
		t.byName[strings.ToLower(name)] = len(t.columns)
		t.columns = append(t.columns, c)
		return nil
	})
	if err != nil {
		return nil, named(t.String(), err)
	}
	if len(t.columns) == 0 {
		return nil, &TargetError{t.String(), ErrNoTable}
	}
	var part string // the column of the primary key of which only the beginning counts
	err = s.query(ctx, `SELECT INDEX_NAME, COLUMN_NAME, SUB_PART IS NOT NULL FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND TABLE_SCHEMA = `+text(database)+
		` AND TABLE_NAME = `+text(table)+` ORDER BY INDEX_NAME, SEQ_IN_INDEX`, func(rows *sql.Rows) error {
		var index string
		var column sql.NullString // NULL for an expression
		var prefix bool
		if err := rows.Scan(&index, &column, &prefix); err != nil {
			return err
		}
		if index != "PRIMARY" {
			t.unique = index
			return nil
		}
		if prefix {
			part = column.String
		}
		t.key = append(t.key, t.byName[strings.ToLower(column.String)])
		return nil
	})
	switch {
	case err != nil:
		return nil, named(t.String(), err)
	case len(t.key) == 0:
		return nil, &TargetError{t.String(), errors.New("it has no primary key, so a row of it cannot be found again")}
	case part != "":
		return nil, &TargetError{t.String(), fmt.Errorf("its primary key has only the beginning of column %s, so two rows of the source may be one: make the whole column the key", part)}
	}
	if err := s.lookEngine(ctx, t); err != nil {
		return nil, err
	}
	return t, s.checkLayout(t)
}

// lookEngine refuses a table of an engine without transactions: of a statement that fails it keeps what was written before.
func (s *Sink) lookEngine(ctx context.Context, t *target) error {
	var kind, engine, transactions string
	err := s.query(ctx, `SELECT TABLE_TYPE, ENGINE, COALESCE(TRANSACTIONS, '') FROM information_schema.TABLES JOIN information_schema.ENGINES USING (ENGINE)
WHERE TABLE_SCHEMA = `+text(t.database)+` AND TABLE_NAME = `+text(t.name), func(rows *sql.Rows) error { return rows.Scan(&kind, &engine, &transactions) })
	switch {
	case err != nil:
		return named(t.String(), err)
	case transactions != "YES":
		return &TargetError{t.String(), fmt.Errorf("its engine %s has no transactions: ALTER TABLE %s ENGINE=InnoDB", engine, t.quoted)}
	}
	if t.counted = 2; kind == "SYSTEM VERSIONED" { // the row of the history, too
		t.counted = 3
	}
	return nil
}

// checkLayout refuses a target that has no place for versions.
func (s *Sink) checkLayout(t *target) error {
	if s.c.Layout == SideTable {
		return nil
	}
	c := &s.c.Columns
	for _, want := range []struct {
		name, sql string
		types     []change.Type
	}{
		{c.ExecuteTime, "BIGINT", []change.Type{change.BigInt}},
		{c.Position, "BINARY(16)", []change.Type{change.Binary, change.VarBinary}},
		{c.Epoch, "INT UNSIGNED", []change.Type{change.Integer, change.BigInt}},
		{c.Deleted, "BOOLEAN NOT NULL DEFAULT FALSE", []change.Type{change.TinyInt}},
	} {
		at, ok := t.byName[strings.ToLower(want.name)]
		if !ok {
			return &TargetError{t.String(), fmt.Errorf("the column %s is missing, where the row's version goes: ALTER TABLE %s ADD COLUMN %s %s; or keep versions in a side table", want.name, t.quoted, appendName(nil, want.name), want.sql)}
		}
		column := &t.columns[at]
		fits := slices.Contains(want.types, column.typ)
		if want.name == c.Position { // a BINARY that is longer shows zeros behind it
			fits = fits && (column.bytes == change.PositionSize || column.typ == change.VarBinary && column.bytes > change.PositionSize)
		}
		if !fits {
			return &TargetError{t.String(), fmt.Errorf("the column %s is a %s and has to be a %s", want.name, column.sql(), want.sql)}
		}
	}
	return nil
}

func (t *target) String() string { return t.database + "." + t.name }

// sql is the column's type, for people.
func (c *targetColumn) sql() string {
	if c.bytes > 0 {
		return fmt.Sprintf("%s(%d)", c.typ, c.bytes)
	}
	return c.typ.String()
}

// mapping is how the rows of a source's table come into the target's.
type mapping struct {
	// source are the indexes of the source's columns that are written, column those of the target's columns.
	source, column []int
	// key are the indexes of the source's columns of the target's key, in its order.
	key []int
	// insert is INSERT INTO ... VALUES, update is ON DUPLICATE KEY UPDATE ..., newer is the same with newerOnly.
	insert, update, newer string
	err                   error
}

// mapping finds how rows of a source's table are written. Its err concerns every row of that table.
func (s *Sink) mapping(t *target, source *change.Table) *mapping {
	if m, ok := t.mappings[source]; ok {
		return m
	}
	if len(t.mappings) >= 1000 { // schemas that changed leave their tables behind
		clear(t.mappings)
	}
	m := s.newMapping(t, source)
	t.mappings[source] = m
	return m
}

func (s *Sink) newMapping(t *target, source *change.Table) *mapping {
	m := &mapping{}
	versions := map[string]bool{}
	if s.c.Layout == InRow {
		for _, name := range []string{s.c.Columns.ExecuteTime, s.c.Columns.Position, s.c.Columns.Epoch, s.c.Columns.Deleted} {
			versions[strings.ToLower(name)] = true
		}
	}
	of := make(map[int]int)
	for i := range source.Columns {
		name := source.Columns[i].Name
		at, ok := t.byName[strings.ToLower(name)]
		switch {
		case !ok:
			m.err = fmt.Errorf("target table %s has no column %s of the source's table %s", t, name, source)
			return m
		case versions[strings.ToLower(name)]:
			m.err = fmt.Errorf("the source's table %s has a column %s itself, which is where the version goes: name another in the sink's columns", source, name)
			return m
		}
		of[at] = i
		if !t.columns[at].generated {
			m.source, m.column = append(m.source, i), append(m.column, at)
		}
	}
	keys := 0
	for _, at := range t.key {
		i, ok := of[at]
		if ok {
			m.key = append(m.key, i)
		}
		for _, k := range source.Key {
			if ok && k == i {
				keys++
			}
		}
	}
	if len(m.key) != len(t.key) || keys != len(t.key) || len(source.Key) != len(t.key) {
		m.err = fmt.Errorf("the primary key of the target table %s is not that of the source's table %s", t, source)
		return m
	}
	s.statements(t, m)
	return m
}

// statements writes what is the same in every statement. In the row the version's columns come last, so that nothing that
// is assigned depends on a version that has just been written, but for what newerOnly lets pass, which comes first.
func (s *Sink) statements(t *target, m *mapping) {
	var keys, names, assigned []string
	for _, at := range t.key {
		keys = append(keys, Quote(t.columns[at].name))
	}
	for _, at := range m.column {
		name := t.columns[at].name
		names = append(names, Quote(name))
		// A key is the same already, unless its collation takes another text for the same.
		if !slices.Contains(t.key, at) || t.columns[at].noCase {
			assigned = append(assigned, assignments(name)...)
		}
	}
	if s.c.Layout == InRow {
		c := &s.c.Columns
		names = append(names, Quote(c.Deleted), Quote(c.Epoch), Quote(c.ExecuteTime), Quote(c.Position)) // as appendVersion
		version := assignments(c.Epoch, c.ExecuteTime, c.Position)
		m.newer = onDuplicate + strings.Join(slices.Concat([]string{s.newerOnly(keys...)}, assigned, version), ",")
		assigned = slices.Concat(assigned, assignments(c.Deleted), version)
	}
	if len(assigned) == 0 { // a table of nothing but its key
		assigned = append(assigned, keys[0]+"="+keys[0])
	}
	m.insert = "INSERT INTO " + t.quoted + " (" + strings.Join(names, ",") + ") VALUES "
	m.update = onDuplicate + strings.Join(assigned, ",")
}

const onDuplicate = " ON DUPLICATE KEY UPDATE "

// assignments assign columns what would have been inserted.
func assignments(columns ...string) (out []string) {
	for _, name := range columns {
		out = append(out, Quote(name)+"=VALUES("+Quote(name)+")")
	}
	return out
}

// text is a string as a literal.
func text(s string) string { return string(appendString(nil, s)) }
