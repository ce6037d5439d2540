package envelope

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

func orders() *change.Table {
	return &change.Table{Database: "shop", Name: "orders", Key: []int{0}, Columns: []change.Column{
		{Name: "id", Type: change.BigInt}, {Name: "customer", Type: change.Integer, Unsigned: true}, {Name: "price", Type: change.Numeric, Length: 10, Scale: 2, Nullable: true},
		{Name: "state", Type: change.Enum, Members: []string{"open", "paid"}}, {Name: "at", Type: change.DateTimeType, Scale: 6}, {Name: "note", Type: change.VarChar, Length: 200, Nullable: true},
	}}
}

func order(id int64) change.Row {
	return change.Row{change.IntValue(id), change.UintValue(77), change.DecimalValue([]byte("19.90")), change.TextValue([]byte("paid")),
		change.DateTimeValue(2024, 2, 29, 43_200_000_001), change.TextValue([]byte("leave it at the door"))}
}

func anOrder() *change.Change {
	return &change.Change{Op: change.Update, Table: orders(), Before: order(5), After: order(5),
		Version: change.Version{Epoch: 1, ExecuteTime: 1_700_000_000_000, Position: change.Position{File: 7, Offset: 4096, Row: 2}},
		Origin:  change.Origin{ServerID: 1, File: "mysql-bin.000007", GTID: "0-1-25", EventTime: 1_699_999_999_000}}
}

// The bytes of a record, as a reader of the format expects them.
func TestWritten(t *testing.T) {
	e, _ := NewEncoder(Options{Format: Debezium, Prefix: "shop1"})
	c := anOrder()
	c.Op, c.After = change.Delete, nil
	check := func(name string, records []Record, key, value string) {
		t.Helper()
		if got := string(records[0].Key); got != key {
			t.Errorf("%s: the key is\n%s, not\n%s", name, got, key)
		}
		if got := string(records[0].Value); got != value {
			t.Errorf("%s: the value is\n%s, not\n%s", name, got, value)
		}
		if got := string(records[0].Headers[0].Value); records[0].Headers[0].Key != HeaderVersion || got != "1:1700000000000:7:4096:2" {
			t.Errorf("%s: the version is %s", name, got)
		}
	}
	records, err := e.Encode(nil, c, 1_700_000_000_500)
	if err != nil {
		t.Fatal(err)
	}
	check("debezium", records, `{"id":5}`, `{"before":{"id":5,"customer":77,"price":"B8Y=","state":"paid","at":1709208000000001,"note":"leave it at the door"},"after":null,`+
		`"source":{"version":"skein","connector":"mysql","name":"shop1","ts_ms":1699999999000,"snapshot":"false","db":"shop","sequence":null,"ts_us":1699999999000000,`+
		`"ts_ns":1699999999000000000,"table":"orders","server_id":1,"gtid":"0-1-25","file":"mysql-bin.000007","pos":4096,"row":2,"thread":null,"query":null},`+
		`"transaction":null,"op":"d","ts_ms":1700000000500,"ts_us":1700000000500000,"ts_ns":1700000000500000000}`)
	c = anOrder()
	c.Before[5] = change.NullValue()
	e, _ = NewEncoder(Options{Format: Canal})
	if records, err = e.Encode(nil, c, 1_700_000_000_500); err != nil {
		t.Fatal(err)
	}
	check("canal", records, `{"id":"5"}`, `{"data":[{"id":"5","customer":"77","price":"19.90","state":"paid","at":"2024-02-29 12:00:00.000001","note":"leave it at the door"}],"database":"shop",`+
		`"es":1699999999000,"gtid":"0-1-25","id":0,"isDdl":false,"mysqlType":{"id":"bigint","customer":"int unsigned","price":"decimal(10,2)","state":"enum('open','paid')",`+
		`"at":"datetime(6)","note":"varchar(200)"},"old":[{"note":null}],"pkNames":["id"],"sql":"","sqlType":{"id":-5,"customer":4,"price":3,"state":4,"at":93,"note":12},`+
		`"table":"orders","ts":1700000000500,"type":"UPDATE"}`)
	e, _ = NewEncoder(Options{Format: Maxwell})
	if records, err = e.Encode(nil, c, 1_700_000_000_500); err != nil {
		t.Fatal(err)
	}
	check("maxwell", records, `{"database":"shop","table":"orders","pk.id":5}`, `{"database":"shop","table":"orders","type":"update","ts":1699999999,"xoffset":2,`+
		`"position":"mysql-bin.000007:4096","gtid":"0-1-25","server_id":1,"primary_key_columns":["id"],"data":{"id":5,"customer":77,"price":19.90,"state":"paid",`+
		`"at":"2024-02-29 12:00:00.000001","note":"leave it at the door"},"old":{"note":null}}`)
}

