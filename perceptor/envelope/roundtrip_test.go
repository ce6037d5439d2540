package envelope

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// every is a table with each type of column.
func every() *change.Table {
	t := &change.Table{Database: "shop", Name: "every`thing", Key: []int{0, 1}}
	add := func(c change.Column) {
		c.Nullable = len(t.Columns) >= 2
		t.Columns = append(t.Columns, c)
	}
	add(change.Column{Name: "id", Type: change.BigInt, Unsigned: true})
	add(change.Column{Name: "part", Type: change.VarChar, Length: 20, Charset: "utf8mb4"})
	for _, whole := range []change.Type{change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt} {
		add(change.Column{Name: whole.String(), Type: whole})
		add(change.Column{Name: whole.String() + " unsigned", Type: whole, Unsigned: true})
	}
	add(change.Column{Name: "decimal", Type: change.Numeric, Length: 65, Scale: 30})
	add(change.Column{Name: "decimal0", Type: change.Numeric, Length: 10})
	add(change.Column{Name: "float", Type: change.FloatType})
	add(change.Column{Name: "double", Type: change.DoubleType})
	for _, n := range []int{1, 12, 64} {
		add(change.Column{Name: fmt.Sprint("bit", n), Type: change.Bit, Length: n})
	}
	add(change.Column{Name: "year", Type: change.Year})
	add(change.Column{Name: "date", Type: change.DateType})
	for _, typ := range []change.Type{change.TimeType, change.DateTimeType, change.TimestampType} {
		for _, digits := range []int{0, 3, 6} {
			add(change.Column{Name: fmt.Sprint(typ, digits), Type: typ, Scale: digits})
		}
	}
	add(change.Column{Name: "ünïcode \"name\"", Type: change.TextType})
	for _, text := range []change.Type{change.Char, change.TinyText, change.MediumText, change.LongText, change.UUID, change.INET4, change.INET6} {
		add(change.Column{Name: text.String(), Type: text})
	}
	for _, b := range []change.Type{change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob, change.Geometry} {
		add(change.Column{Name: b.String(), Type: b})
	}
	add(change.Column{Name: "enum", Type: change.Enum, Members: []string{"small", "it's", "", "2"}})
	add(change.Column{Name: "set", Type: change.Set, Members: []string{"a", "b", "ç"}})
	add(change.Column{Name: "json", Type: change.JSONType})
	return t
}

func without(t *change.Table, types ...change.Type) *change.Table {
	out := *t
	out.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c change.Column) bool { return slices.Contains(types, c.Type) })
	return &out
}

// someValue is a value of a column: often one at the edge.
func someValue(r *rand.Rand, c *change.Column) change.Value {
	if c.Nullable && r.IntN(8) == 0 {
		return change.NullValue()
	}
	wide := map[change.Type]int{change.TinyInt: 8, change.SmallInt: 16, change.MediumInt: 24, change.Integer: 32, change.BigInt: 64}[c.Type]
	pick := func(of ...string) []byte { return []byte(of[r.IntN(len(of))]) }
	tick := int64(math.Pow10(6 - c.Scale))
	switch c.Type {
	case change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt:
		if c.Unsigned {
			largest := uint64(math.MaxUint64) >> (64 - wide)
			return change.UintValue([]uint64{0, 1, largest, largest/2 + 1, r.Uint64() & largest}[r.IntN(5)])
		}
		largest := int64(math.MaxInt64) >> (64 - wide)
		return change.IntValue([]int64{0, -1, largest, -largest - 1, r.Int64() >> (64 - wide)}[r.IntN(5)])
	case change.Numeric:
		if c.Scale == 0 {
			return change.DecimalValue(pick("0", "-1", "127", "128", "-128", "-129", "9999999999", "-9999999999"))
		}
		fraction := fmt.Sprintf("%030d", r.Uint64())
		return change.DecimalValue([]byte(string(pick("0.", "-0.", "1.", "-1.", "99999999999999999999999999999999999.", "-99999999999999999999999999999999999.")) + fraction))
	case change.FloatType:
		return change.FloatValue([]float32{0, float32(math.Copysign(0, -1)), 0.1, math.MaxFloat32, math.SmallestNonzeroFloat32, 16777216, r.Float32()}[r.IntN(7)])
	case change.DoubleType:
		return change.DoubleValue([]float64{0, math.Copysign(0, -1), 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 53, -1e300, r.NormFloat64()}[r.IntN(8)])
	case change.Bit:
		return change.BitsValue([]uint64{0, 1, math.MaxUint64, r.Uint64()}[r.IntN(4)] >> (64 - c.Length))
	case change.Year:
		return change.UintValue([]uint64{0, 1901, 2155, 2024}[r.IntN(4)])
	case change.DateType:
		return change.DateValue([]int{0, 1, 1000, 1969, 1970, 2024, 9999}[r.IntN(7)], r.IntN(13), r.IntN(32))
	case change.TimeType:
		return change.TimeValue((r.Int64N(2*clockMax) - clockMax) / tick * tick)
	case change.DateTimeType:
		return change.DateTimeValue([]int{0, 1000, 1969, 1970, 2024, 9999}[r.IntN(6)], r.IntN(13), r.IntN(32), r.Int64N(dayMicros)/tick*tick)
	case change.TimestampType:
		return change.TimestampValue([]int64{change.ZeroTimestamp, 1_000_000, math.MaxInt32 * 1_000_000, r.Int64N(1<<32) * 1_000_000, r.Int64N(1<<51) / tick * tick}[r.IntN(5)])
	case change.Enum:
		return change.TextValue([]byte(c.Members[r.IntN(len(c.Members))]))
	case change.Set:
		return change.TextValue(pick("", "a", "a,b", "a,b,ç"))
	case change.JSONType:
		return change.JSONValue(pick(`null`, `{}`, `{"a": 1.10, "b":[true,null,"\u00e9\\"]}`, `[1,2]`, `"text"`, `123456789012345678901234567890`, ` {"a":1} `))
	case change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob:
		return change.BytesValue(pick("", "\x00", "\xff\xfe\x80", "\x00\x01\"\\\n", "plain", "\x7f\xc3\xbc"))
	case change.Geometry:
		return change.BytesValue(pick("\x00\x00\x00\x00\x01\x01\x00\x00\x00", "\xe6\x10\x00\x00\x01\x01"))
	}
	return change.TextValue(pick("", " ", "übung", "\"quoted\" \\ / \n\t\x00\x1f", "🦆", "NULL", "null", "1", "\u2028"))
}

