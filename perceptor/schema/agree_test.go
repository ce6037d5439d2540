package schema

import (
	"reflect"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

func mapOf(columns ...change.Column) *change.Table {
	return &change.Table{Database: "d", Name: "t", Key: []int{0}, Columns: append([]change.Column{{Name: "id", Type: change.Integer}}, columns...)}
}

func TestAgrees(t *testing.T) {
	text := change.Column{Name: "a", Type: change.LongText, Charset: "utf8mb4"}
	for _, c := range []struct {
		what        string
		told, known change.Column
		against     string // empty if it agrees
	}{
		{"the same", text, text, ""},
		{"JSON", text, change.Column{Name: "a", Type: change.JSONType, Charset: "utf8mb4"}, ""},
		{"JSON of another charset", text, change.Column{Name: "a", Type: change.JSONType, Charset: "latin1"}, "charset"},
		{"UUID", change.Column{Name: "a", Type: change.Binary, Length: 16}, change.Column{Name: "a", Type: change.UUID}, ""},
		{"INET6", change.Column{Name: "a", Type: change.Binary, Length: 16}, change.Column{Name: "a", Type: change.INET6}, ""},
		{"INET4", change.Column{Name: "a", Type: change.Binary, Length: 4}, change.Column{Name: "a", Type: change.INET4}, ""},
		{"INET4 of 16", change.Column{Name: "a", Type: change.Binary, Length: 16}, change.Column{Name: "a", Type: change.INET4}, "inet4"},
		{"UUID of 5", change.Column{Name: "a", Type: change.Binary, Length: 5}, change.Column{Name: "a", Type: change.UUID}, "uuid"},
		{"text for JSON", change.Column{Name: "a", Type: change.JSONType}, text, "longtext"},
		{"an old time", change.Column{Name: "a", Type: change.TimeType, Scale: -1}, change.Column{Name: "a", Type: change.TimeType, Scale: 4}, ""},
		{"a time", change.Column{Name: "a", Type: change.TimeType, Scale: 3}, change.Column{Name: "a", Type: change.TimeType, Scale: 4}, "4 digits"},
		{"name", text, change.Column{Name: "b", Type: change.LongText, Charset: "utf8mb4"}, `called "a"`},
		{"sign", change.Column{Name: "a", Type: change.BigInt}, change.Column{Name: "a", Type: change.BigInt, Unsigned: true}, "sign"},
		{"null", change.Column{Name: "a", Type: change.BigInt}, change.Column{Name: "a", Type: change.BigInt, Nullable: true}, "NULL"},
		{"length", change.Column{Name: "a", Type: change.VarChar, Length: 5}, change.Column{Name: "a", Type: change.VarChar, Length: 6}, "length"},
		{"precision", change.Column{Name: "a", Type: change.Numeric, Length: 5, Scale: 2}, change.Column{Name: "a", Type: change.Numeric, Length: 5, Scale: 1}, "digits"},
		{"type", change.Column{Name: "a", Type: change.BigInt}, change.Column{Name: "a", Type: change.Integer}, "bigint in the binlog"},
		{"members", change.Column{Name: "a", Type: change.Enum, Members: []string{"x", "y"}}, change.Column{Name: "a", Type: change.Enum, Members: []string{"x"}}, "members"},
		{"members of other characters", change.Column{Name: "a", Type: change.Enum, Members: []string{"x", "𝄞"}}, change.Column{Name: "a", Type: change.Enum, Members: []string{"x", "?"}}, ""},
		{"members in disorder", change.Column{Name: "a", Type: change.Set, Members: []string{"x", "y"}}, change.Column{Name: "a", Type: change.Set, Members: []string{"y", "x"}}, "members"},
		// What a map tells without names.
		{"no names", change.Column{Type: change.VarBinary, Length: 40}, change.Column{Name: "a", Type: change.VarChar, Length: 10, Charset: "utf8mb4"}, ""},
		{"no names, other length", change.Column{Type: change.VarBinary, Length: 41}, change.Column{Name: "a", Type: change.VarChar, Length: 10, Charset: "utf8mb4"}, "41 bytes"},
		{"no names, sign", change.Column{Type: change.BigInt}, change.Column{Name: "a", Type: change.BigInt, Unsigned: true}, ""},
		{"no names, charsets", change.Column{Type: change.TextType, Charset: "latin1"}, change.Column{Name: "a", Type: change.TextType, Charset: "utf8mb4"}, "charset"},
		{"no names, members", change.Column{Type: change.Enum}, change.Column{Name: "a", Type: change.Enum, Members: []string{"x"}}, ""},
		{"no names, type", change.Column{Type: change.Blob}, change.Column{Name: "a", Type: change.LongText, Charset: "utf8mb4"}, "blob in the binlog"},
	} {
		err := Agrees(mapOf(c.told), mapOf(c.known))
		if (err == nil) != (c.against == "") || err != nil && !strings.Contains(err.Error(), c.against) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	if err := Agrees(mapOf(text), mapOf()); err == nil || !strings.Contains(err.Error(), "1 columns, not 2") {
		t.Error(err)
	}
	other := mapOf(text)
	other.Key = nil
	if err := Agrees(mapOf(text), other); err == nil || !strings.Contains(err.Error(), "key") {
		t.Error(err)
	}
}

func TestRefine(t *testing.T) {
	m := mapOf(change.Column{Name: "j", Type: change.LongText, Charset: "utf8mb4"}, change.Column{Name: "u", Type: change.Binary, Length: 16, Nullable: true},
		change.Column{Name: "e", Type: change.Enum, Members: []string{"𝄞"}}, change.Column{Name: "t", Type: change.TimeType, Scale: -1})
	known := mapOf(change.Column{Name: "j", Type: change.JSONType, Charset: "utf8mb4"}, change.Column{Name: "u", Type: change.UUID, Nullable: true},
		change.Column{Name: "e", Type: change.Enum, Members: []string{"?"}}, change.Column{Name: "t", Type: change.TimeType, Scale: 3})
	before := Signature(m)
	want := mapOf(known.Columns[1], known.Columns[2], m.Columns[3], known.Columns[4])
	if got := Refine(m, known); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", *got)
	}
	if Signature(m) != before || !reflect.DeepEqual(Ambiguous(m), []int{1, 2, 4}) || Ambiguous(want) != nil {
		t.Error("it was changed", Ambiguous(m), Ambiguous(want))
	}
	bare := mapOf(change.Column{Type: change.LongBlob}, change.Column{Type: change.Binary, Length: 16, Nullable: true}, change.Column{Type: change.Enum}, change.Column{Type: change.TimeType, Scale: -1})
	bare.Columns[0].Name, bare.Key = "", nil
	if err := Agrees(bare, known); err != nil {
		t.Fatal(err)
	}
	if got := Refine(bare, known); !reflect.DeepEqual(got, known) || len(Ambiguous(bare)) != 5 {
		t.Errorf("%+v", *got)
	}
}

// Signatures differ whenever anything does.
func TestSignature(t *testing.T) {
	base := change.Column{Name: "a", Type: change.Enum, Members: []string{"x", "y"}, Length: 1, Scale: 1, Charset: "latin1"}
	seen := map[string]int{Signature(mapOf(base)): -1}
	for i, f := range []func(*change.Column, *change.Table){
		func(c *change.Column, _ *change.Table) { c.Name = "b" }, func(c *change.Column, _ *change.Table) { c.Type = change.Set },
		func(c *change.Column, _ *change.Table) { c.Unsigned = true }, func(c *change.Column, _ *change.Table) { c.Nullable = true },
		func(c *change.Column, _ *change.Table) { c.Length = 2 }, func(c *change.Column, _ *change.Table) { c.Scale = -1 },
		func(c *change.Column, _ *change.Table) { c.Charset = "utf8mb4" }, func(c *change.Column, _ *change.Table) { c.Members = []string{"x,y"} },
		func(_ *change.Column, t *change.Table) { t.Key = []int{1} }, func(_ *change.Column, t *change.Table) { t.Key = nil },
		func(_ *change.Column, t *change.Table) { t.Name = "u" }, func(_ *change.Column, t *change.Table) { t.Database = "e" },
		func(_ *change.Column, t *change.Table) { t.Columns[0], t.Columns[1] = t.Columns[1], t.Columns[0] },
	} {
		m := mapOf(base)
		f(&m.Columns[1], m)
		if j, ok := seen[Signature(m)]; ok {
			t.Errorf("%d and %d are the same", i, j)
		}
		seen[Signature(m)] = i
	}
	if len(seen) != 14 || seen[Signature(mapOf(base))] != -1 {
		t.Error(seen)
	}
}
