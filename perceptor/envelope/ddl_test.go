package envelope

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

var altered = &Statement{
	Op: SchemaAlter, Database: "shop", Table: "orders", SQL: "ALTER TABLE orders ADD \"x\" ENUM('a','it''s')",
	Changes: []TableChange{{Op: SchemaAlter, Database: "shop", Table: "orders", After: &change.Table{Database: "shop", Name: "orders", Key: []int{0}, Columns: []change.Column{
		{Name: "id", Type: change.BigInt, Unsigned: true}, {Name: "x", Type: change.Enum, Charset: "utf8mb4", Members: []string{"a", "it's"}, Nullable: true},
		{Name: "n", Type: change.Numeric, Length: 5, Scale: 0}, {Name: "at", Type: change.DateTimeType, Scale: 3}, {Name: "v", Type: change.VarChar, Length: 7, Charset: "latin1"}}}}},
	Version: change.Version{Epoch: 1, ExecuteTime: 1700000000000, Position: change.Position{File: 3, Offset: 77}},
	Origin:  change.Origin{ServerID: 5, File: "binlog.000003", GTID: "0-1-9", EventTime: 1700000000000},
}

func TestStatements(t *testing.T) {
	drop := *altered
	drop.Op, drop.SQL, drop.Changes = SchemaDrop, "DROP TABLE orders", []TableChange{{Op: SchemaDrop, Database: "shop", Table: `or"ders`}}
	database := Statement{Op: SchemaCreate, Database: "shop", SQL: "CREATE DATABASE shop", Version: altered.Version, Origin: change.Origin{EventTime: 5}}
	truncate := Statement{Op: SchemaTruncate, Database: "shop", Table: "orders", SQL: "TRUNCATE orders", Version: altered.Version}
	for _, c := range []struct {
		format     Format
		s          *Statement
		key, value string
	}{
		{Debezium, altered, `{"databaseName":"shop"}`, `{"source":{"version":"skein","connector":"mysql","name":"skein","ts_ms":1700000000000,"snapshot":"false","db":"shop","sequence":null,"ts_us":1700000000000000,"ts_ns":1700000000000000000,` +
			`"table":"orders","server_id":5,"gtid":"0-1-9","file":"binlog.000003","pos":77,"row":0,"thread":null,"query":null},"ts_ms":8,"databaseName":"shop","schemaName":null,"ddl":"ALTER TABLE orders ADD \"x\" ENUM('a','it''s')",` +
			`"tableChanges":[{"type":"ALTER","id":"\"shop\".\"orders\"","table":{"defaultCharsetName":null,"primaryKeyColumnNames":["id"],"columns":[` +
			`{"name":"id","jdbcType":-5,"nativeType":null,"typeName":"BIGINT UNSIGNED","typeExpression":"BIGINT UNSIGNED","charsetName":null,"length":null,"scale":null,"position":1,"optional":false,"autoIncremented":null,"generated":null,"comment":null,"defaultValueExpression":null,"enumValues":null},` +
			`{"name":"x","jdbcType":1,"nativeType":null,"typeName":"ENUM","typeExpression":"ENUM","charsetName":"utf8mb4","length":1,"scale":null,"position":2,"optional":true,"autoIncremented":null,"generated":null,"comment":null,"defaultValueExpression":null,"enumValues":["'a'","'it''s'"]},` +
			`{"name":"n","jdbcType":3,"nativeType":null,"typeName":"DECIMAL","typeExpression":"DECIMAL","charsetName":null,"length":5,"scale":0,"position":3,"optional":false,"autoIncremented":null,"generated":null,"comment":null,"defaultValueExpression":null,"enumValues":null},` +
			`{"name":"at","jdbcType":93,"nativeType":null,"typeName":"DATETIME","typeExpression":"DATETIME","charsetName":null,"length":3,"scale":null,"position":4,"optional":false,"autoIncremented":null,"generated":null,"comment":null,"defaultValueExpression":null,"enumValues":null},` +
			`{"name":"v","jdbcType":12,"nativeType":null,"typeName":"VARCHAR","typeExpression":"VARCHAR","charsetName":"latin1","length":7,"scale":null,"position":5,"optional":false,"autoIncremented":null,"generated":null,"comment":null,"defaultValueExpression":null,"enumValues":null}],"comment":null}}]}`},
		{Debezium, &drop, `{"databaseName":"shop"}`, `...,"ddl":"DROP TABLE orders","tableChanges":[{"type":"DROP","id":"\"shop\".\"or\"\"ders\"","table":null}]}`},
		{Debezium, &database, `{"databaseName":"shop"}`, `...,"table":null,"server_id":0,"gtid":null,"file":"","pos":77,"row":0,"thread":null,"query":null},"ts_ms":8,"databaseName":"shop","schemaName":null,"ddl":"CREATE DATABASE shop","tableChanges":[]}`},
		{Canal, altered, "", `{"data":null,"database":"shop","es":1700000000000,"gtid":"0-1-9","id":0,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":"ALTER TABLE orders ADD \"x\" ENUM('a','it''s')","sqlType":null,"table":"orders","ts":8,"type":"ALTER"}`},
		{Canal, &drop, "", `...,"table":"orders","ts":8,"type":"ERASE"}`}, {Canal, &database, "", `...,"table":"","ts":8,"type":"QUERY"}`},
		{Maxwell, altered, "", `{"type":"table-alter","database":"shop","table":"orders","def":{"database":"shop","table":"orders","columns":[{"type":"bigint","name":"id","signed":false},{"type":"enum","name":"x","enum-values":["a","it's"]},{"type":"decimal","name":"n"},` +
			`{"type":"datetime","name":"at","column-length":3},{"type":"varchar","name":"v","charset":"latin1"}],"primary-key":["id"]},"ts":1700000000000,"sql":"ALTER TABLE orders ADD \"x\" ENUM('a','it''s')","position":"binlog.000003:77","gtid":"0-1-9"}`},
		{Maxwell, &drop, "", `{"type":"table-drop","database":"shop","table":"orders","ts":1700000000000,...`}, {Maxwell, &database, "", `{"type":"database-create","database":"shop","ts":5,"sql":"CREATE DATABASE shop"}`},
		{Maxwell, &truncate, "", ""},
	} {
		for _, schemas := range []bool{false, true} {
			e, _ := NewEncoder(Options{Format: c.format, Schemas: schemas})
			got, err := e.EncodeStatement(nil, c.s, 8)
			if err != nil || len(got) > 1 || (len(got) == 0) != (c.value == "") {
				t.Fatal(got, err)
			}
			if len(got) == 0 {
				continue
			}
			r := got[0]
			if !json.Valid(r.Value) {
				t.Errorf("%s: %s", c.format, r.Value)
			}
			d, _ := NewDecoder(ReadOptions{})
			out, err := d.Decode(Place{}, &r)
			if err != nil || out.Kind != DDL || out.Format != c.format || out.SQL != c.s.SQL || out.Database != "shop" {
				t.Errorf("it is read as %+v, %v", out, err)
			}
			if string(r.Headers[0].Value) != "1:1700000000000:3:77:0" {
				t.Errorf("%s", r.Headers[0].Value)
			}
			if schemas && c.format == Debezium {
				if !json.Valid(r.Key) {
					t.Errorf("%s", r.Key)
				}
				continue
			}
			before, after, partly := strings.Cut(c.value, "...")
			if string(r.Key) != c.key || !partly && string(r.Value) != c.value || !strings.HasPrefix(string(r.Value), before) || !strings.HasSuffix(string(r.Value), after) {
				t.Errorf("%s:\n%s\n%s, not\n%s", c.format, r.Key, r.Value, c.value)
			}
		}
	}
}

func TestStatementRefused(t *testing.T) {
	e, _ := NewEncoder(Options{Format: Debezium})
	for _, s := range []*Statement{{}, {Op: SchemaAlter, SQL: "x"}, {Op: schemaEnd, Database: "d"}} {
		if got, err := e.EncodeStatement(nil, s, 0); err == nil || len(got) > 0 {
			t.Errorf("%+v is written", s)
		}
	}
}
