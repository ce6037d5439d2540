package envelope

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/skein-io/skein/perceptor/change"
)

// knownSchema is the schema of the record that is read: a node of the tape, or, if it is the one of the record before, its
// text alone, which is not read again.
type knownSchema struct {
	node int32
	// text is the value up to its payload, and row the text of the schema of its rows.
	text, row []byte
}

const (
	schemaFront  = `{"schema":`
	payloadFront = `,"payload":`
)

// payload reads the value and finds what is within the schema, if it has one.
func (d *Decoder) payload() (int32, error) {
	t, value := &d.value, d.record.Value
	if n := len(d.schema.text); n > 0 && bytes.HasPrefix(value, d.schema.text) && value[len(value)-1] == '}' {
		d.schema.node = 0
		return 0, t.parse(value[n : len(value)-1])
	}
	d.schema = knownSchema{node: none}
	if err := t.parse(value); err != nil {
		return none, err
	}
	if t.kind(0) != '{' {
		return none, errors.New("it is no JSON object")
	}
	if !t.has(0, "payload") || !t.has(0, "schema") {
		return 0, nil
	}
	schema, payload := t.member(0, "schema"), t.member(0, "payload")
	if t.kind(payload) != '{' || t.kind(schema) != '{' && schema != none {
		return none, &fieldError{"payload", errors.New("schema and payload are no objects")}
	}
	if d.schema.node = schema; schema != none {
		d.rowSchema(schema)
		if from := int(t.nodes[payload].from); string(value[:min(len(value), len(schemaFront))]) == schemaFront &&
			bytes.Equal(value[t.nodes[schema].to:from], []byte(payloadFront)) && int(t.nodes[payload].to) == len(value)-1 {
			d.schema.text = bytes.Clone(value[:from])
		}
		d.schema.row = bytes.Clone(d.schema.row)
	}
	return payload, nil
}

// rowSchema finds the schema of the rows: of the field after, or before.
func (d *Decoder) rowSchema(schema int32) {
	t := &d.value
	fields := t.member(schema, "fields")
	if t.kind(fields) != '[' {
		return
	}
	for i := fields + 1; i < t.nodes[fields].next; i = t.nodes[i].next {
		if name, _ := t.textOf(i, "field"); name == "after" || name == "before" {
			d.schema.row = t.raw(i)
		}
	}
}

func isHeartbeat(t *tape, payload int32) bool {
	return payload != none && t.has(payload, "ts_ms") && t.nodes[payload].next == payload+2
}

// debezium reads the envelope, and the other records that Debezium writes.
func (d *Decoder) debezium(out *Decoded, payload int32) error {
	t := &d.value
	switch {
	case isHeartbeat(t, payload):
		out.Kind = Heartbeat
		return nil
	case t.has(payload, "status") && t.has(payload, "event_count"):
		out.Kind = Mark
		return nil
	case t.has(payload, "ddl"):
		out.Kind = DDL
		return t.members(payload, want{name: "ddl", text: &out.SQL}, want{name: "databaseName", text: &out.Database})
	}
	var op string
	source, before, after := none, none, none
	if err := t.members(payload, want{name: "op", text: &op}, want{name: "source", node: &source}, want{name: "before", node: &before}, want{name: "after", node: &after}); err != nil {
		return err
	}
	if op == "m" {
		out.Kind = Mark
		return nil
	}
	if t.kind(source) != '{' {
		return &fieldError{"source", errors.New("it is missing: a record that was flattened tells no position")}
	}
	c := change.Change{}
	if err := d.debeziumSource(&c, out, source); err != nil {
		return err
	}
	out.Kind = Rows
	switch op {
	case "c":
		c.Op = change.Create
	case "u":
		c.Op = change.Update
	case "d":
		c.Op = change.Delete
	case "r":
		c.Op = change.Read
	case "t":
		c.Op, c.Table = change.Truncate, &change.Table{Database: out.Database, Name: out.Table}
		d.add(&c)
		return nil
	default:
		return &fieldError{"op", fmt.Errorf("%.40q is no operation", op)}
	}
	return d.debeziumRows(&c, out, before, after)
}

