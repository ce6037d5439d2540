package envelope

import (
	"strconv"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// columnType is the column's type as MySQL shows it: decimal(20,6), bigint unsigned, enum('a','b').
func columnType(c *change.Column) string {
	b := []byte(c.Type.String())
	switch c.Type {
	case change.Enum, change.Set:
		b = append(b, '(')
		for i, m := range c.Members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, '\''), strings.ReplaceAll(m, "'", "''")...), '\'')
		}
		b = append(b, ')')
	case change.Numeric:
		if c.Length > 0 {
			b = strconv.AppendInt(append(b, '('), int64(c.Length), 10)
			b = append(strconv.AppendInt(append(b, ','), int64(c.Scale), 10), ')')
		}
	case change.TimeType, change.DateTimeType, change.TimestampType:
		if c.Scale > 0 {
			b = append(strconv.AppendInt(append(b, '('), int64(c.Scale), 10), ')')
		}
	case change.Bit, change.Char, change.VarChar, change.Binary, change.VarBinary:
		if c.Length > 0 {
			b = append(strconv.AppendInt(append(b, '('), int64(c.Length), 10), ')')
		}
	}
	if c.Unsigned {
		b = append(b, " unsigned"...)
	}
	return string(b)
}

var typeAliases = map[string]change.Type{
	"integer": change.Integer, "numeric": change.Numeric, "dec": change.Numeric, "fixed": change.Numeric, "real": change.DoubleType,
	"bool": change.TinyInt, "boolean": change.TinyInt, "character": change.Char, "nvarchar": change.VarChar, "nchar": change.Char,
	"point": change.Geometry, "linestring": change.Geometry, "polygon": change.Geometry, "multipoint": change.Geometry,
	"multilinestring": change.Geometry, "multipolygon": change.Geometry, "geometrycollection": change.Geometry, "geomcollection": change.Geometry,
}

// parseColumnType reads a type as MySQL, Canal and Debezium show it. What it does not know is change.Unknown.
func parseColumnType(name, text string) change.Column {
	c := change.Column{Name: name}
	lower := strings.ToLower(text)
	end := strings.IndexAny(lower, "( ")
	if end < 0 {
		end = len(lower)
	}
	var ok bool
	if c.Type, ok = change.ParseType(lower[:end]); !ok {
		c.Type = typeAliases[lower[:end]]
	}
	rest := lower[end:]
	if c.Type == change.Enum || c.Type == change.Set {
		c.Members = members(text[end:])
		return c
	}
	if strings.HasPrefix(rest, "(") {
		inside, after, _ := strings.Cut(rest[1:], ")")
		rest = after
		first, second, _ := strings.Cut(inside, ",")
		n, err1 := strconv.Atoi(strings.TrimSpace(first))
		m, _ := strconv.Atoi(strings.TrimSpace(second))
		if err1 == nil && n >= 0 && m >= 0 {
			setLength(&c, n, m)
		}
	}
	c.Unsigned = strings.Contains(rest, "unsigned") || strings.Contains(rest, "zerofill")
	if c.Type == change.Bit && c.Length == 0 {
		c.Length = 1
	}
	return c
}

// setLength gives the numbers in the parentheses of a type their places.
func setLength(c *change.Column, n, m int) {
	switch c.Type {
	case change.TimeType, change.DateTimeType, change.TimestampType:
		c.Scale = n
	case change.Numeric:
		c.Length, c.Scale = n, m
	case change.Bit, change.Char, change.VarChar, change.Binary, change.VarBinary:
		c.Length = n
	}
}

// members reads the names of an ENUM or a SET, in quotes, where a quote in a name is doubled.
func members(text string) (names []string) {
	var name strings.Builder
	inside := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '\'':
			if inside {
				name.WriteByte(text[i])
			}
		case !inside:
			inside = true
		case i+1 < len(text) && text[i+1] == '\'':
			name.WriteByte('\'')
			i++
		default:
			inside = false
			names = append(names, name.String())
			name.Reset()
		}
	}
	return names
}
