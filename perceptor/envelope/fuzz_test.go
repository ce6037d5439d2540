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
			exact := []byte(nil)
			for _, h := range records[0].Headers {
				if h.Key == HeaderExact {
					exact = h.Value
				}
			}
			f.Add(records[0].Key, records[0].Value, exact, uint8(form.write.Format))
		}
	}
	f.Add([]byte(`{"id":1}`), []byte(`{"op":"c","after":{"id":1},"source":{"db":"a","table":"b","ts_ms":1,"file":"x.1","pos":1,"row":0}}`), []byte(nil), uint8(0))
	f.Fuzz(func(t *testing.T, key, value, exact []byte, format uint8) {
		d, err := NewDecoder(ReadOptions{Format: Format(format % 4), Tables: func(_, table string) *change.Table {
			if table == "orders" {
				return shopOrders("", table)
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		record := Record{Key: key, Value: value}
		if exact != nil {
			record.Headers = []Header{{HeaderExact, exact}}
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
				again(t, c)
			}
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
