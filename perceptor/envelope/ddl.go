package envelope

import (
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// SchemaOp is what a statement does to a table or a database.
type SchemaOp uint8

const (
	SchemaCreate SchemaOp = iota + 1
	SchemaAlter
	SchemaDrop
	SchemaRename
	SchemaTruncate
	// SchemaIndex and SchemaDropIndex are CREATE INDEX and DROP INDEX.
	SchemaIndex
	SchemaDropIndex
	schemaEnd
)

// Statement is a change of a schema, as it is written to a topic.
type Statement struct {
	Op SchemaOp
	// Database and Table are what it changes, Table the first one if there are several, and the new one of a rename. Table is empty if it is
	// a whole database.
	Database, Table string
	SQL             string
	// Changes are the tables as they are behind it. All of them, if the format tells more than one.
	Changes []TableChange
	Version change.Version
	Origin  change.Origin
}

// TableChange is a table that a Statement changes.
type TableChange struct {
	// Op is SchemaCreate, SchemaAlter or SchemaDrop.
	Op              SchemaOp
	Database, Table string
	// After is the table behind the statement; nil if it was dropped or is not known.
	After *change.Table
}

// EncodeStatement appends the record of a statement to dst, as Encode does for rows. Debezium's is keyed by the database; those of Canal
// and Maxwell have no key. Maxwell has no form for a TRUNCATE: nothing is appended.
func (e *Encoder) EncodeStatement(dst []Record, s *Statement, at int64) ([]Record, error) {
	if s.Op == 0 || s.Op >= schemaEnd || s.Database == "" {
		return dst, fmt.Errorf("the statement %.100q changes no schema", s.SQL)
	}
	if err := s.Version.Check(); err != nil {
		return dst, err
	}
	var key []byte
	mark := len(e.buf)
	switch e.o.Format {
	case Debezium:
		e.buf = e.debeziumStatementKey(s)
		key = e.since(mark)
		mark = len(e.buf)
		e.debeziumStatement(s, at)
	case Canal:
		e.canalStatement(s, at)
	default:
		if s.Op == SchemaTruncate {
			return dst, nil
		}
		e.maxwellStatement(s)
	}
	value := e.since(mark)
	mark = len(e.buf)
	e.buf = AppendVersion(e.buf, s.Version)
	first := len(e.headers)
	e.headers = append(e.headers, Header{HeaderVersion, e.since(mark)})
	return append(dst, Record{Key: key, Value: value, Headers: e.headers[first:len(e.headers):len(e.headers)]}), nil
}

// canalStatements are Canal's names; of a whole database it has one for all.
var canalStatements = [...]string{
	SchemaCreate: "CREATE", SchemaAlter: "ALTER", SchemaDrop: "ERASE", SchemaRename: "RENAME", SchemaTruncate: "TRUNCATE", SchemaIndex: "CINDEX", SchemaDropIndex: "DINDEX",
}

func (e *Encoder) canalStatement(s *Statement, at int64) {
	kind := canalStatements[s.Op]
	if s.Table == "" {
		kind = "QUERY"
	}
	e.buf = appendQuoted(append(e.buf, `{"data":null,"database":`...), s.Database)
	e.appendInt(`,"es":`, s.Origin.EventTime)
	e.buf = appendQuoted(append(e.buf, `,"gtid":`...), s.Origin.GTID)
	e.buf = appendQuoted(append(e.buf, `,"id":0,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":`...), s.SQL)
	e.buf = appendQuoted(append(e.buf, `,"sqlType":null,"table":`...), s.Table)
	e.appendInt(`,"ts":`, at)
	e.buf = append(append(append(e.buf, `,"type":"`...), kind...), `"}`...)
}

// maxwellStatement appends Maxwell's form. Its time is in milliseconds, unlike that of rows.
func (e *Encoder) maxwellStatement(s *Statement) {
	kind := "alter"
	switch s.Op {
	case SchemaCreate:
		kind = "create"
	case SchemaDrop:
		kind = "drop"
	}
	what := "table-"
	if s.Table == "" {
		what = "database-"
	}
	e.buf = append(append(append(append(e.buf, `{"type":"`...), what...), kind...), `","database":`...)
	e.buf = appendQuoted(e.buf, s.Database)
	if s.Table != "" {
		e.buf = appendQuoted(append(e.buf, `,"table":`...), s.Table)
	}
	for i := range s.Changes {
		if t := s.Changes[i].After; t != nil && s.Changes[i].Table == s.Table {
			e.buf = append(e.buf, `,"def":`...)
			e.maxwellDefinition(t)
		}
	}
	e.appendInt(`,"ts":`, s.Origin.EventTime)
	e.buf = appendQuoted(append(e.buf, `,"sql":`...), s.SQL)
	if s.Origin.File != "" {
		e.buf = appendQuoted(append(e.buf, `,"position":`...), s.Origin.File)
		e.buf[len(e.buf)-1] = ':'
		e.appendUint("", s.Version.Position.Offset)
		e.buf = append(e.buf, '"')
	}
	if s.Origin.GTID != "" {
		e.buf = appendQuoted(append(e.buf, `,"gtid":`...), s.Origin.GTID)
	}
	e.buf = append(e.buf, '}')
}

func (e *Encoder) maxwellDefinition(t *change.Table) {
	e.buf = appendQuoted(append(e.buf, `{"database":`...), t.Database)
	e.buf = append(appendQuoted(append(e.buf, `,"table":`...), t.Name), `,"columns":[`...)
	for i := range t.Columns {
		c := &t.Columns[i]
		e.comma(i)
		e.buf = appendQuoted(append(e.buf, `{"type":`...), c.Type.String())
		e.buf = appendQuoted(append(e.buf, `,"name":`...), c.Name)
		switch {
		case c.Type >= change.TinyInt && c.Type <= change.BigInt:
			e.buf = fmt.Appendf(e.buf, `,"signed":%t`, !c.Unsigned)
		case c.Type == change.Enum || c.Type == change.Set:
			e.texts(`,"enum-values":`, c.Members)
		case c.Type == change.TimeType || c.Type == change.DateTimeType || c.Type == change.TimestampType:
			e.appendInt(`,"column-length":`, int64(c.Scale))
		case c.Charset != "":
			e.buf = appendQuoted(append(e.buf, `,"charset":`...), c.Charset)
		}
		e.buf = append(e.buf, '}')
	}
	e.buf = append(e.buf, ']')
	e.texts(`,"primary-key":`, keyNames(t))
	e.buf = append(e.buf, '}')
}

func keyNames(t *change.Table) []string {
	names := make([]string, len(t.Key))
	for n, i := range t.Key {
		names[n] = t.Columns[i].Name
	}
	return names
}

// comma separates elements.
func (e *Encoder) comma(n int) {
	if n > 0 {
		e.buf = append(e.buf, ',')
	}
}

// texts appends a list of strings.
func (e *Encoder) texts(name string, all []string) {
	e.buf = append(append(e.buf, name...), '[')
	for i, s := range all {
		e.comma(i)
		e.buf = appendQuoted(e.buf, s)
	}
	e.buf = append(e.buf, ']')
}

// quotedID is how Debezium names a table: "database"."table".
func quotedID(database, table string) string {
	double := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	return double(database) + "." + double(table)
}
