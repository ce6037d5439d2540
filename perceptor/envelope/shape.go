package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/skein-io/skein/perceptor/change"
)

// shape is the form of a table's rows: its columns, and how each is read.
type shape struct {
	table  *change.Table
	fields []field
}

// shapesMax bounds the forms that are kept, one for each schema of each table, with the schema's text.
const shapesMax = 1_000

// shapeOf finds the form of the rows of a table, or makes it. detail tells forms apart that have the same columns; fields
// makes the columns out of the names.
func (d *Decoder) shapeOf(database, table string, keys []string, detail []byte, fields func() ([]field, error)) (*shape, error) {
	name := append(append(append(d.name[:0], database...), 0), table...)
	for _, k := range keys {
		name = append(append(name, 1), k...)
	}
	d.name = append(append(name, 2), detail...)
	if s, ok := d.shapes[string(d.name)]; ok {
		return s, nil
	}
	made, err := fields()
	if err != nil {
		return nil, err
	}
	t := &change.Table{Database: database, Name: table}
	for i := range made {
		c := &made[i].column
		if t.Column(c.Name) >= 0 {
			return nil, fmt.Errorf("the column %q is there twice", c.Name)
		}
		t.Columns = append(t.Columns, *c)
	}
	for _, k := range keys {
		at := t.Column(k)
		if at < 0 {
			return nil, fmt.Errorf("the column %q of the key is not in the row", k)
		}
		t.Key = append(t.Key, at)
	}
	if len(d.shapes) >= shapesMax {
		clear(d.shapes)
	}
	s := &shape{table: t, fields: made}
	d.shapes[string(d.name)] = s
	return s, nil
}

// declared asks for the columns of a table; nil if nobody knows.
func (d *Decoder) declared(database, table string) *change.Table {
	if d.o.Tables == nil {
		return nil
	}
	return d.o.Tables(database, table)
}

// declaredKey are the names of the columns of the key that is declared, for a record that tells none.
func (d *Decoder) declaredKey(out *Decoded) (names []string) {
	if known := d.declared(out.Database, out.Table); known != nil {
		for _, i := range known.Key {
			names = append(names, known.Columns[i].Name)
		}
	}
	return names
}

// columnNames appends the names in an object, each with its length in front, so that no two lists look the same.
func (t *tape) columnNames(dst []byte, object int32) []byte {
	for i := object + 1; i < t.nodes[object].next; i = t.nodes[i].next {
		name := t.name(i)
		dst = append(append(dst, byte(len(name)), byte(len(name)>>8)), name...)
	}
	return dst
}

// ErrNoColumn is a column that is not where its type was looked for.
var ErrNoColumn = errors.New("there is no such column where it goes to")

// typesError is what ReadOptions.Types could not find out.
type typesError struct{ error }

// fieldsOf makes the fields of a row that tells no types, out of what is declared, or is known of where it goes to. A declared
// column that the row does not have is a partial image.
func (d *Decoder) fieldsOf(object int32, database, table string, make func(change.Column) field) ([]field, error) {
	known := d.declared(database, table)
	var fields []field
	for i := object + 1; i < d.value.nodes[object].next; i = d.value.nodes[i].next {
		name := string(d.value.name(i))
		c := change.Column{Name: name, Nullable: true}
		if known == nil && d.o.Types != nil {
			found, err := d.o.Types(database, table, name)
			if errors.Is(err, ErrNoColumn) {
				return nil, &fieldError{name, err}
			}
			if err != nil {
				return nil, &typesError{err}
			}
			c = found
			c.Name, c.Nullable = name, true
		}
		if known != nil {
			if at := known.Column(name); at >= 0 {
				c = known.Columns[at]
			}
		}
		fields = append(fields, make(c))
	}
	if known != nil {
		for i := range known.Columns {
			name := known.Columns[i].Name
			if !slices.ContainsFunc(fields, func(f field) bool { return f.column.Name == name }) {
				return nil, &fieldError{name, ErrPartialImage}
			}
		}
	}
	return fields, nil
}

// row reads an object of all columns. Where other is given, the object has the columns that differ from it.
func (d *Decoder) row(s *shape, object int32, other change.Row, image string) (change.Row, error) {
	t := &d.value
	if t.kind(object) != '{' {
		return nil, &fieldError{image, fmt.Errorf("it is no row")}
	}
	row := make(change.Row, len(s.fields))
	copy(row, other)
	n := 0
	for i := object + 1; i < t.nodes[object].next; i = t.nodes[i].next {
		name := t.name(i)
		if n >= len(s.fields) || s.fields[n].column.Name != string(name) {
			if n = s.table.Column(string(name)); n < 0 {
				return nil, &fieldError{image + "." + string(name), fmt.Errorf("there is no such column in the rest of the record")}
			}
		}
		v, err := s.fields[n].read(&s.fields[n], d, i)
		if err != nil {
			return nil, &fieldError{image + "." + string(name), err}
		}
		row[n] = v
		n++
	}
	for i := range row {
		if row[i].Kind == change.Missing {
			return nil, &fieldError{image + "." + s.table.Columns[i].Name, ErrPartialImage}
		}
	}
	return row, nil
}

// keyNames are the names of the columns in a record's key, which is an object, with or without a schema. They are valid
// until the next call.
func (d *Decoder) keyNames(prefix string) ([]string, error) {
	if len(d.record.Key) == 0 {
		return nil, nil
	}
	t := &d.key
	if err := t.parse(d.record.Key); err != nil {
		return nil, &fieldError{"key", err}
	}
	object := int32(0)
	if t.has(0, "schema") && t.has(0, "payload") {
		object = t.member(0, "payload")
	}
	if t.kind(object) != '{' {
		return nil, &fieldError{"key", fmt.Errorf("it is no object of the key's columns")}
	}
	d.keys = d.keys[:0]
	for i := object + 1; i < t.nodes[object].next; i = t.nodes[i].next {
		if name, ok := bytes.CutPrefix(t.name(i), []byte(prefix)); ok {
			d.keys = append(d.keys, t.intern(name))
		}
	}
	return d.keys, nil
}
