package rows

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/charset"
)

// Table reads the rows of one table. Nobody changes it.
type Table struct {
	// Schema is what its changes are told to be of.
	Schema  *change.Table
	columns []column
	// documents is how many columns of binary JSON there are: partial updates have a bit for each.
	documents int
}

// column is how a column is read.
type column struct {
	wire     byte
	meta     int
	as       change.Type
	unsigned bool
	scale    int
	charset  *charset.Charset
	members  [][]byte
	width    int // of a BINARY, in bytes
}

// Describe tells a table as far as its map does. missing names what has to be known from elsewhere, and why; empty if that is nothing.
func Describe(m *event.TableMap) (t *change.Table, missing string, err error) {
	t = &change.Table{Database: m.Database, Name: m.Name, Columns: make([]change.Column, len(m.Columns)), Key: m.Key}
	for i := range m.Columns {
		if t.Columns[i], err = describe(&m.Columns[i]); err != nil {
			return nil, "", fmt.Errorf("column %d of table %s: %w", i+1, t, err)
		}
		switch m.Columns[i].Type {
		case event.Time, event.DateTime, event.Timestamp:
			if m.MariaDB {
				t.Columns[i].Scale = -1
				missing = "how many digits after the second column " + t.Columns[i].Name + " has: it is of MariaDB's old format (mysql56_temporal_format=OFF); ALTER TABLE ... FORCE makes it new"
			}
		}
	}
	if !m.Names || !m.Signs {
		missing = "the names of its columns: SET GLOBAL binlog_row_metadata = 'FULL'"
	}
	return t, missing, nil
}

func describe(c *event.Column) (change.Column, error) {
	col := change.Column{Name: c.Name, Nullable: c.Nullable, Unsigned: c.Unsigned, Type: simpleTypes[c.Type]}
	set := charset.Binary
	if c.Collation != 0 {
		var ok bool
		if set, ok = charset.OfCollation(c.Collation); !ok {
			return col, fmt.Errorf("the charset of collation %d is not known", c.Collation)
		}
	}
	if (c.IsCharacter() || c.IsChoice()) && c.Collation != 0 && !set.IsBinary() {
		col.Charset = set.Name
	}
	binary := set.IsBinary()
	switch c.Type {
	case event.Bit:
		col.Length = int(c.Meta)
	case event.NewDecimal:
		col.Length, col.Scale = int(c.Meta>>8), int(c.Meta&0xff)
	case event.Timestamp2, event.DateTime2, event.Time2:
		col.Scale = int(c.Meta)
	case event.VarChar, event.VarString, event.VarCharCompressed, event.String:
		bytes := int(c.Meta)
		if c.Type == event.VarCharCompressed {
			bytes-- // how it is compressed
		}
		col.Length = max(bytes, 0) / set.CharacterBytesMax
		switch fixed := c.Type == event.String; {
		case fixed && binary:
			col.Type = change.Binary
		case fixed:
			col.Type = change.Char
		case binary:
			col.Type = change.VarBinary
		default:
			col.Type = change.VarChar
		}
	case event.Blob, event.TinyBlob, event.MediumBlob, event.LongBlob, event.BlobCompressed:
		if c.Meta < 1 || c.Meta > 4 {
			return col, fmt.Errorf("a blob has lengths of %d bytes", c.Meta)
		}
		types := [...]change.Type{change.TinyText, change.TextType, change.MediumText, change.LongText}
		if binary {
			types = [...]change.Type{change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob}
		}
		col.Type = types[c.Meta-1]
	case event.Enum, event.Set:
		for _, m := range c.Members {
			name, err := set.Append(nil, m)
			if err != nil {
				return col, err
			}
			col.Members = append(col.Members, string(name))
		}
	}
	return col, nil
}

var simpleTypes = [256]change.Type{
	event.Tiny: change.TinyInt, event.Short: change.SmallInt, event.Int24: change.MediumInt, event.Long: change.Integer, event.LongLong: change.BigInt,
	event.Float: change.FloatType, event.Double: change.DoubleType, event.Year: change.Year, event.Date: change.DateType, event.NewDate: change.DateType,
	event.Time: change.TimeType, event.Time2: change.TimeType, event.DateTime: change.DateTimeType, event.DateTime2: change.DateTimeType,
	event.Timestamp: change.TimestampType, event.Timestamp2: change.TimestampType, event.Bit: change.Bit, event.NewDecimal: change.Numeric,
	event.Enum: change.Enum, event.Set: change.Set, event.JSON: change.JSONType, event.Geometry: change.Geometry,
}

