package mysql

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/change"
)

func TestLiteral(t *testing.T) {
	for _, c := range []struct {
		v    change.Value
		want string
	}{
		{change.NullValue(), "NULL"},
		{change.IntValue(-5), "-5"},
		{change.UintValue(math.MaxUint64), "18446744073709551615"},
		{change.FloatValue(math.MaxFloat32), "3.4028234663852886e+38"},
		{change.DoubleValue(math.Inf(1)), ""},
		{change.DoubleValue(math.NaN()), ""},
		{change.DecimalValue([]byte("-1.50")), "-1.50"},
		{change.DecimalValue([]byte("1-1")), ""},
		{change.DecimalValue([]byte("1;DROP")), ""},
		{change.DecimalValue([]byte(".5")), ""},
		{change.DecimalValue(nil), ""},
		{change.BitsValue(6), "6"},
		{change.TextValue([]byte("it's \\ \x00\"\n")), "'it\\'s \\\\ \\0\"\n'"},
		{change.BytesValue([]byte("\xff'\\")), "_binary'\xff\\'\\\\'"},
		{change.JSONValue([]byte(`{"a":"\n"}`)), `'{"a":"\\n"}'`},
		{change.DateValue(2024, 2, 29), "'2024-02-29'"},
		{change.TimeValue(-1), "'-00:00:00.000001'"},
		{change.DateTimeValue(0, 0, 0, 0), "'0000-00-00 00:00:00.000000'"},
		{change.TimestampValue(0), "'1970-01-01 00:00:00.000000'"},
		{change.Value{}, ""},
	} {
		got, err := appendLiteral(nil, c.v)
		if (err != nil) != (c.want == "") || err == nil && string(got) != c.want {
			t.Errorf("%s: %q, %v, not %q", c.v, got, err, c.want)
		}
	}
	if got := appendName(nil, "we`ird"); string(got) != "`we``ird`" {
		t.Errorf("%s", got)
	}
}

// A literal ends where it has to, whatever is in it: the text of a value is never read as SQL.
func FuzzLiteral(f *testing.F) {
	f.Add([]byte(`'; DROP TABLE x; -- \`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := appendString(nil, text)
		var back []byte
		i := 1
		for ; i < len(got) && got[i] != '\''; i++ {
			if got[i] == '\\' {
				if i++; got[i] == '0' {
					back = append(back, 0)
					continue
				}
			}
			back = append(back, got[i])
		}
		if i != len(got)-1 || string(back) != string(text) {
			t.Fatalf("%q is %q", text, got)
		}
		if lit, err := appendLiteral(nil, change.DecimalValue(text)); err == nil && strings.Trim(string(lit), "0123456789.-") != "" {
			t.Fatalf("the decimal %q", lit)
		}
	})
}

func TestDuplicateKey(t *testing.T) {
	for _, c := range []struct {
		number        uint16
		message, name string
		fate          fate
	}{
		{1062, "Duplicate entry '1' for key 'PRIMARY'", "PRIMARY", fateCollide},
		{1062, "Duplicate entry '1' for key 'orders.PRIMARY'", "PRIMARY", fateCollide},
		{1062, "Duplicate entry 'it's' for key 'PRIMARY'' for key 'email'", "email", fateRow},
		{1062, "Duplicate entry 'a' for key 'orders.email'", "email", fateRow},
		{1213, "Deadlock found", "", fateAgain},
		{1146, "Table doesn't exist", "", fateTarget},
		{1264, "Out of range", "", fateRow},
		{2000, "something else", "", fateStop},
	} {
		err := fmt.Errorf("wrapped: %w", &driver.MySQLError{Number: c.number, Message: c.message})
		if name, ok := duplicateKey(err); name != c.name || ok != (c.number == 1062) || fateOf(err) != c.fate {
			t.Errorf("%s: %q, fate %d", c.message, name, fateOf(err))
		}
	}
	if fateOf(errors.New("connection reset")) != fateStop {
		t.Error("a connection that breaks is for the caller")
	}
}

// Keys of which one is another's beginning, or whose parts could be cut otherwise, differ.
func TestRowKeysDiffer(t *testing.T) {
	key := func(parts ...string) string {
		row := change.Row{}
		index := []int{}
		for i, p := range parts {
			row, index = append(row, change.TextValue([]byte(p))), append(index, i)
		}
		return string(sideKey(appendRowKey(nil, index, row)))
	}
	seen := map[string][]string{}
	long := strings.Repeat("x", 300)
	for _, parts := range [][]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a"}, {"ab"}, {long}, {long + "y"}, {long, "y"}, {strings.Repeat("x", 252)}} {
		k := key(parts...)
		if other, ok := seen[k]; ok || len(k) > sideKeySize {
			t.Errorf("%q and %q have one key of %d bytes", parts, other, len(k))
		}
		seen[k] = parts
	}
	decimals := &target{columns: []targetColumn{{typ: change.Numeric}, {typ: change.VarChar}}, key: []int{0, 1}}
	for k, same := range []bool{true, false} { // '1.5' and '1.50' are two texts and one number
		if (string(decimals.appendShown(nil, k, []byte("1.50"))) == string(decimals.appendShown(nil, k, []byte("1.5")))) != same {
			t.Errorf("column %d", k)
		}
	}
	if string(decimals.appendShown(nil, 0, []byte("10"))) == string(decimals.appendShown(nil, 0, []byte("1"))) {
		t.Error("10 is 1")
	}
}

// A create has the version of the delete that its change of the key began with. On the same row it comes after it.
func TestDecideKeyChange(t *testing.T) {
	v := change.Version{ExecuteTime: 5}
	create, del := &change.Change{Op: change.Create, Version: v}, &change.Change{Op: change.Delete, Version: v}
	for _, c := range []struct {
		found stored
		c     *change.Change
		want  change.Verdict
	}{
		{stored{true, true, true, v}, create, change.Newer},
		{stored{true, true, false, v}, create, change.Duplicate},
		{stored{true, true, true, v}, del, change.Duplicate},
		{stored{true, true, false, v}, del, change.Duplicate},
		{stored{true, false, false, change.Version{}}, create, change.Absent},
		{stored{true, true, true, change.Version{ExecuteTime: 6}}, create, change.Stale},
	} {
		if got := decide(c.found, c.c).Verdict; got != c.want {
			t.Errorf("%+v, %s: %s, not %s", c.found, c.c.Op, got, c.want)
		}
	}
}

func TestConfig(t *testing.T) {
	for dsn, want := range map[string]string{"": "DSN", "user:secret@nowhere": "DSN", "u:p@tcp(h:1)/": "names no database"} {
		if _, _, err := (Config{DSN: dsn}).withDefaults(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", dsn, err)
		}
	}
	for _, c := range []Config{{BatchRows: 901}, {BatchRows: -1}, {Tries: -1}, {Layout: 2}} {
		c.DSN = "u:p@tcp(h:1)/d"
		if _, _, err := c.withDefaults(); err == nil {
			t.Errorf("%+v passed", c)
		}
	}
}
