package mysql

import (
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// Texts that a column would hold as the same are the same, and no others.
func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		typ  change.Type
		same [][]string // of each list all are the same, and different from those of the others
	}{
		{change.Numeric, [][]string{{"1.50", "1.5", "01.500"}, {"0", "-0", "0.00", "-0.0", "000"}, {"-0.5", "-.50"}, {"100"}, {"1"}, {"10"}}},
		{change.DoubleType, [][]string{{"0", "-0", "0e5"}, {"0.1", "1e-1"}, {"0.10000000000000002"}, {"1e300", "1e+300"}}},
		{change.FloatType, [][]string{{"0.1", "0.10000000149011612"}, {"16777216", "16777217"}}},
		{change.Char, [][]string{{"a", "a ", "a  "}, {" a"}, {"A"}, {"", " "}}},
		{change.VarChar, [][]string{{"a"}, {"a "}, {"A"}, {""}}},
		{change.Binary, [][]string{{"a", "a\x00"}, {"\x00a"}, {"", "\x00\x00"}}},
		{change.VarBinary, [][]string{{"a"}, {"a\x00"}, {""}}},
	} {
		column := &targetColumn{typ: c.typ}
		seen := map[string]int{}
		for n, list := range c.same {
			for i, text := range list {
				got := string(column.canonical([]byte(text)))
				if other, known := seen[got]; known != (i > 0) || known && other != n {
					t.Errorf("%s: %q is %q", c.typ, text, got)
				}
				seen[got] = n
			}
		}
	}
}

func TestKeyParts(t *testing.T) {
	key := appendPart(appendPart(nil, []byte("a,b")), nil)
	if parts, err := splitParts(key, 2); err != nil || string(parts[0]) != "a,b" || len(parts[1]) != 0 {
		t.Errorf("%q, %v", parts, err)
	}
	for n := range len(key) {
		if parts, err := splitParts(key[:n], 2); err == nil {
			t.Errorf("%d bytes of a key are %q", n, parts)
		}
	}
	if _, err := splitParts(append(key, 0), 2); err == nil {
		t.Error("a byte too many is a key")
	}
	for _, c := range [][2]string{{"12", "12.00"}, {"1.5", "1.50"}, {"-0.25", "-0.25"}} {
		if got := string(padDecimal([]byte(c[0]), 2)); got != c[1] {
			t.Errorf("%s is padded to %s", c[0], got)
		}
	}
	if got := string(padFraction([]byte("12:00:00.5"))); got != "12:00:00.500000" {
		t.Error(got)
	}
}

// What goes into a statement is a literal of its column, or refused.
func TestAppendTyped(t *testing.T) {
	for _, c := range []struct {
		typ  change.Type
		text string
		want string // empty if it is refused
	}{
		{change.BigInt, "-5", "-5"}, {change.Numeric, "1.50", "1.50"}, {change.Bit, "7", "7"}, {change.BigInt, "1 OR 1=1", ""}, {change.Integer, "", ""}, {change.Numeric, "1e5", ""},
		{change.DoubleType, "0.5", "0.5"}, {change.DoubleType, "x", ""}, {change.DoubleType, "NaN", ""}, {change.VarChar, `a'\`, `'a\'\\'`}, {change.VarBinary, "\x00'", `_binary'\0\''`},
		{change.DateTimeType, "2024-01-01 00:00:00", "'2024-01-01 00:00:00'"}, {change.UUID, "x'y", `'x\'y'`},
	} {
		got, err := AppendTyped(nil, c.typ, []byte(c.text))
		if err == nil && string(got) != c.want || err != nil && c.want != "" {
			t.Errorf("%s %q: %s, %v", c.typ, c.text, got, err)
		}
	}
}
