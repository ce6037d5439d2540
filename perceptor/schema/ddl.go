package schema

import "strings"

// Kind is what a statement does to a schema.
type Kind uint8

const (
	// NoDDL changes no schema of tables.
	NoDDL Kind = iota
	CreateTable
	AlterTable
	DropTable
	RenameTable
	TruncateTable
	CreateIndex
	DropIndex
	CreateDatabase
	AlterDatabase
	DropDatabase
)

func (k Kind) String() string {
	if k > DropDatabase {
		k = NoDDL
	}
	return [...]string{"no DDL", "create table", "alter table", "drop table", "rename table", "truncate table", "create index", "drop index", "create database", "alter database", "drop database"}[k]
}

// Name is that of a table. Table is empty where a whole database is meant.
type Name struct{ Database, Table string }

func (n Name) String() string { return tableName(n.Database, n.Table) }

// ParseDDL tells what a statement of a binlog does, and which tables it concerns, in its order. A RENAME has each old name followed by
// the new one, and so has an ALTER TABLE that renames. Names without a database are in database, the one in use. What it cannot read
// is NoDDL. Temporary tables are none: no rows of theirs are in a binlog.
func ParseDDL(database, sql string) (Kind, []Name) {
	s := parse(database, sql)
	return s.kind, s.names
}

// statement is one that was read.
type statement struct {
	kind  Kind
	names []Name
	// renames of tables, in order.
	renames [][2]Name
	// body is what follows the table's name in CREATE TABLE and ALTER TABLE.
	body *tape
	// like is the table that CREATE TABLE ... LIKE names.
	like *Name
	// ifMissing: CREATE TABLE IF NOT EXISTS. A server logs it even if there was one already.
	ifMissing bool
	// replace: CREATE OR REPLACE TABLE. ignore: ALTER IGNORE TABLE.
	replace, ignore bool
	// exchanged are the tables that ALTER TABLE exchanges a partition with, or makes one of.
	exchanged []Name
}

func parse(database, sql string) (s statement) {
	t := &tape{tokens: tokens(sql)}
	for t.takeSymbol('(') || t.takeSymbol(';') {
	}
	if t.take("SET", "STATEMENT") {
		for t.peek().kind != end && !t.take("FOR") {
			t.at++
		}
	}
	switch {
	case t.take("CREATE"):
		s = create(t, database)
	case t.take("ALTER"):
		s = alter(t, database)
	case t.take("DROP"):
		s = drop(t, database)
	case t.take("RENAME", "TABLE"), t.take("RENAME", "TABLES"):
		s = rename(t, database)
	case t.take("TRUNCATE"):
		t.take("TABLE")
		s.kind = TruncateTable
		s.add(t.table(database))
	}
	if len(s.names) == 0 {
		return statement{}
	}
	return s
}

func (s *statement) add(n Name, ok bool) {
	if ok {
		s.names = append(s.names, n)
	}
}

func (s *statement) exchange(n Name, ok bool) {
	s.add(n, ok)
	if ok {
		s.exchanged = append(s.exchanged, n)
	}
}

func create(t *tape, database string) (s statement) {
	replace := t.take("OR", "REPLACE")
	if t.peek().is("TEMPORARY") {
		return s
	}
	switch {
	case t.take("TABLE"):
		s.kind, s.replace, s.ifMissing = CreateTable, replace, t.take("IF", "NOT", "EXISTS")
		s.add(t.table(database))
		s.body = t
		inner := *t
		inner.takeSymbol('(')
		if inner.take("LIKE") {
			if like, ok := inner.table(database); ok {
				s.like = &like
			}
		}
		return s
	case t.take("DATABASE"), t.take("SCHEMA"):
		t.take("IF", "NOT", "EXISTS")
		return ofDatabase(t, CreateDatabase, "")
	}
	t.takeAny("ONLINE", "OFFLINE", "UNIQUE", "FULLTEXT", "SPATIAL")
	if t.take("INDEX") {
		s.kind = CreateIndex
		t.take("IF", "NOT", "EXISTS")
		s.indexed(t, database)
	}
	return s
}

// indexed finds the table after ON.
func (s *statement) indexed(t *tape, database string) {
	t.name()
	for t.peek().kind != end {
		if t.take("ON") {
			s.add(t.table(database))
			return
		}
		t.at++
	}
}

func ofDatabase(t *tape, kind Kind, inUse string) (s statement) {
	name, ok := inUse, inUse != ""
	if one := t.peek(); inUse == "" || one.kind == quotedName || one.kind == word && !databaseOptions[strings.ToUpper(one.text)] {
		name, ok = t.name()
	}
	s.kind = kind
	s.add(Name{Database: name}, ok)
	return s
}

// databaseOptions begin what is said of a database, where its name is left out.
var databaseOptions = map[string]bool{"CHARACTER": true, "CHARSET": true, "COLLATE": true, "DEFAULT": true, "COMMENT": true, "ENCRYPTION": true, "READ": true, "UPGRADE": true}

func alter(t *tape, database string) (s statement) {
	if t.take("DATABASE") || t.take("SCHEMA") {
		return ofDatabase(t, AlterDatabase, database)
	}
	t.takeAny("ONLINE", "OFFLINE")
	s.ignore = t.take("IGNORE")
	if !t.take("TABLE") {
		return s
	}
	t.take("IF", "EXISTS")
	s.kind = AlterTable
	table, ok := t.table(database)
	s.add(table, ok)
	t.waiting()
	s.body = t
	inner := *t
	for _, item := range inner.items() {
		switch {
		case item.take("RENAME"):
			if item.peek().is("COLUMN") || item.peek().is("INDEX") || item.peek().is("KEY") {
				continue
			}
			if !item.take("TO") && !item.take("AS") {
				item.takeSymbol('=')
			}
			if to, ok := item.table(database); ok {
				s.names = append(s.names, to)
				s.renames = append(s.renames, [2]Name{table, to})
			}
		case item.take("EXCHANGE", "PARTITION"):
			item.name()
			if item.take("WITH", "TABLE") {
				s.exchange(item.table(database))
			}
		case item.take("CONVERT", "TABLE"):
			s.exchange(item.table(database))
		}
	}
	return s
}

func drop(t *tape, database string) (s statement) {
	switch {
	case t.take("TABLE"), t.take("TABLES"):
		s.kind = DropTable
		t.take("IF", "EXISTS")
		for {
			s.add(t.table(database))
			if !t.takeSymbol(',') {
				return s
			}
		}
	case t.take("DATABASE"), t.take("SCHEMA"):
		t.take("IF", "EXISTS")
		return ofDatabase(t, DropDatabase, "")
	}
	t.takeAny("ONLINE", "OFFLINE")
	if t.take("INDEX") {
		s.kind = DropIndex
		t.take("IF", "EXISTS")
		s.indexed(t, database)
	}
	return s
}

func rename(t *tape, database string) (s statement) {
	s.kind = RenameTable
	t.take("IF", "EXISTS")
	for {
		from, ok1 := t.table(database)
		t.waiting()
		if !ok1 || !t.take("TO") {
			return s
		}
		to, ok2 := t.table(database)
		if !ok2 {
			return s
		}
		s.names = append(s.names, from, to)
		s.renames = append(s.renames, [2]Name{from, to})
		if !t.takeSymbol(',') {
			return s
		}
	}
}

// waiting passes over WAIT n and NOWAIT.
func (t *tape) waiting() {
	if t.peek().is("WAIT") && t.ahead(1).kind == word {
		t.at += 2
	} else {
		t.take("NOWAIT")
	}
}
