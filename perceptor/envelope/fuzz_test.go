package envelope

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/skein-io/skein/perceptor/change"
)

// What is not valid JSON to the standard library is not to us. We refuse more: what is deep, broken surrogates and UTF-8.
func FuzzTape(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.5e+3,true,null,"\u00e9\ud83e\udd86\n"],"a":{}}`, `01`, `"\ud800"`, `[`, `{"a" :1 , "b":2}`, "\"\xff\"", `-`, `1.`, `{"":""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var tp tape
		err := tp.parse(text)
		if err == nil && !json.Valid(text) {
			t.Fatalf("%q is read", text)
		}
		if err != nil {
			if json.Valid(text) && utf8.Valid(text) && !bytes.Contains(text, []byte(`\u`)) && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) < depthMax {
				t.Fatalf("%q is refused: %v", text, err)
			}
			return
		}
		if tp.kind(0) == '"' {
			var want string
			if err := json.Unmarshal(text, &want); err != nil || want != string(tp.content(0)) {
				t.Fatalf("%q is %q, not %q", text, tp.content(0), want)
			}
		}
	})
}

func FuzzQuoted(f *testing.F) {
	f.Add([]byte("a\"\\\n\x00ü"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var tp tape
		if err := tp.parse(appendQuoted(nil, text)); (err == nil) != utf8.Valid(text) {
			t.Fatalf("%q: %v", text, err)
		} else if err == nil && !bytes.Equal(tp.content(0), text) {
			t.Fatalf("%q is %q", text, tp.content(0))
		}
		if err := tp.parse(appendLatin1(nil, text)); err != nil {
			t.Fatal(err)
		}
		if v, err := latin1Value(tp.content(0)); err != nil || !bytes.Equal(v.Raw(), text) {
			t.Fatalf("%q is %q, %v", text, v.Raw(), err)
		}
	})
}

// foreignSeeds are records as the formats' own makers write them.
var foreignSeeds = []struct{ key, value string }{
	{`{"id":1}`, `{"op":"c","after":{"id":1},"source":{"db":"a","table":"b","ts_ms":1,"file":"x.1","pos":1,"row":0}}`},
	{`{"id":1}`, `{"op":"t","before":null,"after":null,"source":{"db":"a","table":"b","ts_ms":1,"file":"x.1","pos":1,"row":0,"snapshot":"first"}}`},
	{`{"databaseName":"a"}`, `{"source":{"db":"a"},"ts_ms":1,"databaseName":"a","schemaName":null,"ddl":"ALTER TABLE b ADD c INT","tableChanges":[]}`},
	{``, `{"status":"END","id":"x","event_count":2,"data_collections":[]}`},
	{``, `{"data":[{"id":"1","e":"2","b":"\u00ff"},{"id":"2","e":null,"b":null}],"database":"a","es":5,"isDdl":false,"mysqlType":{"id":"int","e":"enum('x','y')","b":"blob"},"old":[{"id":"7"},{"e":"1"}],"pkNames":["id"],"table":"t","ts":6,"type":"UPDATE"}`},
	{``, `{"data":null,"database":"a","es":1,"isDdl":true,"sql":"DROP TABLE t","table":"t","ts":2,"type":"ERASE"}`},
	{`{"database":"a","table":"e","pk.id":1}`, `{"database":"a","table":"e","type":"update","ts":7,"xoffset":5,"position":"m.000006:8","data":{"id":1,"s":["a","b"],"j":{"x":[1.50]},"r":"AAE="},"old":{"id":2,"s":null}}`},
	{``, `{"type":"table-alter","database":"a","table":"e","old":{},"def":{},"ts":1477053308000,"sql":"ALTER TABLE e ADD x INT"}`},
}

// Hostile records end in an error that has its place, or in changes that can be applied; and what could be read and has
// types can be written and read again.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, form := range forms() {
		e, _ := NewEncoder(form.write)
		for _, op := range form.ops {
			records, err := e.Encode(nil, someChange(r, form.table, op), 1)
			if err != nil {
				f.Fatal(err)
			}
			headers := map[string][]byte{}
			for _, h := range records[0].Headers {
				headers[h.Key] = h.Value
			}
			f.Add(records[0].Key, records[0].Value, headers[HeaderExact], headers[HeaderVersion], uint8(form.write.Format))
		}
	}
	for i, s := range foreignSeeds {
		f.Add([]byte(s.key), []byte(s.value), []byte(nil), []byte(nil), uint8(4*i)) // whatever the format, in each order and with and without types
	}
	types := []string{"bigint unsigned", "varchar(9)", "set('a','b')", "varbinary(9)", "timestamp(3)", "decimal(9,2)", "json", "date", "double", "bit(3)", "time(6)", "geometry"}
	f.Fuzz(func(t *testing.T, key, value, exact, version []byte, how uint8) {
		o := ReadOptions{Format: Format(how % 4), Order: Ordering(how / 4 % 3), Tables: func(_, table string) *change.Table {
			if table == "orders" {
				return shopOrders("", table)
			}
			return nil
		}}
		if how&64 != 0 {
			o.Types = func(_, _, column string) (change.Column, error) {
				return parseColumnType(column, types[len(column)%len(types)]), nil
			}
		}
		d, err := NewDecoder(o)
		if err != nil {
			t.Fatal(err)
		}
		record := Record{Key: key, Value: value}
		if exact != nil {
			record.Headers = []Header{{HeaderExact, exact}}
		}
		if version != nil {
			record.Headers = append(record.Headers, Header{HeaderVersion, version})
		}
		for range 2 { // the second time the schema is known
			out, err := d.Decode(Place{"t", 1, 2}, &record)
			if err != nil {
				if _, ok := err.(*Error); !ok {
					t.Fatalf("%T", err)
				}
				continue
			}
			if (out.Kind == Rows) != (len(out.Changes) > 0) && out.Format != Canal {
				t.Fatalf("%s with %d changes", out.Kind, len(out.Changes))
			}
			for _, c := range out.Changes {
				if err := c.Check(); err != nil {
					t.Fatal(err)
				}
				if version != nil && string(AppendVersion(nil, c.Version)) != string(version) {
					t.Fatalf("version %s out of the header %q", c.Version, version)
				}
				again(t, c)
			}
		}
	})
}

// A version has one text, and a text that is none is refused.
func FuzzVersion(f *testing.F) {
	f.Add([]byte("1:2:3:4:5"))
	f.Add([]byte("4294967295:9223372036854775807:4294967295:18446744073709551615:4294967295"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if v, err := ParseVersion(text); err == nil && string(AppendVersion(nil, v)) != string(text) {
			t.Fatalf("%q is read as %s", text, v)
		}
	})
}

func again(t *testing.T, c *change.Change) {
	e, _ := NewEncoder(Options{Format: Debezium, Schemas: true, NoTombstones: true})
	records, err := e.Encode(nil, c, 0)
	if err != nil {
		return // a column without a type, bytes that are no geometry
	}
	if !json.Valid(records[0].Value) || records[0].Key != nil && !json.Valid(records[0].Key) {
		t.Fatalf("%s\n%s", records[0].Key, records[0].Value)
	}
	d, _ := NewDecoder(ReadOptions{})
	if out, err := d.Decode(Place{}, &records[0]); err != nil || out.Changes[0].Version != c.Version {
		t.Fatalf("%v\n%s", err, records[0].Value)
	}
}
