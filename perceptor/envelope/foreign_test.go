package envelope

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

// say tells a record as one line a change.
func say(out Decoded) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", out.Format, out.Kind)
	if out.SQL != "" {
		fmt.Fprintf(&b, " %s: %s", out.Database, out.SQL)
	}
	for _, c := range out.Changes {
		fmt.Fprintf(&b, "\n%s %s [%d %d %s]", c.Op, c.Table, c.Version.Epoch, c.Version.ExecuteTime, c.Version.Position)
		for _, image := range []struct {
			name string
			row  change.Row
		}{{"was", c.Before}, {"is", c.After}} {
			if image.row == nil {
				continue
			}
			fmt.Fprintf(&b, " %s", image.name)
			for i, v := range image.row {
				fmt.Fprintf(&b, " %s=%s", c.Table.Columns[i].Name, v)
			}
		}
	}
	return b.String()
}

func shopOrders(database, table string) *change.Table {
	if table != "orders" {
		return nil
	}
	return &change.Table{Database: database, Name: table, Key: []int{0}, Columns: []change.Column{
		{Name: "id", Type: change.BigInt, Unsigned: true}, {Name: "at", Type: change.TimestampType, Nullable: true},
		{Name: "price", Type: change.Numeric, Length: 10, Scale: 2, Nullable: true}, {Name: "raw", Type: change.Blob, Nullable: true},
	}}
}

