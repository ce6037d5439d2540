package envelope

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// canal reads a flat message: the rows of one event, in data, and of an update what they were, in old.
func (d *Decoder) canal(out *Decoded, payload int32) error {
	t := &d.value
	var kind, gtid string
	at := int64(-1)
	if err := t.members(payload, want{name: "type", text: &kind}, want{name: "gtid", text: &gtid}, want{name: "database", text: &out.Database},
		want{name: "table", text: &out.Table}, want{name: "sql", text: &out.SQL}, want{name: "es", number: &at}); err != nil {
		return err
	}
	if at < 0 {
		return &fieldError{"es", errors.New("the execute time is missing, or before 1970")}
	}
	c := change.Change{Origin: change.Origin{GTID: gtid, EventTime: at}}
	switch strings.ToUpper(kind) {
	case "INSERT":
		c.Op = change.Create
	case "UPDATE":
		c.Op = change.Update
	case "DELETE":
		c.Op = change.Delete
	case "TRUNCATE":
		out.Kind, c.Op, c.Table = Rows, change.Truncate, &change.Table{Database: out.Database, Name: out.Table}
		var err error
		if c.Version, err = d.version(change.Version{ExecuteTime: at}, false, 0); err == nil {
			d.add(&c)
		}
		return err
	default:
		if t.kind(t.member(payload, "isDdl")) != 't' {
			return &fieldError{"type", fmt.Errorf("%.40q is no kind of change", kind)}
		}
		out.Kind = DDL
		return nil
	}
	out.Kind, out.SQL = Rows, ""
	return d.canalRows(&c, out, payload)
}

func (d *Decoder) canalRows(c *change.Change, out *Decoded, payload int32) error {
	t := &d.value
	data, old := t.member(payload, "data"), t.member(payload, "old")
	if t.kind(data) != '[' || old != none && t.kind(old) != '[' {
		return &fieldError{"data", errors.New("data and old are lists of rows")}
	}
	var s *shape
	before := old + 1
	for n, i := 0, data+1; i < t.nodes[data].next; n, i = n+1, t.nodes[i].next {
		if t.kind(i) != '{' {
			return &fieldError{"data", errors.New("it has an element that is no row")}
		}
		var err error
		if s == nil {
			if s, err = d.canalShape(out, payload, i); err != nil {
				return err
			}
		}
		one := *c
		one.Table = s.table
		var was int32 = none
		if old != none && c.Op == change.Update {
			if before >= t.nodes[old].next {
				return &fieldError{"old", errors.New("it has fewer rows than data")}
			}
			if t.kind(before) == '{' {
				was = before
			}
			before = t.nodes[before].next
		}
		if err := d.rowAndOld(&one, s, i, was); err != nil {
			return err
		}
		if one.Version, err = d.version(change.Version{ExecuteTime: c.Origin.EventTime}, false, n); err != nil {
			return err
		}
		d.add(&one)
	}
	return nil
}

// rowAndOld reads a row, and what of it was different before.
func (d *Decoder) rowAndOld(c *change.Change, s *shape, data, old int32) error {
	row, err := d.row(s, data, nil, "data")
	if err != nil {
		return err
	}
	if c.Op == change.Delete {
		c.Before = row
		return d.exact(s, row, nil)
	}
	if err := d.exact(s, row, nil); err != nil {
		return err
	}
	c.After = row
	if old == none {
		return nil
	}
	if c.Before, err = d.row(s, old, row, "old"); err != nil {
		return err
	}
	return d.exact(s, nil, c.Before)
}

// canalShape makes the form of the rows out of mysqlType, or of what is declared. A column of mysqlType that the row does
// not have is a partial image.
func (d *Decoder) canalShape(out *Decoded, payload, row int32) (*shape, error) {
	t := &d.value
	keys, err := d.names(payload, "pkNames")
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		keys = d.declaredKey(out)
	}
	types := t.member(payload, "mysqlType")
	if types == none {
		d.columns = t.columnNames(d.columns[:0], row)
		return d.shapeOf(out.Database, out.Table, keys, d.columns, func() ([]field, error) {
			return d.fieldsOf(row, out.Database, out.Table, canalField)
		})
	}
	if t.kind(types) != '{' {
		return nil, &fieldError{"mysqlType", errors.New("it is no object")}
	}
	d.columns = t.columnNames(append(d.columns[:0], t.raw(types)...), row)
	return d.shapeOf(out.Database, out.Table, keys, d.columns, func() ([]field, error) {
		var fields []field
		for i := row + 1; i < t.nodes[row].next; i = t.nodes[i].next {
			name := string(t.name(i))
			sql, err := t.textOf(types, name)
			if err != nil {
				return nil, &fieldError{"mysqlType", err}
			}
			c := parseColumnType(name, sql)
			c.Nullable = true
			fields = append(fields, canalField(c))
		}
		for i := types + 1; i < t.nodes[types].next; i = t.nodes[i].next {
			if name := string(t.name(i)); !t.has(row, name) {
				return nil, &fieldError{"data." + name, ErrPartialImage}
			}
		}
		return fields, nil
	})
}

func canalField(c change.Column) field { return field{column: c, read: readTyped} }

// names reads a list of strings.
func (d *Decoder) names(object int32, name string) (names []string, err error) {
	t := &d.value
	list := t.member(object, name)
	if list == none {
		return nil, nil
	}
	if t.kind(list) != '[' {
		return nil, &fieldError{name, errors.New("it is no list")}
	}
	for i := list + 1; i < t.nodes[list].next; i = t.nodes[i].next {
		if t.kind(i) != '"' {
			return nil, &fieldError{name, errNotText}
		}
		names = append(names, t.intern(t.content(i)))
	}
	return names, nil
}
