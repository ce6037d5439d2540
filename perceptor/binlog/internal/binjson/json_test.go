package binjson

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Documents as MySQL writes them into its binlog, and its own text of them.
var documents = []struct {
	document []byte
	text     string
}{
	{nil, "null"},
	{[]byte{4, 0}, "null"},
	{[]byte{4, 1}, "true"},
	{[]byte{4, 2}, "false"},
	{[]byte{5, 255, 255}, "-1"},
	{[]byte{6, 1, 0}, "1"},
	{[]byte{5, 0, 128}, "-32768"},
	{[]byte{7, 0, 0, 0, 128}, "-2147483648"},
	{[]byte{8, 255, 255, 255, 255}, "4294967295"},
	{[]byte{9, 0, 0, 0, 0, 0, 0, 0, 128}, "-9223372036854775808"},
	{[]byte{10, 255, 255, 255, 255, 255, 255, 255, 255}, "18446744073709551615"},
	{[]byte{11, 110, 134, 27, 240, 249, 33, 9, 64}, "3.14159"},
	{[]byte{11, 0, 0, 0, 0, 0, 0, 240, 63}, "1.0"},
	{[]byte{12, 3, 'a', '"', 1}, `"a\"\u0001"`},
	{[]byte{12, 6, '\b', '\t', '\n', '\f', '\r', '\\'}, `"\b\t\n\f\r\\"`},
	{append([]byte{12, 130, 1}, strings.Repeat("x", 130)...), `"` + strings.Repeat("x", 130) + `"`},
	{[]byte{0, 0, 0, 4, 0}, "{}"},
	{[]byte{2, 0, 0, 4, 0}, "[]"},
	{[]byte{0, 1, 0, 12, 0, 11, 0, 1, 0, 5, 2, 0, 97}, `{"a": 2}`},
	{[]byte{0, 1, 0, 14, 0, 11, 0, 1, 0, 12, 12, 0, 97, 1, 98}, `{"a": "b"}`},
	{[]byte{0, 1, 0, 29, 0, 11, 0, 4, 0, 0, 15, 0, 97, 115, 100, 102, 1, 0, 14, 0, 11, 0, 3, 0, 5, 123, 0, 102, 111, 111}, `{"asdf": {"foo": 123}}`},
	{[]byte{2, 2, 0, 10, 0, 5, 1, 0, 5, 2, 0}, "[1, 2]"},
	{[]byte{2, 3, 0, 37, 0, 12, 13, 0, 2, 18, 0, 12, 33, 0, 4, 104, 101, 114, 101, 2, 0, 15, 0, 12, 10, 0, 12, 12, 0, 1, 73, 2, 97, 109, 3, 33, 33, 33}, `["here", ["I", "am"], "!!!"]`},
	{[]byte{15, 12, 8, 0, 0, 0, 25, 118, 31, 149, 25}, `"2015-01-15 23:24:25.000000"`},
	{[]byte{15, 7, 8, 0, 0, 0, 25, 118, 31, 149, 25}, `"2015-01-15 23:24:25.000000"`},
	{[]byte{15, 11, 8, 192, 212, 1, 25, 118, 1, 0, 0}, `"23:24:25.120000"`},
	{[]byte{15, 10, 8, 0, 0, 0, 0, 0, 30, 149, 25}, `"2015-01-15"`},
	{[]byte{15, 246, 8, 13, 4, 135, 91, 205, 21, 4, 210}, "123456789.1234"},
	{[]byte{15, 16, 2, 202, 254}, `"base64:type16:yv4="`},
}