func someRow(r *rand.Rand, t *change.Table) change.Row {
	row := make(change.Row, len(t.Columns))
	for i := range row {
		row[i] = someValue(r, &t.Columns[i])
	}
	return row
}

// someChange has a key that every format can tell, and a version that differs from what the formats tell.
func someChange(r *rand.Rand, t *change.Table, op change.Op) *change.Change {
	c := &change.Change{Op: op, Table: t}
	if op != change.Delete && op != change.Truncate {
		c.After = someRow(r, t)
	}
	if op == change.Delete || op == change.Update && r.IntN(3) > 0 {
		c.Before = someRow(r, t)
	}
	if op == change.Update && c.Before != nil {
		for i := range c.Before {
			if slices.Contains(t.Key, i) || r.IntN(2) == 0 {
				c.Before[i] = c.After[i]
			}
		}
	}
	c.Version = change.Version{
		Epoch: r.Uint32(), ExecuteTime: r.Int64N(math.MaxInt64),
		Position: change.Position{File: 7, Offset: r.Uint64N(math.MaxInt64), Row: r.Uint32()},
	}
	c.Origin = change.Origin{ServerID: r.Uint32(), File: "mysql-bin.000007", GTID: "0-1-25", EventTime: r.Int64N(9e12) / 1000 * 1000, Snapshot: op == change.Read}
	return c
}

// form is a way of writing, and the way of reading it.
type form struct {
	name  string
	write Options
	read  func(t *change.Table) ReadOptions
	table *change.Table
	ops   []change.Op
}

func forms() []form {
	all := []change.Op{change.Create, change.Update, change.Delete, change.Read, change.Truncate}
	told := func(*change.Table) ReadOptions { return ReadOptions{} }
	declared := func(t *change.Table) ReadOptions {
		return ReadOptions{Tables: func(string, string) *change.Table { return t }}
	}
	text := func(t *change.Table) ReadOptions {
		o := declared(t)
		o.Decimals = DecimalText
		return o
	}
	return []form{
		{"debezium with schema", Options{Format: Debezium, Schemas: true}, told, every(), all},
		{"debezium with schema, decimals as text", Options{Format: Debezium, Schemas: true, Decimals: DecimalText, Connector: "mariadb"}, told, every(), all},
		{"debezium", Options{Format: Debezium}, declared, every(), all},
		{"debezium, decimals as text", Options{Format: Debezium, Decimals: DecimalText}, text, every(), all},
		{"canal", Options{Format: Canal}, told, every(), []change.Op{change.Create, change.Update, change.Delete, change.Truncate}},
		{"maxwell", Options{Format: Maxwell}, declared, without(every(), change.Geometry), all[:4]},
	}
}

