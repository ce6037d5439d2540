package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

// maxwell reads one row's change. Its time is in seconds.
func (d *Decoder) maxwell(out *Decoded, payload int32) error {
	t := &d.value
	var kind, gtid, position string
	if err := t.members(payload, want{name: "type", text: &kind}, want{name: "gtid", text: &gtid}, want{name: "position", text: &position},
		want{name: "database", text: &out.Database}, want{name: "table", text: &out.Table}, want{name: "sql", text: &out.SQL}); err != nil {
		return err
	}
	c := change.Change{Origin: change.Origin{GTID: gtid}}
	switch kind {
	case "insert":
		c.Op = change.Create
	case "update":
		c.Op = change.Update
	case "delete":
		c.Op = change.Delete
	case "bootstrap-insert":
		c.Op, c.Origin.Snapshot = change.Read, true
	case "bootstrap-start", "bootstrap-complete":
		out.Kind = Mark
		return nil
	case "heartbeat":
		out.Kind = Heartbeat
		return nil
	default:
		if !strings.HasPrefix(kind, "table-") && !strings.HasPrefix(kind, "database-") {
			return &fieldError{"type", fmt.Errorf("%.40q is no kind of change", kind)}
		}
		out.Kind = DDL
		return nil
	}
	out.Kind, out.SQL = Rows, ""
	if err := d.maxwellVersion(&c, payload, position); err != nil {
		return err
	}
	data := t.member(payload, "data")
	if t.kind(data) != '{' {
		return &fieldError{"data", errors.New("the row is missing")}
	}
	s, err := d.maxwellShape(out, payload, data)
	if err != nil {
		return err
	}
	c.Table = s.table
	old := none
	if c.Op == change.Update {
		if old = t.member(payload, "old"); old != none && t.kind(old) != '{' {
			return &fieldError{"old", errors.New("it is no row")}
		}
	}
	if err := d.rowAndOld(&c, s, data, old); err != nil {
		return err
	}
	d.add(&c)
	return nil
}

// maxwellVersion reads the time and the position. Rows of one event have one position: xoffset, the row's number in its
// transaction, tells them apart, or, where Maxwell is not set to write it, the record's offset.
func (d *Decoder) maxwellVersion(c *change.Change, payload int32, position string) error {
	var at, row, server int64
	if err := d.value.members(payload, want{name: "ts", number: &at}, want{name: "xoffset", number: &row}, want{name: "server_id", number: &server}); err != nil {
		return err
	}
	if at < 0 || at > 1<<40 || row < 0 || row > 1<<32-1 || server < 0 || server > 1<<32-1 {
		return &fieldError{"ts", fmt.Errorf("ts %d, xoffset %d or server_id %d is out of bounds", at, row, server)}
	}
	if !d.value.has(payload, "xoffset") {
		row = int64(uint32(d.at.Offset))
	}
	c.Origin.EventTime, c.Origin.ServerID = at*1000, uint32(server)
	told := change.Version{ExecuteTime: at * 1000}
	positioned := false
	if position != "" {
		file, pos, _ := strings.Cut(position, ":")
		offset, err := strconv.ParseUint(pos, 10, 64)
		number, ok := fileNumber(file)
		if err != nil || !ok {
			return &fieldError{"position", fmt.Errorf("%.80q is no file:offset", position)}
		}
		c.Origin.File, positioned = file, true
		told.Position = change.Position{File: number, Offset: offset, Row: uint32(row)}
	}
	if c.Origin.Snapshot {
		told.ExecuteTime = 0 // ts is when the bootstrap read it
	}
	var err error
	c.Version, err = d.version(told, positioned, 0)
	return err
}

// maxwellShape makes the form of the rows out of what is declared. The key is told by primary_key_columns, or by the
// record's key.
func (d *Decoder) maxwellShape(out *Decoded, payload, data int32) (*shape, error) {
	keys, err := d.names(payload, "primary_key_columns")
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		if keys, err = d.keyNames("pk."); err != nil {
			return nil, err
		}
	}
	if len(keys) == 0 {
		keys = d.declaredKey(out)
	}
	d.columns = d.value.columnNames(d.columns[:0], data)
	return d.shapeOf(out.Database, out.Table, keys, d.columns, func() ([]field, error) {
		return d.fieldsOf(data, out.Database, out.Table, maxwellField)
	})
}

func maxwellField(c change.Column) field {
	f := field{column: c, read: readMaxwell}
	switch c.Type {
	case change.Unknown:
		f.read = readAny
	case change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob:
		f.read = readBase64
	case change.JSONType:
		f.read = readDocument
	case change.Set:
		f.read = readSet
	case change.FloatType, change.DoubleType:
		f.read = readFloat
	}
	return f
}

// readMaxwell reads a number or a string by the column's type.
func readMaxwell(f *field, d *Decoder, i int32) (change.Value, error) {
	switch kind := d.value.kind(i); kind {
	case 'n':
		return change.NullValue(), nil
	case '"':
		return textValue(&f.column, d.value.content(i), d.o.Zone)
	case 0:
		return textValue(&f.column, d.digits(i), time.UTC)
	case 't', 'f':
		return textValue(&f.column, []byte{'0' + b2i(kind == 't')}, time.UTC)
	case '{', '[':
		switch f.column.Type {
		case change.Char, change.VarChar, change.TinyText, change.TextType, change.MediumText, change.LongText:
			return change.TextValue(d.value.raw(i)), nil // a document whose target keeps it as characters
		}
	}
	return d.wrong(i, "no value of a column")
}

// readDocument keeps the text of a document.
func readDocument(_ *field, d *Decoder, i int32) (change.Value, error) {
	if d.null(i) {
		return change.NullValue(), nil
	}
	return change.JSONValue(d.value.raw(i)), nil
}

// readSet reads the names of a SET.
func readSet(f *field, d *Decoder, i int32) (change.Value, error) {
	t := &d.value
	if t.kind(i) != '[' {
		return readMaxwell(f, d, i)
	}
	var names [][]byte
	for j := i + 1; j < t.nodes[i].next; j = t.nodes[j].next {
		if t.kind(j) != '"' {
			return d.wrong(j, "no name of a SET")
		}
		names = append(names, t.content(j))
	}
	return change.TextValue(bytes.Join(names, []byte{','})), nil
}