// All that is written is JSON to the standard library.
func TestWrittenIsJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, f := range forms() {
		e, _ := NewEncoder(f.write)
		for n := range 200 {
			records, err := e.Encode(nil, someChange(r, f.table, f.ops[n%len(f.ops)]), 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if r.Key != nil && !json.Valid(r.Key) || r.Value != nil && !json.Valid(r.Value) {
					t.Fatalf("%s\n%s", r.Key, r.Value)
				}
				for _, h := range r.Headers {
					if h.Key == HeaderExact && !json.Valid(h.Value) {
						t.Fatalf("%s", h.Value)
					}
				}
			}
		}
	}
}

// A change that a format cannot tell is refused by the name of the column, and no half of it is left over.
func TestNotWritten(t *testing.T) {
	for _, c := range []struct {
		what   string
		o      Options
		column change.Column
		v      change.Value
		want   string
	}{
		{"missing", Options{Format: Debezium}, change.Column{Type: change.Integer}, change.Value{}, "full row images only"},
		{"another kind", Options{Format: Debezium}, change.Column{Type: change.Integer}, change.TextValue([]byte("x")), "is no value of type int"},
		{"too many digits", Options{Format: Debezium}, change.Column{Type: change.Numeric, Scale: 1}, change.DecimalValue([]byte("1.25")), "is no number with 1 digits"},
		{"too fine", Options{Format: Debezium}, change.Column{Type: change.DateTimeType, Scale: 3}, change.DateTimeValue(2024, 1, 1, 1), "is no value of type datetime(3)"},
		{"no UTF-8", Options{Format: Canal}, change.Column{Type: change.Char}, change.TextValue([]byte{0xff}), "no UTF-8"},
		{"no document", Options{Format: Maxwell}, change.Column{Type: change.JSONType}, change.JSONValue([]byte("{")), "no JSON document"},
		{"no type", Options{Format: Debezium}, change.Column{}, change.IntValue(1), "no form for type unknown"},
		{"geometry", Options{Format: Maxwell}, change.Column{Type: change.Geometry}, change.BytesValue([]byte("12345")), "no form for type geometry"},
	} {
		e, err := NewEncoder(c.o)
		if err != nil {
			t.Fatal(err)
		}
		c.column.Name = "it"
		table := &change.Table{Database: "d", Name: "t", Key: []int{0}, Columns: []change.Column{{Name: "id", Type: change.Integer}, c.column}}
		records, err := e.Encode(nil, &change.Change{Op: change.Create, Table: table, After: change.Row{change.IntValue(1), c.v}}, 0)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"it"`) || len(records) != 0 {
			t.Errorf("%s: %v, %d records", c.what, err, len(records))
		}
	}
	if _, err := NewEncoder(Options{}); err == nil {
		t.Error("an encoder without a format")
	}
	e, _ := NewEncoder(Options{Format: Debezium})
	table := &change.Table{Database: "d", Name: "t", Key: []int{0}, Columns: []change.Column{{Name: "day", Type: change.DateType}}}
	if _, err := e.Encode(nil, &change.Change{Op: change.Create, Table: table, After: change.Row{change.DateValue(0, 0, 0)}}, 0); err == nil {
		t.Error("a key that looks like another row's was written")
	}
	if _, err := NewEncoder(Options{Format: Debezium, Connector: "oracle"}); err == nil {
		t.Error("an encoder for another database")
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, o := range []Options{{Format: Debezium}, {Format: Debezium, Schemas: true}, {Format: Canal}, {Format: Maxwell}} {
		name := o.Format.String()
		if o.Schemas {
			name += " with schema"
		}
		b.Run(name, func(b *testing.B) {
			e, _ := NewEncoder(o)
			c := anOrder()
			var records []Record
			var err error
			b.ReportAllocs()
			for b.Loop() {
				e.Reset()
				if records, err = e.Encode(records[:0], c, 1_700_000_000_500); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(records[0].Value)))
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, o := range []Options{{Format: Debezium}, {Format: Debezium, Schemas: true}, {Format: Canal}, {Format: Maxwell}} {
		name := o.Format.String()
		if o.Schemas {
			name += " with schema"
		}
		b.Run(name, func(b *testing.B) {
			e, _ := NewEncoder(o)
			c := anOrder()
			records, err := e.Encode(nil, c, 1_700_000_000_500)
			if err != nil {
				b.Fatal(err)
			}
			d, _ := NewDecoder(ReadOptions{Tables: func(string, string) *change.Table { return c.Table }})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(Place{}, &records[0]); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(records[0].Value)))
		})
	}
}