// Records as the formats' documentation describes them.
func TestForeign(t *testing.T) {
	const source = `"source":{"version":"2.7.0.Final","connector":"mysql","name":"shop","ts_ms":1589362330000,"snapshot":"false","db":"shop","table":"orders","server_id":223344,"gtid":null,"file":"mysql-bin.000003","pos":484,"row":3,"thread":7,"query":null}`
	declared := ReadOptions{Tables: shopOrders, Epoch: 4}
	for _, c := range []struct {
		name       string
		o          ReadOptions
		key, value string
		want       string
	}{
		{"debezium without schema", declared, `{"id":1004}`,
			`{"before":null,"after":{"id":1004,"at":"2020-05-13T09:32:10Z","price":"TiA=","raw":"AAE="},` + source + `,"op":"c","ts_ms":1589362330904,"transaction":null}`,
			"debezium rows\ncreate shop.orders [4 1589362330000 3:484:3] is id=1004 at=2020-05-13 09:32:10.000000 price=200.00 raw=\x00\x01"},
		{"debezium without any types", ReadOptions{}, `{"id":1004}`,
			`{"before":null,"after":{"id":1004,"big":18446744073709551615,"f":1.10,"b":true,"s":"x","n":null},` + source + `,"op":"c","ts_ms":1}`,
			"debezium rows\ncreate shop.orders [0 1589362330000 3:484:3] is id=1004 big=18446744073709551615 f=1.10 b=1 s=x n=NULL"},
		{"debezium's snapshot is older than every change", ReadOptions{}, `{"id":1}`,
			`{"before":null,"after":{"id":1},` + strings.Replace(source, `"false"`, `"first"`, 1) + `,"op":"r","ts_ms":1}`,
			"debezium rows\nread shop.orders [0 0 3:484:3] is id=1"},
		{"debezium by position", ReadOptions{Order: ByPosition}, `{"id":1}`, `{"before":{"id":1},"after":null,` + source + `,"op":"d"}`,
			"debezium rows\ndelete shop.orders [0 0 3:484:3] was id=1"},
		{"debezium by offset", ReadOptions{Order: ByOffset}, `{"id":1}`, `{"before":{"id":1},"after":null,` + source + `,"op":"d"}`,
			"debezium rows\ndelete shop.orders [0 0 0:42:0] was id=1"},
		{"debezium's truncate", ReadOptions{}, ``, `{"before":null,"after":null,` + source + `,"op":"t","ts_ms":1}`,
			"debezium rows\ntruncate shop.orders [0 1589362330000 3:484:3]"},
		{"debezium's heartbeat", ReadOptions{}, `{"serverName":"shop"}`, `{"ts_ms":1589362330904}`, "debezium heartbeat"},
		{"debezium's transaction", ReadOptions{}, `{"id":"x"}`, `{"status":"END","id":"x","event_count":2,"data_collections":[{"data_collection":"a.b","event_count":2}]}`, "debezium mark"},
		{"debezium's message", ReadOptions{}, ``, `{"op":"m","ts_ms":1,"source":{},"message":{"prefix":"p","content":"AA=="}}`, "debezium mark"},
		{"debezium's schema change", ReadOptions{}, `{"databaseName":"shop"}`, `{"source":{"db":"shop"},"ts_ms":1,"databaseName":"shop","schemaName":null,"ddl":"ALTER TABLE t ADD c INT","tableChanges":[]}`,
			"debezium ddl shop: ALTER TABLE t ADD c INT"},
		{"canal with several rows", ReadOptions{Zone: time.FixedZone("", 8*3600)}, ``,
			`{"data":[{"id":"1","name":"a","at":"2020-05-13 17:32:10","b":"\u0000\u00ff","e":"2"},{"id":"2","name":null,"at":null,"b":null,"e":null}],"database":"shop","es":1589373560000,"gtid":"","id":9,"isDdl":false,` +
				`"mysqlType":{"id":"bigint(20) unsigned","name":"varchar(255)","at":"timestamp","b":"blob","e":"enum('x','y')"},"old":[{"name":"b"},{"name":"c"}],"pkNames":["id"],"sql":"","sqlType":{"id":-5},"table":"t","ts":1589373560798,"type":"UPDATE"}`,
			"canal rows\nupdate shop.t [0 1589373560000 0:42:0] was id=1 name=b at=2020-05-13 09:32:10.000000 b=\x00\xff e=y is id=1 name=a at=2020-05-13 09:32:10.000000 b=\x00\xff e=y" +
				"\nupdate shop.t [0 1589373560000 0:42:1] was id=2 name=c at=NULL b=NULL e=NULL is id=2 name=NULL at=NULL b=NULL e=NULL"},
		{"canal with a key that changed", ReadOptions{}, ``,
			`{"data":[{"id":"2","n":"x"}],"database":"shop","es":5,"isDdl":false,"mysqlType":{"id":"int","n":"text"},"old":[{"id":"1"}],"pkNames":["id"],"table":"t","ts":6,"type":"UPDATE"}`,
			"canal rows\ndelete shop.t [0 5 0:42:0] was id=1 n=x\ncreate shop.t [0 5 0:42:0] is id=2 n=x"},
		{"canal without a key, where one is declared", declared, ``,
			`{"data":[{"id":"2","at":null,"price":"1.10","raw":"\u00ff"}],"database":"shop","es":5,"isDdl":false,"mysqlType":null,"old":null,"pkNames":null,"table":"orders","ts":6,"type":"INSERT"}`,
			"canal rows\ncreate shop.orders [4 5 0:42:0] is id=2 at=NULL price=1.10 raw=\xff"},
		{"canal's ddl", ReadOptions{}, ``, `{"data":null,"database":"shop","es":1,"id":0,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":"CREATE DATABASE shop","table":"","ts":2,"type":"QUERY"}`,
			"canal ddl shop: CREATE DATABASE shop"},
		{"maxwell's insert", declared, ``,
			`{"database":"shop","table":"orders","type":"insert","ts":1477053217,"xid":23396,"commit":true,"position":"master.000006:800911","server_id":23042,"thread_id":108,"primary_key":[1],"primary_key_columns":["id"],` +
				`"data":{"id":1,"at":"2016-10-21 05:33:37","price":4.20,"raw":"AAE="}}`,
			"maxwell rows\ncreate shop.orders [4 1477053217000 6:800911:42] is id=1 at=2016-10-21 05:33:37.000000 price=4.20 raw=\x00\x01"},
		{"maxwell's update, with its row number", ReadOptions{}, `{"database":"shop","table":"e","pk.id":1}`,
			`{"database":"shop","table":"e","type":"update","ts":1477053234,"xid":23801,"xoffset":5,"position":"master.000006:800911","data":{"id":1,"m":5.444,"c":"x"},"old":{"m":4.2341,"c":null}}`,
			"maxwell rows\nupdate shop.e [0 1477053234000 6:800911:5] was id=1 m=4.2341 c=NULL is id=1 m=5.444 c=x"},
		{"maxwell without a position", ReadOptions{}, `{"database":"shop","table":"e","pk.id":1}`,
			`{"database":"shop","table":"e","type":"delete","ts":7,"data":{"id":1}}`, "maxwell rows\ndelete shop.e [0 7000 0:42:0] was id=1"},
		{"maxwell's bootstrap", ReadOptions{}, `{"pk.id":1}`, `{"database":"shop","table":"e","type":"bootstrap-insert","ts":7,"data":{"id":1}}`, "maxwell rows\nread shop.e [0 0 0:42:0] is id=1"},
		{"maxwell's bootstrap begins", ReadOptions{}, ``, `{"database":"shop","table":"e","type":"bootstrap-start","ts":7,"data":{}}`, "maxwell mark"},
		{"maxwell's ddl", ReadOptions{}, ``, `{"type":"table-alter","database":"shop","table":"e","old":{},"def":{},"ts":1477053308000,"sql":"ALTER TABLE e ADD x INT"}`, "maxwell ddl shop: ALTER TABLE e ADD x INT"},
	} {
		d, err := NewDecoder(c.o)
		if err != nil {
			t.Fatal(err)
		}
		r := Record{Key: []byte(c.key), Value: []byte(c.value)}
		out, err := d.Decode(Place{"orders", 3, 42}, &r)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := say(out); got != c.want {
			t.Errorf("%s:\n%q, not\n%q", c.name, got, c.want)
		}
	}
	d, _ := NewDecoder(ReadOptions{})
	if out, err := d.Decode(Place{}, &Record{Key: []byte(`{"id":1}`)}); err != nil || out.Kind != Tombstone {
		t.Errorf("a tombstone: %v, %v", out, err)
	}
}

