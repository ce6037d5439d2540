package catalog

import (
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// definition is a row of information_schema.COLUMNS.
type definition struct {
	name, dataType, columnType, charset string
	nullable                            bool
	length, precision, scale, digits    int64
}

// kinds are the names of types that change.ParseType does not know.
var kinds = map[string]change.Type{
	"point": change.Geometry, "linestring": change.Geometry, "polygon": change.Geometry, "multipoint": change.Geometry,
	"multilinestring": change.Geometry, "multipolygon": change.Geometry, "geometrycollection": change.Geometry, "geomcollection": change.Geometry,
}

// column is what the definition means. What the binlog does not tell of a type, such as the display width of a number, is left out.
func (d *definition) column() (change.Column, error) {
	c := change.Column{Name: d.name, Nullable: d.nullable}
	kind := strings.ToLower(d.dataType)
	var ok bool
	if c.Type, ok = change.ParseType(kind); !ok {
		if c.Type, ok = kinds[kind]; !ok {
			return c, fmt.Errorf("column %q is of type %s, which is not known", d.name, d.columnType)
		}
	}
	switch c.Type {
	case change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt, change.FloatType, change.DoubleType:
		c.Unsigned = unsigned(d.columnType)
	case change.Numeric:
		c.Unsigned, c.Length, c.Scale = unsigned(d.columnType), int(d.precision), int(d.scale)
	case change.Bit:
		c.Length = int(d.precision)
	case change.Char, change.VarChar, change.Binary, change.VarBinary:
		c.Length = int(d.length)
	case change.TimeType, change.DateTimeType, change.TimestampType:
		c.Scale = int(d.digits)
	case change.Enum, change.Set:
		if c.Members, ok = members(d.columnType); !ok {
			return c, fmt.Errorf("column %q: %.200q is no list of members", d.name, d.columnType)
		}
	}
	switch d.charset {
	case "", "binary":
	case "utf8":
		c.Charset = "utf8mb3"
	default:
		c.Charset = d.charset
	}
	return c, nil
}

func unsigned(columnType string) bool {
	_, after, _ := strings.Cut(strings.ToLower(columnType), " ")
	return strings.Contains(after, "unsigned") || strings.Contains(after, "zerofill")
}

// members reads enum('a','b”c'). A quote in a name is doubled; a backslash, a zero byte and the ends of lines are escaped.
func members(columnType string) (names []string, ok bool) {
	at := strings.IndexByte(columnType, '(')
	if at < 0 {
		return nil, false
	}
	rest := columnType[at+1:]
	for {
		if !strings.HasPrefix(rest, "'") {
			return nil, false
		}
		rest = rest[1:]
		var name strings.Builder
		for {
			i := strings.IndexAny(rest, `'\`)
			if i < 0 || i+1 >= len(rest) {
				return nil, false
			}
			name.WriteString(rest[:i])
			first, second := rest[i], rest[i+1]
			if first == '\'' && second != '\'' {
				rest = rest[i+1:]
				break
			}
			if first == '\\' {
				switch second {
				case '0':
					second = 0
				case 'n':
					second = '\n'
				case 'r':
					second = '\r'
				}
			}
			name.WriteByte(second)
			rest = rest[i+2:]
		}
		names = append(names, name.String())
		switch rest[0] {
		case ')':
			return names, true
		case ',':
			rest = rest[1:]
		default:
			return nil, false
		}
	}
}