// NewTable joins a map and a schema, which Describe made or somebody who knows more. A schema of another moment, whose
// columns are not the map's, is refused.
func NewTable(m *event.TableMap, schema *change.Table) (*Table, error) {
	if len(schema.Columns) != len(m.Columns) {
		return nil, fmt.Errorf("table %s has %d columns in the binlog and %d in the schema that was found for it", schema, len(m.Columns), len(schema.Columns))
	}
	t := &Table{Schema: schema, columns: make([]column, len(m.Columns))}
	for i := range m.Columns {
		c, err := join(&m.Columns[i], &schema.Columns[i])
		if err != nil {
			return nil, fmt.Errorf("column %d (%q) of table %s: %w", i+1, schema.Columns[i].Name, schema, err)
		}
		if c.wire == event.JSON {
			t.documents++
		}
		t.columns[i] = c
	}
	for _, k := range schema.Key {
		if k < 0 || k >= len(t.columns) {
			return nil, fmt.Errorf("the key of table %s has column %d of %d", schema, k+1, len(t.columns))
		}
	}
	return t, nil
}

func join(m *event.Column, s *change.Column) (column, error) {
	c := column{wire: m.Type, meta: int(m.Meta), as: s.Type, unsigned: s.Unsigned, scale: s.Scale, charset: charset.Binary}
	if !fits(m.Type, s.Type) {
		return c, fmt.Errorf("it is of type %d in the binlog, which is no %s: the schema is of another moment", m.Type, s.Type)
	}
	if s.Charset != "" && s.Charset != "binary" {
		var ok bool
		if c.charset, ok = charset.Named(s.Charset); !ok {
			return c, fmt.Errorf("the charset %q is not known", s.Charset)
		}
	}
	switch m.Type {
	case event.Enum, event.Set:
		if len(s.Members) == 0 {
			return c, fmt.Errorf("the names of the %s are not known", s.Type)
		}
		if m.Meta < 1 || m.Meta > 8 || m.Type == event.Enum && m.Meta > 2 {
			return c, fmt.Errorf("a value of the %s has %d bytes", s.Type, m.Meta)
		}
		for _, name := range s.Members {
			c.members = append(c.members, []byte(name))
		}
	case event.Bit:
		if m.Meta < 1 || m.Meta > 64 {
			return c, fmt.Errorf("there is no BIT(%d)", m.Meta)
		}
	case event.Timestamp2, event.DateTime2, event.Time2:
		c.scale = int(m.Meta)
	case event.Blob, event.TinyBlob, event.MediumBlob, event.LongBlob, event.BlobCompressed, event.Geometry, event.JSON:
		if m.Meta < 1 || m.Meta > 4 {
			return c, fmt.Errorf("it has lengths of %d bytes", m.Meta)
		}
	case event.String:
		c.width = int(m.Meta)
	}
	switch s.Type {
	case change.TimeType, change.DateTimeType, change.TimestampType:
		if c.scale < 0 || c.scale > 6 {
			return c, fmt.Errorf("it has %d digits after the second", c.scale)
		}
	}
	return c, nil
}

// fits reports whether a type of the binlog can be that type of the schema.
func fits(wire byte, t change.Type) bool {
	switch wire {
	case event.String:
		return t == change.Char || t == change.Binary || t == change.UUID || t == change.INET6 || t == change.INET4
	case event.VarChar, event.VarString, event.VarCharCompressed:
		return t == change.VarChar || t == change.VarBinary || t == change.JSONType
	case event.Blob, event.TinyBlob, event.MediumBlob, event.LongBlob, event.BlobCompressed:
		return t >= change.TinyText && t <= change.LongText || t >= change.TinyBlob && t <= change.LongBlob || t == change.JSONType || t == change.Geometry
	}
	return simpleTypes[wire] == t
}
