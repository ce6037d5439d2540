package schema

import (
	"maps"
	"strconv"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// fact is what is known of a column, as far as a map leaves it open.
type fact struct {
	// Type is that of a document, a UUID, an address or a time, and change.Unknown for what is nothing but what the map says.
	Type  change.Type
	Scale int
	// open: nobody knows.
	open bool
}

// facts are what is known of a table's columns, of those that a map may leave open.
type facts struct {
	// columns by their names in small letters.
	columns map[string]fact
	// dropped: there is no such table.
	dropped bool
}

func (f facts) equal(g facts) bool {
	return f.dropped == g.dropped && maps.Equal(f.columns, g.columns)
}

// factsOf are what a whole table tells.
func factsOf(t *change.Table) facts {
	f := facts{columns: make(map[string]fact)}
	for i := range t.Columns {
		switch c := &t.Columns[i]; c.Type {
		case change.JSONType, change.UUID, change.INET4, change.INET6, change.TimeType, change.DateTimeType, change.TimestampType:
			f.columns[strings.ToLower(c.Name)] = fact{Type: c.Type, Scale: c.Scale}
		case change.LongText, change.Binary:
			f.columns[strings.ToLower(c.Name)] = fact{}
		}
	}
	return f
}

// possible: a map can be of a table of which that is known. If it cannot, a statement was missed, and nothing is known.
func (f facts) possible(m *change.Table) bool {
	for i := range m.Columns {
		c := &m.Columns[i]
		known := f.columns[strings.ToLower(c.Name)]
		if c.Name != "" && known.Type != change.Unknown && !may(c, known.Type) {
			return false
		}
	}
	return true
}

// resolve completes a map with what is known. unresolved are the columns that are still open; t is nil then.
func (f facts) resolve(m *change.Table, unclear []int) (t *change.Table, unresolved []int) {
	if len(unclear) == 0 {
		return m, nil
	}
	if !named(m) {
		return nil, unclear
	}
	out := *m
	out.Columns = append([]change.Column(nil), m.Columns...)
	for _, i := range unclear {
		c := &out.Columns[i]
		known, ok := f.columns[strings.ToLower(c.Name)]
		ok = ok && !known.open
		if known.Type == change.Unknown {
			known.Type = c.Type
			ok = ok && c.Scale >= 0
		}
		if !ok || !may(c, known.Type) {
			unresolved = append(unresolved, i)
			continue
		}
		refine(c, known.Type, known.Scale)
	}
	if len(unresolved) > 0 {
		return nil, unresolved
	}
	return &out, nil
}

// contradicts finds a column of a table that is known to be something else.
func (f facts) contradicts(t *change.Table) (column string, found bool) {
	for i := range t.Columns {
		c := &t.Columns[i]
		known, ok := f.columns[strings.ToLower(c.Name)]
		if !ok || known.open {
			continue
		}
		special := factsOf(&change.Table{Columns: t.Columns[i : i+1]}).columns[strings.ToLower(c.Name)]
		if special != known {
			return c.Name, true
		}
	}
	return "", false
}

// effect is what a statement makes of what is known of a table.
type effect struct {
	name  Name
	facts facts
}

// effects tells what a statement makes of tables, in order. known tells what is known before it. A statement of a whole
// database has none here.
func (s *statement) effects(known func(Name) facts) (all []effect) {
	changed := make(map[Name]facts)
	get := func(n Name) facts {
		if f, ok := changed[n]; ok {
			return f
		}
		return known(n)
	}
	set := func(n Name, f facts) {
		if _, ok := changed[n]; !ok {
			all = append(all, effect{name: n})
		}
		changed[n] = f
	}
	switch s.kind {
	case CreateTable:
		switch {
		case s.ifMissing && !get(s.names[0]).dropped:
			// It may have been there, and is then as it was.
		case s.like != nil:
			set(s.names[0], get(*s.like))
		default:
			set(s.names[0], definitions(s.body))
		}
	case AlterTable:
		set(s.names[0], altered(s.body, get(s.names[0])))
	case DropTable:
		for _, n := range s.names {
			set(n, facts{dropped: true})
		}
	}
	for _, r := range s.renames {
		f := get(r[0])
		set(r[0], facts{dropped: true})
		set(r[1], f)
	}
	for i := range all {
		all[i].facts = changed[all[i].name]
	}
	return all
}

// definitions reads the columns of CREATE TABLE.
func definitions(body *tape) facts {
	f := facts{columns: make(map[string]fact)}
	t := *body
	if !t.peek().symbol('(') {
		return facts{} // AS SELECT
	}
	for _, item := range t.parentheses().items() {
		if item.peek().is("SELECT") || item.peek().is("WITH") || item.peek().is("TABLE") || item.peek().is("VALUES") {
			return facts{}
		}
		if !noColumn(item) && !f.define(item, false) {
			return facts{}
		}
	}
	return f
}

// noColumn: an element of CREATE TABLE or of ADD is a key or the like.
func noColumn(t *tape) bool {
	switch first := t.peek(); {
	case first.kind != word:
		return false
	case first.is("PERIOD"):
		return t.ahead(1).is("FOR")
	case first.is("SYSTEM"):
		return t.ahead(1).is("VERSIONING")
	case first.is("PARTITION"):
		return true
	default:
		return noColumns[strings.ToUpper(first.text)]
	}
}

var noColumns = map[string]bool{"PRIMARY": true, "KEY": true, "INDEX": true, "UNIQUE": true, "FULLTEXT": true, "SPATIAL": true, "CONSTRAINT": true, "FOREIGN": true, "CHECK": true}

// define takes a column's name and definition. With maybe it may have been there before, and is then as it was.
func (f *facts) define(t *tape, maybe bool) bool {
	name, ok := t.name()
	if !ok {
		return false
	}
	kind, ok := columnFact(t, name)
	name = strings.ToLower(name)
	before, known := f.columns[name]
	switch {
	case maybe && known && !before.open:
	case maybe && ok:
		f.columns[name] = fact{open: true}
	case ok:
		f.columns[name] = kind
	default:
		delete(f.columns, name)
	}
	return true
}

// columnFact tells what the type in a column's definition is. ok is false of one that a map never leaves open.
func columnFact(t *tape, name string) (kind fact, ok bool) {
	first := strings.ToUpper(t.next().text)
	switch first {
	case "UUID":
		return fact{Type: change.UUID}, true
	case "INET4":
		return fact{Type: change.INET4}, true
	case "INET6":
		return fact{Type: change.INET6}, true
	case "TIME", "DATETIME", "TIMESTAMP":
		kind.Type, _ = change.ParseType(strings.ToLower(first))
		if n, err := strconv.Atoi(t.parentheses().peek().text); err == nil && n >= 0 && n <= 6 {
			kind.Scale = n
		}
		return kind, true
	case "JSON", "LONGTEXT", "TEXT", "LONG":
		checked, only := jsonCheck(t, name)
		if checked && only || first == "JSON" && !checked {
			return fact{Type: change.JSONType}, true
		}
		return fact{}, true
	case "BINARY", "CHAR", "CHARACTER", "NATIONAL", "NCHAR":
		return fact{}, true
	}
	return fact{}, false
}

// depthMax bounds parentheses around an expression.
const depthMax = 16

// jsonCheck looks for CHECK in a definition, and whether it is json_valid of the column and nothing else.
func jsonCheck(t *tape, name string) (checked, only bool) {
	for ; t.peek().kind != end; t.at++ {
		for t.peek().symbol('(') {
			t.parentheses()
		}
		if !t.peek().is("CHECK") || !t.ahead(1).symbol('(') {
			continue
		}
		t.at++
		inside := t.parentheses()
		for depth := 0; inside.peek().symbol('(') && depth < depthMax; depth++ {
			inner := *inside
			if inside = inner.parentheses(); inner.peek().kind != end {
				return true, false
			}
		}
		is := inside.next().is("json_valid")
		argument := inside.parentheses()
		for depth := 0; argument.peek().symbol('(') && depth < depthMax; depth++ {
			argument = argument.parentheses()
		}
		column, _ := argument.name()
		for argument.takeSymbol('.') { // table.column
			column, _ = argument.name()
		}
		return true, is && strings.EqualFold(column, name) && argument.peek().kind == end && inside.peek().kind == end
	}
	return false, false
}

// altered is what ALTER TABLE makes of a table's columns. What it renames, it renames all at once.
func altered(body *tape, before facts) facts {
	after := facts{columns: maps.Clone(before.columns)}
	if after.columns == nil {
		after.columns = make(map[string]fact)
	}
	t := *body
	items := t.items()
	// First what goes, as a column may get the name of one that goes.
	for _, item := range items {
		switch one := *item; {
		case one.take("CHANGE"):
			one.column()
			if old, ok := one.name(); ok {
				delete(after.columns, strings.ToLower(old))
			}
		case one.take("RENAME", "COLUMN"):
			one.take("IF", "EXISTS")
			if old, ok := one.name(); ok {
				delete(after.columns, strings.ToLower(old))
			}
		case one.take("DROP"):
			after.drop(&one)
		}
	}
	for _, item := range items {
		if !after.alter(item, before) {
			return facts{}
		}
	}
	return after
}

// column passes over what may stand in front of a column's name.
func (t *tape) column() {
	t.take("COLUMN")
	t.take("IF", "EXISTS")
}

func (f *facts) drop(t *tape) {
	if t.take("CONSTRAINT") || t.take("CHECK") {
		t.take("IF", "EXISTS")
		// A column's own check has its name.
		if name, ok := t.name(); ok {
			if known, ok := f.columns[strings.ToLower(name)]; ok && known.Type == change.JSONType {
				f.columns[strings.ToLower(name)] = fact{open: true}
			}
		}
		return
	}
	if noColumn(t) {
		return
	}
	t.column()
	if name, ok := t.name(); ok {
		delete(f.columns, strings.ToLower(name))
	}
}

// alter does what one element of ALTER TABLE adds. It is false if it cannot be read.
func (f *facts) alter(t *tape, before facts) bool {
	switch {
	case t.take("ADD"):
		if !t.take("COLUMN") && noColumn(t) {
			return true
		}
		maybe := t.take("IF", "NOT", "EXISTS")
		if !t.peek().symbol('(') {
			return f.define(t, maybe)
		}
		for _, item := range t.parentheses().items() {
			if !noColumn(item) && !f.define(item, maybe) {
				return false
			}
		}
	case t.take("MODIFY"):
		t.column()
		return f.define(t, false)
	case t.take("CHANGE"):
		t.column()
		_, ok := t.name()
		return ok && f.define(t, false)
	case t.take("RENAME", "COLUMN"):
		t.take("IF", "EXISTS")
		old, ok1 := t.name()
		ok2 := t.take("TO")
		name, ok3 := t.name()
		if !ok1 || !ok2 || !ok3 {
			return false
		}
		if known, ok := before.columns[strings.ToLower(old)]; ok {
			f.columns[strings.ToLower(name)] = known
		} else {
			delete(f.columns, strings.ToLower(name))
		}
	}
	return true
}