func TestDocuments(t *testing.T) {
	for _, d := range documents {
		got, err := Append(nil, d.document)
		if string(got) != d.text || err != nil {
			t.Errorf("% x: %s, not %s; %v", d.document, got, d.text, err)
		}
		if updated, err := Update(nil, d.document, nil); string(updated) != d.text || err != nil {
			t.Errorf("% x, updated by nothing: %s, not %s; %v", d.document, updated, d.text, err)
		}
	}
	packed := int64(1)<<36 | int64(2)<<30 | int64(3)<<24 | 500_000
	negative := binary.LittleEndian.AppendUint64([]byte{15, 11, 8}, uint64(-packed))
	if got, err := Append(nil, negative); string(got) != `"-01:02:03.500000"` || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// encode writes a document by MySQL's rules: large, where all numbers have 4 bytes, or small.
func encode(v any, large bool) []byte {
	kind, body := encodeValue(v, large)
	return append([]byte{kind}, body...)
}

func encodeValue(v any, large bool) (byte, []byte) {
	switch v := v.(type) {
	case nil:
		return literal, []byte{0}
	case bool:
		if v {
			return literal, []byte{1}
		}
		return literal, []byte{2}
	case int16:
		return int16Type, binary.LittleEndian.AppendUint16(nil, uint16(v))
	case int32:
		return int32Type, binary.LittleEndian.AppendUint32(nil, uint32(v))
	case int64:
		return int64Type, binary.LittleEndian.AppendUint64(nil, uint64(v))
	case string:
		length, n := []byte{}, len(v)
		for n >= 128 {
			length = append(length, byte(n)|0x80)
			n >>= 7
		}
		return stringType, append(append(length, byte(n)), v...)
	case []any:
		return encodeContainer(nil, v, large)
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
		values := make([]any, len(keys))
		for i, k := range keys {
			values[i] = v[k]
		}
		return encodeContainer(keys, values, large)
	}
	panic(fmt.Sprintf("%T", v))
}

func encodeContainer(keys []string, values []any, large bool) (byte, []byte) {
	width := 2
	if large {
		width = 4
	}
	size := func(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n))[:width] }
	kind := byte(smallArray)
	head := 2*width + len(values)*(1+width)
	if keys != nil {
		kind = smallObject
		head += len(keys) * (width + 2)
	}
	if large {
		kind++
	}
	var keyEntries, valueEntries, tail []byte
	for _, k := range keys {
		keyEntries = append(keyEntries, size(head+len(tail))...)
		keyEntries = binary.LittleEndian.AppendUint16(keyEntries, uint16(len(k)))
		tail = append(tail, k...)
	}
	for _, v := range values {
		t, body := encodeValue(v, large)
		valueEntries = append(valueEntries, t)
		if t == literal || t == int16Type || large && t == int32Type {
			valueEntries = append(valueEntries, append(body, 0, 0, 0)[:width]...)
			continue
		}
		valueEntries = append(valueEntries, size(head+len(tail))...)
		tail = append(tail, body...)
	}
	all := append(size(len(values)), size(head+len(tail))...)
	return kind, append(append(append(all, keyEntries...), valueEntries...), tail...)
}

func randomDocument(r *rand.Rand, depth int) any {
	switch n := r.IntN(8); {
	case n == 0:
		return nil
	case n == 1:
		return r.IntN(2) == 0
	case n == 2:
		return int16(r.Uint32())
	case n == 3:
		return int32(r.Uint32())
	case n == 4 || depth == 0:
		return strings.Repeat("ü\n", r.IntN(100))
	case n == 5:
		return int64(r.Uint64())
	case n == 6:
		items := make([]any, r.IntN(5))
		for i := range items {
			items[i] = randomDocument(r, depth-1)
		}
		return items
	}
	members := make(map[string]any)
	for range r.IntN(5) {
		members[fmt.Sprint(r.IntN(2000))] = randomDocument(r, depth-1)
	}
	return members
}

func canonical(t testing.TB, text []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Documents of all shapes, small and large, mean what they were made of.
func TestRandomDocuments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 3_000 {
		v := randomDocument(r, 4)
		document := encode(v, i%2 == 0)
		text, err := Append(nil, document)
		if err != nil {
			t.Fatalf("%v: %v", v, err)
		}
		plain, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if canonical(t, text) != canonical(t, plain) {
			t.Fatalf("%s, not %s", text, plain)
		}
		if again, err := Update(nil, document, nil); string(again) != string(text) || err != nil {
			t.Fatalf("%s, not %s: %v", again, text, err)
		}
	}
}

func difference(operation byte, path string, v any) []byte {
	b := append([]byte{operation, byte(len(path))}, path...)
	if operation == remove {
		return b
	}
	document := encode(v, false)
	return append(append(b, byte(len(document))), document...)
}

