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
	// foretold: the last rows that were looked at were as their changes foretold, so the next are written without a look.
	foretold atomic.Bool
}

type targetColumn struct {
	name      string
	typ       change.Type
	scale     int
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
	err := s.query(ctx, `SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, EXTRA, COALESCE(DATETIME_PRECISION, NUMERIC_SCALE, 0), COALESCE(COLLATION_NAME, '')
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = `+text(database)+` AND TABLE_NAME = `+text(table)+` ORDER BY ORDINAL_POSITION`, func(rows *sql.Rows) error {
		var name, typ, nullable, extra, collation string
		var scale int
		if err := rows.Scan(&name, &typ, &nullable, &extra, &scale, &collation); err != nil {
			return err
		}
		c := targetColumn{name: name, scale: scale, nullable: nullable == "YES", collation: collation, noCase: collation != "" && !strings.HasSuffix(collation, "_bin")}
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
	err = s.query(ctx, `SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND TABLE_SCHEMA = `+text(database)+
		` AND TABLE_NAME = `+text(table)+` ORDER BY INDEX_NAME, SEQ_IN_INDEX`, func(rows *sql.Rows) error {
		var index string
		var column sql.NullString // NULL for an expression
		if err := rows.Scan(&index, &column); err != nil {
			return err
		}
		if index != "PRIMARY" {
			t.unique = index
			return nil
		}
		t.key = append(t.key, t.byName[strings.ToLower(column.String)])
		return nil
	})
	if err != nil {
		return nil, named(t.String(), err)
	}
	if len(t.key) == 0 {
		return nil, &TargetError{t.String(), errors.New("it has no primary key, so a row of it cannot be found again")}
	}
	return t, s.checkLayout(t)
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
		fits := false
		for _, typ := range want.types {
			fits = fits || typ == t.columns[at].typ
		}
		if !fits {
			return &TargetError{t.String(), fmt.Errorf("the column %s is a %s and has to be a %s", want.name, t.columns[at].typ, want.sql)}
		}
	}
	return nil
}

func (t *target) String() string { return t.database + "." + t.name }

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