func (d *Decoder) debeziumRows(c *change.Change, out *Decoded, before, after int32) error {
	t := &d.value
	image, name := after, "after"
	if c.Op == change.Delete {
		image, name, after = before, "before", none
	}
	if t.kind(image) != '{' {
		return &fieldError{name, errors.New("the row is missing")}
	}
	keys, err := d.keyNames("")
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		keys = d.declaredKey(out)
	}
	s, err := d.debeziumShape(out, image, keys)
	if err != nil {
		return err
	}
	c.Table = s.table
	if after != none {
		if c.After, err = d.row(s, after, nil, "after"); err != nil {
			return err
		}
	}
	if before != none {
		if c.Before, err = d.row(s, before, nil, "before"); err != nil {
			return err
		}
	}
	if err := d.exact(s, c.After, c.Before); err != nil {
		return err
	}
	d.add(c)
	return nil
}

// debeziumShape makes the form of rows out of the schema, or of what is declared.
func (d *Decoder) debeziumShape(out *Decoded, image int32, keys []string) (*shape, error) {
	if d.schema.row == nil {
		d.columns = d.value.columnNames(d.columns[:0], image)
		return d.shapeOf(out.Database, out.Table, keys, d.columns, func() ([]field, error) {
			return d.fieldsOf(image, out.Database, out.Table, d.plainField)
		})
	}
	return d.shapeOf(out.Database, out.Table, keys, d.schema.row, func() ([]field, error) {
		var t tape
		if err := t.parse(d.schema.row); err != nil {
			return nil, err
		}
		list := t.member(0, "fields")
		if t.kind(list) != '[' {
			return nil, &fieldError{"schema", errors.New("the rows have no fields")}
		}
		var fields []field
		for i := list + 1; i < t.nodes[list].next; i = t.nodes[i].next {
			f, err := schemaField(&t, i)
			if err != nil {
				return nil, &fieldError{"schema", err}
			}
			fields = append(fields, f)
		}
		return fields, nil
	})
}

// debeziumSource reads the table, where the change was found, and its version.
func (d *Decoder) debeziumSource(c *change.Change, out *Decoded, source int32) error {
	var file, gtid string
	var at, pos, row, server int64
	snapshot := none
	if err := d.value.members(source, want{name: "db", text: &out.Database}, want{name: "table", text: &out.Table}, want{name: "file", text: &file},
		want{name: "gtid", text: &gtid}, want{name: "ts_ms", number: &at}, want{name: "pos", number: &pos}, want{name: "row", number: &row},
		want{name: "server_id", number: &server}, want{name: "snapshot", node: &snapshot}); err != nil {
		return err
	}
	if pos < 0 || row < 0 || row > 1<<32-1 || server < 0 || server > 1<<32-1 {
		return &fieldError{"source", fmt.Errorf("pos %d, row %d or server_id %d is out of bounds", pos, row, server)}
	}
	c.Origin = change.Origin{ServerID: uint32(server), File: file, GTID: gtid, EventTime: at, Snapshot: d.snapshot(snapshot)}
	number, numbered := fileNumber(file)
	told := change.Version{ExecuteTime: at, Position: change.Position{File: number, Offset: uint64(pos), Row: uint32(row)}}
	if c.Origin.Snapshot {
		told.ExecuteTime = 0
	}
	var err error
	c.Version, err = d.version(told, numbered, 0)
	return err
}

// snapshot reads source.snapshot: a word, or, in old versions, a boolean.
func (d *Decoder) snapshot(i int32) bool {
	switch d.value.kind(i) {
	case 'n', 'f':
		return false
	case '"':
		return string(d.value.content(i)) != "false"
	}
	return true
}
