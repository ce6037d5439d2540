package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// named: the map tells names, signs, charsets, members and the key: binlog_row_metadata is FULL.
func named(m *change.Table) bool {
	return !slices.ContainsFunc(m.Columns, func(c change.Column) bool { return c.Name == "" })
}

// Ambiguous are the indexes of the columns that a map of MariaDB leaves open: texts that may be JSON, bytes that may be a UUID or an address,
// times whose digits are not told. All columns if their names are not told. It is empty if the map tells all.
func Ambiguous(m *change.Table) (columns []int) {
	all := !named(m)
	for i := range m.Columns {
		if c := &m.Columns[i]; all || open(c) {
			columns = append(columns, i)
		}
	}
	return columns
}

func open(c *change.Column) bool {
	switch c.Type {
	case change.LongText:
		return true
	case change.Binary:
		return c.Length == 16 || c.Length == 4
	case change.TimeType, change.DateTimeType, change.TimestampType:
		return c.Scale < 0
	}
	return false
}

// may reports whether what a map calls m can be t.
func may(m *change.Column, t change.Type) bool {
	switch {
	case m.Type == t:
		return true
	case m.Type == change.LongText:
		return t == change.JSONType
	case m.Type == change.Binary && m.Length == 16:
		return t == change.UUID || t == change.INET6
	case m.Type == change.Binary && m.Length == 4:
		return t == change.INET4
	}
	return false
}

// bytesAs is what texts are called in a map that tells no charsets.
var bytesAs = map[change.Type]change.Type{
	change.Char: change.Binary, change.VarChar: change.VarBinary, change.TinyText: change.TinyBlob, change.TextType: change.Blob,
	change.MediumText: change.MediumBlob, change.LongText: change.LongBlob, change.JSONType: change.LongBlob,
}

// Agrees reports whether a table can be the one that a map tells of: nil, or what of it cannot be. What a map leaves open agrees with
// each thing that it may be.
func Agrees(m, t *change.Table) error {
	if len(m.Columns) != len(t.Columns) {
		return fmt.Errorf("it has %d columns, not %d", len(t.Columns), len(m.Columns))
	}
	full := named(m)
	for i := range m.Columns {
		if what := differs(&m.Columns[i], &t.Columns[i], full); what != "" {
			return fmt.Errorf("column %d (%q): %s", i+1, t.Columns[i].Name, what)
		}
	}
	if full && !slices.Equal(m.Key, t.Key) {
		return fmt.Errorf("its key is %s, not %s", keyNames(t, t.Key), keyNames(t, m.Key))
	}
	return nil
}

func keyNames(t *change.Table, key []int) string {
	var names []string
	for _, i := range key {
		if i >= 0 && i < len(t.Columns) {
			names = append(names, t.Columns[i].Name)
		}
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// differs tells what of a column cannot be. Without full neither names nor charsets have to be told.
func differs(m, t *change.Column, full bool) string {
	noCharset := !full && m.Charset == ""
	asBytes := noCharset && bytesAs[t.Type] == m.Type && bytesAs[t.Type] != change.Unknown
	switch {
	case full && m.Name != t.Name:
		return fmt.Sprintf("it is called %q in the binlog", m.Name)
	case !may(m, t.Type) && !asBytes:
		return fmt.Sprintf("it is a %s, and a %s in the binlog", t.Type, m.Type)
	case m.Nullable != t.Nullable:
		return fmt.Sprintf("that it may be NULL is %t, and %t in the binlog", t.Nullable, m.Nullable)
	case full && m.Unsigned != t.Unsigned:
		return fmt.Sprintf("that it has no sign is %t, and %t in the binlog", t.Unsigned, m.Unsigned)
	case m.Scale >= 0 && m.Scale != t.Scale || t.Scale < 0:
		return fmt.Sprintf("it has %d digits after the point, and %d in the binlog", t.Scale, m.Scale)
	case !noCharset && m.Charset != t.Charset:
		return fmt.Sprintf("its charset is %q, and %q in the binlog", t.Charset, m.Charset)
	case asBytes && t.Length > 0 && (m.Length%t.Length != 0 || m.Length/t.Length > 4):
		return fmt.Sprintf("it has %d characters, and %d bytes in the binlog", t.Length, m.Length)
	case m.Type == t.Type && m.Length != t.Length:
		return fmt.Sprintf("its length is %d, and %d in the binlog", t.Length, m.Length)
	case m.Members != nil && !slices.EqualFunc(m.Members, t.Members, sameMember):
		return fmt.Sprintf("its members are %q, and %q in the binlog", t.Members, m.Members)
	}
	return ""
}

// sameMember compares a member's name with that of information_schema, which has a question mark for what UTF-8 writes in four bytes.
func sameMember(m, t string) bool {
	return m == t || t == strings.Map(func(r rune) rune {
		if r > 0xffff {
			return '?'
		}
		return r
	}, m)
}

// Refine is the map's table with what it leaves open as t has it, which Agrees. Neither is changed.
func Refine(m, t *change.Table) *change.Table {
	full := named(m)
	out := &change.Table{Database: m.Database, Name: m.Name, Columns: slices.Clone(m.Columns), Key: m.Key}
	if !full {
		out.Key = t.Key
	}
	for i := range out.Columns {
		c, known := &out.Columns[i], &t.Columns[i]
		if !full {
			members := c.Members
			*c = *known
			if members != nil {
				c.Members = members
			}
			continue
		}
		refine(c, known.Type, known.Scale)
	}
	return out
}

// refine gives a column of a map the type and the digits that it has.
func refine(c *change.Column, t change.Type, scale int) {
	if c.Type != t {
		c.Type = t
		if t != change.JSONType {
			c.Length = 0
		}
	}
	if c.Scale < 0 {
		c.Scale = scale
	}
}
