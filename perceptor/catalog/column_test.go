package catalog

import (
	"slices"
	"testing"
)

func TestMembers(t *testing.T) {
	for text, want := range map[string][]string{
		`enum('a')`: {"a"}, `enum('a','b,c','it''s','ü','')`: {"a", "b,c", "it's", "ü", ""}, `set('a\\b','n\nl','z\0z','r\rr')`: {`a\b`, "n\nl", "z\x00z", "r\rr"},
		`set('\\''x')`: {`\'x`}, `enum(')','(')`: {")", "("}, `enum('''')`: {"'"},
	} {
		if got, ok := members(text); !ok || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "enum", "enum(", "enum('", "enum('a", "enum('a'", "enum('a',", "enum('a' 'b')", "enum(a)", `enum('a\`, "enum()"} {
		if got, ok := members(text); ok {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func FuzzMembers(f *testing.F) {
	f.Add(`enum('a','b''c','\\')`)
	f.Fuzz(func(t *testing.T, text string) {
		names, ok := members(text)
		if ok != (len(names) > 0) {
			t.Errorf("%q: %q, %v", text, names, ok)
		}
	})
}

func TestUnsigned(t *testing.T) {
	for text, want := range map[string]bool{"int(11)": false, "int(11) unsigned": true, "mediumint(8) unsigned zerofill": true, "int(5) zerofill": true, "INT UNSIGNED": true} {
		if unsigned(text) != want {
			t.Errorf("%s", text)
		}
	}
}

func TestColumnRefused(t *testing.T) {
	for _, d := range []definition{{name: "v", dataType: "vector", columnType: "vector(3)"}, {name: "e", dataType: "enum", columnType: "enum("}, {name: "u", dataType: "unknown"}} {
		if _, err := d.column(); err == nil {
			t.Errorf("%+v is a column", d)
		}
	}
}
