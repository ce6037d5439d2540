package databases

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/schema"
)

// payloadOf is the JSON of a record, with its schema apart.
func payloadOf(t *testing.T, text []byte) (schema, payload map[string]any) {
	t.Helper()
	var all struct{ Schema, Payload map[string]any }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return all.Schema, all.Payload
}

// forget takes away what cannot be the same, and what package change does not know of a column.
func forget(payload map[string]any) {
	delete(payload, "ts_ms")
	source := payload["source"].(map[string]any)
	for _, name := range []string{"version", "ts_ms", "ts_us", "ts_ns", "pos", "server_id", "gtid", "file", "table"} {
		delete(source, name)
	}
	for _, c := range payload["tableChanges"].([]any) {
		table, ok := c.(map[string]any)["table"].(map[string]any)
		if !ok {
			continue
		}
		delete(table, "defaultCharsetName")
		for _, c := range table["columns"].([]any) {
			column := c.(map[string]any)
			for _, name := range []string{"autoIncremented", "generated", "comment", "defaultValueExpression"} {
				delete(column, name)
			}
			if name := column["typeName"].(string); strings.Contains(name, "INT") {
				delete(column, "length") // the display width
			}
			if column["name"] == "j" { // Debezium knows it as it was written
				delete(column, "typeName")
				delete(column, "typeExpression")
				delete(column, "jdbcType")
			}
		}
	}
}

// TestDebeziumStatements: a statement is written as the real Debezium writes it, schema, key and value, field by field.
func TestDebeziumStatements(t *testing.T) {
	d := startDebezium(t, "bigint.unsigned.handling.mode=precise\n")
	d.until("the snapshot", func(r envelope.Record) bool { return strings.Contains(string(r.Value), `"snapshot":"last"`) })
	first := len(d.records)
	ops := map[schema.Kind]envelope.SchemaOp{schema.CreateTable: envelope.SchemaCreate, schema.AlterTable: envelope.SchemaAlter, schema.DropTable: envelope.SchemaDrop, schema.RenameTable: envelope.SchemaRename,
		schema.CreateIndex: envelope.SchemaIndex, schema.CreateDatabase: envelope.SchemaCreate, schema.DropDatabase: envelope.SchemaDrop}
	encoder, err := envelope.NewEncoder(envelope.Options{Format: envelope.Debezium, Schemas: true, Prefix: "dbz", Connector: "mariadb"})
	if err != nil {
		t.Fatal(err)
	}
	var want []envelope.Record
	for _, statement := range []string{
		"ALTER TABLE types ADD COLUMN extra INT", "CREATE TABLE small (id INT AUTO_INCREMENT PRIMARY KEY, d DECIMAL(5,2) UNSIGNED, n VARCHAR(7) CHARACTER SET latin1 NOT NULL, s SET('a','it''s'), ts TIMESTAMP(3) NULL)",
		"CREATE INDEX i ON small (n)", "RENAME TABLE small TO tiny", "ALTER TABLE tiny RENAME teeny", "CREATE DATABASE other", "DROP DATABASE other",
	} {
		d.exec(statement)
		kind, names := schema.ParseDDL("shop", statement)
		name := names[len(names)-1]
		s := &envelope.Statement{Op: ops[kind], Database: name.Database, Table: name.Table, SQL: statement, Version: change.Version{Epoch: 1, ExecuteTime: 1, Position: change.Position{File: 1, Offset: 4}}}
		if name.Table != "" && kind != schema.CreateIndex {
			after, err := catalog.Table(context.Background(), d.db, name.Database, name.Table)
			if err != nil {
				t.Fatal(err)
			}
			op := envelope.SchemaAlter
			if kind == schema.CreateTable {
				op = envelope.SchemaCreate
			}
			s.Changes = []envelope.TableChange{{Op: op, Database: name.Database, Table: name.Table, After: after}}
		}
		if want, err = encoder.EncodeStatement(want, s, 0); err != nil {
			t.Fatal(err)
		}
	}
	d.exec("INSERT INTO types (id) VALUES (999)")
	d.until("the last row", func(r envelope.Record) bool { return strings.Contains(string(r.Value), `"op":"c"`) })
	n := 0
	for _, c := range d.records[first:] {
		if c.topic != "dbz" {
			continue
		}
		if n == len(want) {
			t.Fatalf("more than %d statements: %s", n, c.record.Value)
		}
		ours := want[n]
		n++
		theirSchema, theirs := payloadOf(t, c.record.Value)
		ourSchema, own := payloadOf(t, ours.Value)
		forget(theirs)
		forget(own)
		if !reflect.DeepEqual(theirSchema, ourSchema) {
			t.Errorf("the schema is\n%v, not\n%v", ourSchema, theirSchema)
		}
		if !reflect.DeepEqual(theirs, own) {
			a, _ := json.Marshal(own)
			b, _ := json.Marshal(theirs)
			t.Errorf("it is\n%s, not\n%s", a, b)
		}
		theirSchema, theirs = payloadOf(t, c.record.Key)
		if ourSchema, own = payloadOf(t, ours.Key); !reflect.DeepEqual(theirSchema, ourSchema) || !reflect.DeepEqual(theirs, own) {
			t.Errorf("the key is %s, not %s", ours.Key, c.record.Key)
		}
	}
	if n != len(want) {
		t.Errorf("%d statements of %d", n, len(want))
	}
}