func TestUpdate(t *testing.T) {
	before := encode(map[string]any{"a": []any{int16(1), int16(2), int16(3)}, "b": map[string]any{"c d": "x", "e": nil}, "zz": true}, false)
	for _, c := range []struct {
		differences []byte
		text        string
	}{
		{difference(replace, "$.zz", "new"), `{"a": [1, 2, 3], "b": {"e": null, "c d": "x"}, "zz": "new"}`},
		{difference(replace, "$", int16(5)), `5`},
		{difference(insert, "$.y", int16(7)), `{"a": [1, 2, 3], "b": {"e": null, "c d": "x"}, "y": 7, "zz": true}`},
		{difference(insert, "$.a[1]", "in"), `{"a": [1, "in", 2, 3], "b": {"e": null, "c d": "x"}, "zz": true}`},
		{difference(insert, "$.a[3]", "end"), `{"a": [1, 2, 3, "end"], "b": {"e": null, "c d": "x"}, "zz": true}`},
		{difference(remove, "$.a[0]", nil), `{"a": [2, 3], "b": {"e": null, "c d": "x"}, "zz": true}`},
		{difference(remove, `$.b."c d"`, nil), `{"a": [1, 2, 3], "b": {"e": null}, "zz": true}`},
		{slices.Concat(difference(replace, "$.a[2]", map[string]any{"k": int16(1)}), difference(replace, "$.a[2].k", int16(9)), difference(remove, "$.b", nil)), `{"a": [1, 2, {"k": 9}], "zz": true}`},
	} {
		got, err := Update(nil, before, c.differences)
		if string(got) != c.text || err != nil {
			t.Errorf("%q: %s, not %s; %v", c.differences, got, c.text, err)
		}
	}
	for _, wrong := range [][]byte{
		difference(replace, "$.none", nil), difference(remove, "$.a[3]", nil), difference(insert, "$.a", nil), difference(replace, "$.a.x", nil), difference(replace, "$[0]", nil),
		difference(replace, "a", nil), difference(replace, "$.", nil), difference(replace, "$[", nil), difference(replace, "$[x]", nil), difference(replace, `$."a`, nil), difference(9, "$.a", nil),
		difference(insert, "$", nil), {replace}, {replace, 200}, {replace, 1, '$'}, {replace, 0xff}, {replace, 0xfe, 1},
	} {
		if got, err := Update(nil, before, wrong); err == nil {
			t.Errorf("%q gave %s", wrong, got)
		}
	}
}

// Offsets that point back would make a document of any length and depth.
func TestHostile(t *testing.T) {
	// An array of 2 items, each of which is the array itself.
	loop := []byte{smallArray, 2, 0, 10, 0, smallArray, 0, 0, smallArray, 0, 0}
	if _, err := Append(nil, loop); err == nil {
		t.Error("a document that holds itself was printed")
	}
	if _, err := Update(nil, loop, nil); err == nil {
		t.Error("a document that holds itself was built")
	}
	// A chain of arrays, each twice in the one before it: 2^40 values.
	var chain []byte
	const links = 40
	for i := range links {
		next := binary.LittleEndian.AppendUint16(nil, 10)
		body := append([]byte{2, 0}, binary.LittleEndian.AppendUint16(nil, uint16(10*(links-i)))...)
		chain = append(append(append(append(append(chain, body...), smallArray), next...), smallArray), next...)
	}
	chain = append([]byte{smallArray}, append(chain, 0, 0, 4, 0)...)
	if _, err := Append(nil, chain); err == nil {
		t.Error("a document of 2^40 values was printed")
	}
	if _, err := Update(nil, chain, nil); err == nil {
		t.Error("a document of 2^40 values was built")
	}
}

func FuzzAppend(f *testing.F) {
	for _, d := range documents {
		f.Add(d.document, []byte{})
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add(encode(randomDocument(r, 3), r.IntN(2) == 0), difference(byte(r.IntN(3)), "$.a[0]", "x"))
	}
	f.Fuzz(func(t *testing.T, document, differences []byte) {
		text, err := Append(nil, document)
		if err == nil {
			canonical(t, text)
			if len(text) > textMax(len(document)) {
				t.Errorf("%d bytes became %d", len(document), len(text))
			}
		}
		if text, err := Update(nil, document, differences); err == nil && len(text) > textMax(len(document)+len(differences)) {
			t.Errorf("%d bytes became %d", len(document), len(text))
		}
	})
}