// Where a record goes to tells the types that it does not tell itself. That it cannot be asked is no fault of the record.
func TestTypes(t *testing.T) {
	away := errors.New("the server is away")
	asked := []string{}
	d, err := NewDecoder(ReadOptions{Types: func(database, table, column string) (change.Column, error) {
		asked = append(asked, column)
		switch {
		case table == "away":
			return change.Column{}, away
		case column == "none":
			return change.Column{}, fmt.Errorf("%w: table %s.%s", ErrNoColumn, database, table)
		case column == "other":
			return change.Column{}, nil
		}
		types := map[string]string{"id": "bigint unsigned", "raw": "blob", "tags": "set('a','b')", "at": "timestamp(3)", "doc": "varchar(99)", "price": "decimal(9,2)", "day": "date"}
		return parseColumnType("Name", types[column]), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	const source = `"source":{"db":"shop","table":"e","ts_ms":7,"file":"b.000001","pos":4,"row":0,"snapshot":"false"}`
	const maxwell = `{"database":"shop","table":"%s","type":"insert","ts":7,"primary_key_columns":["id"],"data":{"id":1,%s}}`
	for _, c := range []struct{ value, want string }{
		{fmt.Sprintf(maxwell, "e", `"raw":"AAE=","tags":["a","b"],"at":"2024-05-06 07:08:09.5","doc":{"x": [1]},"other":"AAE="`),
			"maxwell rows\ncreate shop.e [0 7000 0:42:0] is id=1 raw=\x00\x01 tags=a,b at=2024-05-06 07:08:09.500000 doc={\"x\": [1]} other=AAE="},
		{`{"op":"c","before":null,"after":{"id":1,"price":"TiA=","day":19000},` + source + `}`,
			"debezium rows\ncreate shop.e [0 7 1:4:0] is id=1 price=200.00 day=2022-01-08"},
	} {
		out, err := d.Decode(Place{"e", 3, 42}, &Record{Key: []byte(`{"id":1}`), Value: []byte(c.value)})
		if got := say(out); err != nil || got != c.want {
			t.Errorf("%q, not\n%q: %v", got, c.want, err)
		}
	}
	var wrong *Error
	for range 2 {
		asked = nil
		_, err = d.Decode(Place{"e", 3, 42}, &Record{Value: fmt.Appendf(nil, maxwell, "away", `"raw":""`)})
		if err == nil || !errors.Is(err, away) || errors.As(err, &wrong) || len(asked) != 1 {
			t.Errorf("away: %v, asked for %v", err, asked)
		}
		_, err = d.Decode(Place{"e", 3, 42}, &Record{Value: fmt.Appendf(nil, maxwell, "e", `"none":""`)})
		if !errors.As(err, &wrong) || wrong.Field != "none" || !errors.Is(err, ErrNoColumn) || len(asked) != 3 {
			t.Errorf("a column that is not there: %v, asked for %v", err, asked)
		}
	}
}

// What cannot be read says where it lies and what is wrong.
func TestRefused(t *testing.T) {
	const source = `"source":{"db":"shop","table":"orders","ts_ms":1,"file":"b.000001","pos":4,"row":0,"snapshot":"false"}`
	const canal = `"database":"shop","table":"t","es":1,"isDdl":false,"pkNames":["id"],`
	for _, c := range []struct{ what, key, value, want string }{
		{"nothing", ``, ``, "broken JSON at byte 0: it ends too early"},
		{"no JSON", ``, `<xml/>`, "broken JSON at byte 0: no value begins here"},
		{"cut off", ``, `{"op":"c","after":{`, "broken JSON at byte 19"},
		{"two values", ``, `{} {}`, "something follows"},
		{"a list", ``, `[1]`, "no JSON object"},
		{"another format", ``, `{"id":1,"name":"x"}`, "none of Debezium's, Canal's or Maxwell's"},
		{"deep", ``, strings.Repeat(`{"a":`, 70) + `1` + strings.Repeat(`}`, 70), "nested more than 64 deep"},
		{"half a surrogate", ``, `{"op":"\ud800"}`, "an escape that is none"},
		{"flattened", ``, `{"op":"c","id":1}`, "field source: it is missing"},
		{"no key", ``, `{"op":"c","after":{"id":1},` + source + `}`, "no primary key and none was declared"},
		{"a key that is no JSON", `17`, `{"op":"c","after":{"id":1},` + source + `}`, "field key: it is no object"},
		{"a key that is not in the row", `{"no":1}`, `{"op":"c","after":{"id":1},` + source + `}`, `the column "no" of the key is not in the row`},
		{"no row", `{"id":1}`, `{"op":"c","after":null,` + source + `}`, "field after: the row is missing"},
		{"an unknown operation", `{"id":1}`, `{"op":"x","after":{"id":1},` + source + `}`, `field op: "x" is no operation`},
		{"a column that is there twice", `{"id":1}`, `{"op":"c","after":{"id":1,"id":2},` + source + `}`, "there twice"},
		{"a time that is text", `{"id":1}`, `{"op":"c","after":{"id":1},` + strings.Replace(source, `"ts_ms":1`, `"ts_ms":"soon"`, 1) + `}`, `field ts_ms: "\"soon\"" is no whole number`},
		{"a time before 1970", `{"id":1}`, `{"op":"c","after":{"id":1},` + strings.Replace(source, `"ts_ms":1`, `"ts_ms":-1`, 1) + `}`, "before 1970"},
		{"a partial row of canal", ``, `{` + canal + `"type":"INSERT","data":[{"id":"1"}],"mysqlType":{"id":"int","n":"text"}}`, "field data.n: the row image is partial"},
		{"a wrong number of canal", ``, `{` + canal + `"type":"INSERT","data":[{"id":"1.5"}],"mysqlType":{"id":"int"}}`, `field data.id: "1.5" is no whole number of type int`},
		{"rows of two forms", ``, `{` + canal + `"type":"INSERT","data":[{"id":"1"},{"id":"2","n":"x"}],"mysqlType":{"id":"int"}}`, "field data.n: there is no such column"},
		{"a decimal of no scale", `{"id":1}`, `{"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"-2"},"field":"id"}],"field":"after"}]},"payload":{"op":"c","after":{"id":"AQ=="},` + source + `}}`, `field schema: column "id": a decimal of scale "-2"`},
		{"a type that nobody knows", `{"id":1}`, `{"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"map","field":"id"}],"field":"after"}]},"payload":{"op":"c","after":{"id":{}},` + source + `}}`, `field schema: column "id": type map`},
		{"canal without time", ``, `{"database":"shop","table":"t","isDdl":false,"type":"INSERT","data":[]}`, "field es"},
		{"a row of maxwell without a key", ``, `{"database":"s","table":"e","type":"insert","ts":1,"data":{"id":1}}`, "no primary key"},
		{"maxwell's position", `{"pk.id":1}`, `{"database":"s","table":"e","type":"insert","ts":1,"position":"here","data":{"id":1}}`, "field position"},
		{"a partial row of maxwell", ``, `{"database":"s","table":"orders","type":"insert","ts":1,"primary_key_columns":["id"],"data":{"id":1,"at":null,"raw":null}}`, "field price: the row image is partial"},
	} {
		d, _ := NewDecoder(ReadOptions{Tables: func(database, table string) *change.Table {
			if known := shopOrders(database, table); known != nil && strings.Contains(c.what, "maxwell") {
				return known
			}
			return nil
		}})
		out, err := d.Decode(Place{"orders", 3, 42}, &Record{Key: []byte(c.key), Value: []byte(c.value)})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "topic orders, partition 3, offset 42") {
			t.Errorf("%s: %v (%s)", c.what, err, say(out))
		}
		if strings.Contains(c.want, "partial") != errors.Is(err, ErrPartialImage) {
			t.Errorf("%s: %v is ErrPartialImage or should be", c.what, err)
		}
	}
}

// A version that somebody has broken is refused, and so is one with another spelling: there is one text for a version.
func TestVersionText(t *testing.T) {
	for _, text := range []string{"", "1", "1:2:3:4", "1:2:3:4:5:6", "01:2:3:4:5", "+1:2:3:4:5", "-1:2:3:4:5", "1:2:3:4:", "4294967296:2:3:4:5", "1:9223372036854775808:3:4:5", "1:2:3:4:5 "} {
		if v, err := ParseVersion([]byte(text)); err == nil {
			t.Errorf("%q is read as %s", text, v)
		}
	}
	want := change.Version{Epoch: 1<<32 - 1, ExecuteTime: 1<<63 - 1, Position: change.Position{File: 1<<32 - 1, Offset: 1<<64 - 1, Row: 1<<32 - 1}}
	if v, err := ParseVersion(AppendVersion(nil, want)); v != want || err != nil {
		t.Errorf("%s, %v", v, err)
	}
}
