package snapshot

import (
	"math"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// What follows a row, in the order of its key, and how each type's values are kept and written.
func TestAfter(t *testing.T) {
	column := func(name string, as change.Type, charset string) change.Column {
		return change.Column{Name: name, Type: as, Charset: charset}
	}
	for _, c := range []struct {
		column change.Column
		value  change.Value
		stored string
		kept   string
		sql    string
	}{
		{column("a", change.BigInt, ""), change.IntValue(math.MinInt64), "", "-9223372036854775808", "(`a` > -9223372036854775808)"},
		{column("a", change.BigInt, ""), change.UintValue(math.MaxUint64), "", "18446744073709551615", "(`a` > 18446744073709551615)"},
		{column("a`b", change.Numeric, ""), change.DecimalValue([]byte("-0.50")), "-0.50", "-0.50", "(`a``b` > -0.50)"},
		{column("a", change.FloatType, ""), change.FloatValue(0.1), "", "1.00000001490116119e-01", "(`a` > 1.00000001490116119e-01)"},
		{column("a", change.VarChar, "latin1"), change.TextValue([]byte("ü")), "\xfc", "fc", "(`a` > _latin1 x'fc')"},
		{column("a", change.VarChar, "utf8mb4"), change.TextValue([]byte{}), "", "", "(`a` > _utf8mb4 x'')"},
		{column("a", change.VarBinary, ""), change.BytesValue([]byte{0, 0xff}), "\x00\xff", "00ff", "(`a` > x'00ff')"},
		{column("a", change.Enum, "utf8mb4"), change.TextValue([]byte("z")), "3", "3", "(`a` > 3)"},
		{column("a", change.DateType, ""), change.DateValue(2024, 0, 0), "", "2024-00-00", "(`a` > '2024-00-00')"},
		{column("a", change.TimeType, ""), change.TimeValue(-1), "", "-00:00:00.000001", "(`a` > '-00:00:00.000001')"},
		{column("a", change.UUID, ""), change.TextValue([]byte("123e4567-e89b-12d3-a456-426655440000")), "123e4567-e89b-12d3-a456-426655440000", "123e4567-e89b-12d3-a456-426655440000", "(`a` > '123e4567-e89b-12d3-a456-426655440000')"},
		{column("a", change.Bit, ""), change.BitsValue(5), "\x05", "5", "(`a` > 5)"},
	} {
		kept := string(appendKept(nil, &c.column, c.value, []byte(c.stored)))
		if kept != c.kept {
			t.Errorf("%s is kept as %q, not %q", c.value, kept, c.kept)
		}
		table := &change.Table{Columns: []change.Column{c.column}, Key: []int{0}}
		if sql, err := appendAfter(nil, table, []string{kept}); string(sql) != c.sql || err != nil {
			t.Errorf("%s: %s, not %s; %v", c.value, sql, c.sql, err)
		}
	}
	three := &change.Table{Columns: []change.Column{column("x", change.Integer, ""), column("a", change.Integer, ""), column("b", change.DateType, ""), column("c", change.Binary, "")}, Key: []int{2, 1, 3}}
	want := "(`b` > '2024-01-01' OR (`b` = '2024-01-01' AND (`a` > 7 OR (`a` = 7 AND (`c` > x'00')))))"
	if sql, err := appendAfter(nil, three, []string{"2024-01-01", "7", "00"}); string(sql) != want || err != nil {
		t.Errorf("%s, %v", sql, err)
	}
	// What was not made by appendKept does not become SQL.
	for _, c := range []struct {
		as   change.Type
		kept string
	}{
		{change.Integer, "1 OR 1"}, {change.Integer, ""}, {change.DateType, "2024' OR '1"}, {change.VarChar, "zz"}, {change.VarBinary, "'"}, {change.UUID, "x' --"}, {change.DoubleType, "1;"},
	} {
		table := &change.Table{Columns: []change.Column{column("a", c.as, "")}, Key: []int{0}}
		if sql, err := appendAfter(nil, table, []string{c.kept}); err == nil {
			t.Errorf("%s %q: %s", c.as, c.kept, sql)
		}
	}
	if _, err := appendAfter(nil, three, []string{"7"}); err == nil || !strings.Contains(err.Error(), "1 values") {
		t.Error(err)
	}
}
