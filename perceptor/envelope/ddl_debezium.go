package envelope

import (
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// Debezium's schema change event, field by field what Debezium 3.5 writes.

func (e *Encoder) debeziumStatementKey(s *Statement) []byte {
	b := e.buf
	if e.o.Schemas {
		b = append(b, `{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"databaseName"}],"optional":false,"name":"io.debezium.connector.`+
			e.o.Connector+`.SchemaChangeKey","version":1},"payload":`...)
	}
	b = append(appendQuoted(append(b, `{"databaseName":`...), s.Database), '}')
	if e.o.Schemas {
		b = append(b, '}')
	}
	return b
}

func (e *Encoder) debeziumStatement(s *Statement, at int64) {
	if e.o.Schemas {
		e.buf = append(e.buf, `{"schema":{"type":"struct","fields":[{"type":"struct","fields":[`+sourceFields+`],"optional":false,"name":"io.debezium.connector.`+e.o.Connector+
			`.Source","version":1,"field":"source"},{"type":"int64","optional":false,"field":"ts_ms"},{"type":"string","optional":true,"field":"databaseName"},`+
			`{"type":"string","optional":true,"field":"schemaName"},{"type":"string","optional":true,"field":"ddl"},`+tableChangesField+
			`],"optional":false,"name":"io.debezium.connector.`+e.o.Connector+`.SchemaChangeValue","version":1},"payload":`...)
	}
	o := &s.Origin
	e.buf = appendQuoted(append(e.buf, `{"source":{"version":"skein","connector":`...), e.o.Connector)
	e.buf = appendQuoted(append(e.buf, `,"name":`...), e.o.Prefix)
	e.appendInt(`,"ts_ms":`, o.EventTime)
	e.buf = append(appendQuoted(append(e.buf, `,"snapshot":"false","db":`...), s.Database), `,"sequence":null`...)
	e.times(`,"ts_us":`, `,"ts_ns":`, o.EventTime)
	e.nullable(`,"table":`, s.Table)
	e.appendUint(`,"server_id":`, uint64(o.ServerID))
	e.nullable(`,"gtid":`, o.GTID)
	e.buf = appendQuoted(append(e.buf, `,"file":`...), o.File)
	e.appendUint(`,"pos":`, s.Version.Position.Offset)
	e.appendInt(`,"row":0,"thread":null,"query":null},"ts_ms":`, at)
	e.buf = appendQuoted(append(e.buf, `,"databaseName":`...), s.Database)
	e.buf = appendQuoted(append(e.buf, `,"schemaName":null,"ddl":`...), s.SQL)
	e.buf = append(e.buf, `,"tableChanges":[`...)
	for i := range s.Changes {
		c := &s.Changes[i]
		e.comma(i)
		kind := "ALTER"
		switch c.Op {
		case SchemaCreate:
			kind = "CREATE"
		case SchemaDrop:
			kind = "DROP"
		}
		e.buf = append(append(append(e.buf, `{"type":"`...), kind...), `","id":`...)
		e.buf = append(appendQuoted(e.buf, quotedID(c.Database, c.Table)), `,"table":`...)
		e.debeziumTable(c.After)
		e.buf = append(e.buf, '}')
	}
	e.buf = append(e.buf, "]}"...)
	if e.o.Schemas {
		e.buf = append(e.buf, '}')
	}
}

// nullable appends a text, or null for none.
func (e *Encoder) nullable(name, s string) {
	e.buf = append(e.buf, name...)
	if s == "" {
		e.buf = append(e.buf, "null"...)
		return
	}
	e.buf = appendQuoted(e.buf, s)
}

// debeziumTable appends what a table is. What change.Table does not know is null: the default charset, comments, defaults, display
// widths, and whether numbers are counted up.
func (e *Encoder) debeziumTable(t *change.Table) {
	if t == nil {
		e.buf = append(e.buf, "null"...)
		return
	}
	e.texts(`{"defaultCharsetName":null,"primaryKeyColumnNames":`, keyNames(t))
	e.buf = append(e.buf, `,"columns":[`...)
	for i := range t.Columns {
		c := &t.Columns[i]
		e.comma(i)
		name := strings.ToUpper(c.Type.String())
		if c.Unsigned {
			name += " UNSIGNED"
		}
		e.buf = appendQuoted(append(e.buf, `{"name":`...), c.Name)
		e.appendInt(`,"jdbcType":`, int64(debeziumNumbers[c.Type]))
		e.buf = appendQuoted(append(e.buf, `,"nativeType":null,"typeName":`...), name)
		e.buf = appendQuoted(append(e.buf, `,"typeExpression":`...), name)
		e.nullable(`,"charsetName":`, c.Charset)
		length, scale := debeziumLength(c)
		e.positive(`,"length":`, length, length > 0)
		e.positive(`,"scale":`, scale, c.Type == change.Numeric)
		e.appendInt(`,"position":`, int64(i+1))
		e.buf = append(e.buf, `,"optional":`...)
		if c.Nullable {
			e.buf = append(e.buf, "true"...)
		} else {
			e.buf = append(e.buf, "false"...)
		}
		e.buf = append(e.buf, `,"autoIncremented":null,"generated":null,"comment":null,"defaultValueExpression":null`...)
		if c.Members == nil {
			e.buf = append(e.buf, `,"enumValues":null}`...)
			continue
		}
		quoted := make([]string, len(c.Members))
		for n, m := range c.Members {
			quoted[n] = "'" + strings.ReplaceAll(m, "'", "''") + "'"
		}
		e.texts(`,"enumValues":`, quoted)
		e.buf = append(e.buf, '}')
	}
	e.buf = append(e.buf, `],"comment":null}`...)
}

func (e *Encoder) positive(name string, n int, known bool) {
	if known {
		e.appendInt(name, int64(n))
		return
	}
	e.buf = append(append(e.buf, name...), "null"...)
}

// debeziumLength is a column's length as Debezium counts it.
func debeziumLength(c *change.Column) (length, scale int) {
	switch c.Type {
	case change.TimeType, change.DateTimeType, change.TimestampType:
		return c.Scale, 0
	case change.Enum:
		return 1, 0
	case change.Set:
		return max(0, 2*len(c.Members)-1), 0
	case change.Year:
		return 4, 0
	}
	return c.Length, c.Scale
}

// debeziumNumbers are the numbers of java.sql.Types that Debezium tells.
var debeziumNumbers = [...]int{
	change.TinyInt: 5, change.SmallInt: 5, change.MediumInt: 4, change.Integer: 4, change.BigInt: -5, change.Numeric: 3, change.FloatType: 6,
	change.DoubleType: 8, change.Bit: -7, change.Year: 4, change.DateType: 91, change.TimeType: 92, change.DateTimeType: 93, change.TimestampType: 2014,
	change.Char: 1, change.VarChar: 12, change.TinyText: 12, change.TextType: 12, change.MediumText: 12, change.LongText: 12, change.Binary: -2,
	change.VarBinary: -3, change.TinyBlob: 2004, change.Blob: 2004, change.MediumBlob: 2004, change.LongBlob: 2004, change.Enum: 1, change.Set: 1,
	change.JSONType: 1111, change.Geometry: 1111, change.UUID: 1111, change.INET4: 1111, change.INET6: 1111,
}

const tableChangesField = `{"type":"array","items":{"type":"struct","fields":[{"type":"string","optional":false,"field":"type"},{"type":"string","optional":false,"field":"id"},` +
	`{"type":"struct","fields":[{"type":"string","optional":true,"field":"defaultCharsetName"},` +
	`{"type":"array","items":{"type":"string","optional":false},"optional":true,"field":"primaryKeyColumnNames"},` +
	`{"type":"array","items":{"type":"struct","fields":[{"type":"string","optional":false,"field":"name"},{"type":"int32","optional":false,"field":"jdbcType"},` +
	`{"type":"int32","optional":true,"field":"nativeType"},{"type":"string","optional":false,"field":"typeName"},{"type":"string","optional":true,"field":"typeExpression"},` +
	`{"type":"string","optional":true,"field":"charsetName"},{"type":"int32","optional":true,"field":"length"},{"type":"int32","optional":true,"field":"scale"},` +
	`{"type":"int32","optional":false,"field":"position"},{"type":"boolean","optional":true,"field":"optional"},{"type":"boolean","optional":true,"field":"autoIncremented"},` +
	`{"type":"boolean","optional":true,"field":"generated"},{"type":"string","optional":true,"field":"comment"},` +
	`{"type":"string","optional":true,"field":"defaultValueExpression"},{"type":"array","items":{"type":"string","optional":false},"optional":true,"field":"enumValues"}],` +
	`"optional":false,"name":"io.debezium.connector.schema.Column","version":1},"optional":false,"field":"columns"},{"type":"string","optional":true,"field":"comment"}],` +
	`"optional":true,"name":"io.debezium.connector.schema.Table","version":1,"field":"table"}],"optional":false,"name":"io.debezium.connector.schema.Change","version":1},` +
	`"optional":false,"field":"tableChanges"}`