// What is written is read as the same change, in every form, for every type of column.
func TestRoundTrip(t *testing.T) {
	for _, f := range forms() {
		t.Run(f.name, func(t *testing.T) {
			e, err := NewEncoder(f.write)
			if err != nil {
				t.Fatal(err)
			}
			d, err := NewDecoder(f.read(f.table))
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(11, 12))
			var records []Record
			for n := range 3_000 {
				c := someChange(r, f.table, f.ops[n%len(f.ops)])
				e.Reset()
				if records, err = e.Encode(records[:0], c, 1_700_000_000_123); err != nil {
					t.Fatal(err)
				}
				out, err := d.Decode(Place{"t", 0, int64(n)}, &records[0])
				if err != nil {
					t.Fatalf("%v\n%s", err, records[0].Value)
				}
				if out.Kind != Rows || out.Format != f.write.Format || len(out.Changes) != 1 {
					t.Fatalf("%+v\n%s", out, records[0].Value)
				}
				if diff := difference(c, out.Changes[0], f.write.Format); diff != "" {
					t.Fatalf("%s\n%s\n%s", diff, records[0].Value, records[0].Headers)
				}
				tombstone := len(records) == 2 && records[1].Value == nil && string(records[1].Key) == string(records[0].Key)
				if (c.Op == change.Delete && f.write.Format == Debezium) != tombstone {
					t.Fatalf("%s: %d records", c.Op, len(records))
				}
			}
		})
	}
}

// difference says what differs between a change and what came back of it, apart from what the format does not tell.
func difference(want, got *change.Change, f Format) string {
	if got.Op != want.Op || got.Version != want.Version || got.Table.String() != want.Table.String() {
		return fmt.Sprintf("%s %s %s, not %s %s %s", got.Op, got.Table, got.Version, want.Op, want.Table, want.Version)
	}
	o := want.Origin
	if f == Canal {
		o = change.Origin{GTID: o.GTID, EventTime: o.EventTime}
	}
	if got.Origin != o {
		return fmt.Sprintf("origin %+v, not %+v", got.Origin, o)
	}
	if want.Op == change.Truncate {
		return ""
	}
	if !slices.Equal(got.Table.Key, want.Table.Key) {
		return fmt.Sprintf("key %v", got.Table.Key)
	}
	for i, c := range got.Table.Columns {
		w := want.Table.Columns[i]
		if c.Name != w.Name || c.Type != w.Type || c.Unsigned != w.Unsigned || c.Scale != w.Scale || c.Length != w.Length && f != Maxwell || !slices.Equal(c.Members, w.Members) {
			return fmt.Sprintf("column %+v, not %+v", c, w)
		}
	}
	return rowDifference("before", want.Table, want.Before, got.Before) + rowDifference("after", want.Table, want.After, got.After)
}

func rowDifference(name string, t *change.Table, want, got change.Row) string {
	if len(want) != len(got) {
		return fmt.Sprintf("%s: %d values, not %d. ", name, len(got), len(want))
	}
	var b strings.Builder
	for i := range want {
		if !want[i].Equal(got[i]) {
			fmt.Fprintf(&b, "%s.%s: %q of kind %d, not %q of kind %d. ", name, t.Columns[i].Name, got[i], got[i].Kind, want[i], want[i].Kind)
		}
	}
	return b.String()
}

// An update that changes the key is the old row's delete and the new row's create, each under its own key, and each names
// the other.
func TestKeyChange(t *testing.T) {
	for _, f := range forms() {
		e, _ := NewEncoder(f.write)
		d, _ := NewDecoder(f.read(f.table))
		r := rand.New(rand.NewPCG(13, 14))
		c := someChange(r, f.table, change.Update)
		c.Before = slices.Clone(c.After)
		c.Before[1] = change.TextValue([]byte("was"))
		c.After[1] = change.TextValue([]byte("is"))
		records, err := e.Encode(nil, c, 0)
		if err != nil {
			t.Fatal(err)
		}
		if f.write.Format == Debezium { // the tombstone of the old key
			if len(records) != 3 || records[1].Value != nil {
				t.Fatalf("%s: %d records", f.name, len(records))
			}
			records = slices.Delete(records, 1, 2)
		}
		header := func(r Record, key string) string {
			for _, h := range r.Headers {
				if h.Key == key {
					return string(h.Value)
				}
			}
			return ""
		}
		if header(records[0], HeaderNewKey) != string(records[1].Key) || header(records[1], HeaderOldKey) != string(records[0].Key) {
			t.Errorf("%s: the records do not name each other: %s, %s", f.name, records[0].Headers, records[1].Headers)
		}
		del, create := Split(c)
		for i, want := range []*change.Change{del, create} {
			out, err := d.Decode(Place{}, &records[i])
			if err != nil || len(out.Changes) != 1 {
				t.Fatalf("%s: %v", f.name, err)
			}
			if diff := difference(want, out.Changes[0], f.write.Format); diff != "" {
				t.Errorf("%s: %s", f.name, diff)
			}
		}
	}
}
