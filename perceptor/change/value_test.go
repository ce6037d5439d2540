package change

import "testing"

func TestValuesAsText(t *testing.T) {
	const day = 24 * 3600 * 1_000_000
	for _, c := range []struct {
		v      Value
		digits int
		want   string
	}{
		{NullValue(), 0, ""},
		{IntValue(-9223372036854775808), 0, "-9223372036854775808"},
		{UintValue(18446744073709551615), 0, "18446744073709551615"},
		{FloatValue(0.1), 0, "0.1"},
		{DoubleValue(1e300), 0, "1e300"},
		{DecimalValue([]byte("-12345.678901")), 0, "-12345.678901"},
		{BitsValue(1 << 63), 0, "9223372036854775808"},
		{DateValue(2024, 2, 29), 0, "2024-02-29"},
		{DateValue(0, 0, 0), 0, "0000-00-00"},
		{TimeValue(-(838*3600+59*60+59)*1_000_000 - 999_999), 6, "-838:59:59.999999"},
		{TimeValue(-1), 3, "-00:00:00.000"},
		{TimeValue(1_500_000), 1, "00:00:01.5"},
		{DateTimeValue(9999, 12, 31, day-1), 6, "9999-12-31 23:59:59.999999"},
		{DateTimeValue(2024, 0, 1, 0), 0, "2024-00-01 00:00:00"},
		{TimestampValue(0), 0, "1970-01-01 00:00:00"},
		{TimestampValue(1_700_000_000_123_456), 3, "2023-11-14 22:13:20.123"},
		{TimestampValue(ZeroTimestamp), 0, "0000-00-00 00:00:00"},
		{TextValue([]byte("übung")), 0, "übung"},
	} {
		if got := string(c.v.AppendText(nil, c.digits)); got != c.want {
			t.Errorf("%d of %d: %q, not %q", c.v.Kind, c.v.num, got, c.want)
		}
	}
}

func TestDateTimeKeepsItsParts(t *testing.T) {
	v := DateTimeValue(2024, 11, 30, 86_399_999_999)
	if y, m, d := v.Day(); y != 2024 || m != 11 || d != 30 || v.TimeOfDay() != 86_399_999_999 {
		t.Errorf("%d-%d-%d, %d", y, m, d, v.TimeOfDay())
	}
}

func TestChangeCheck(t *testing.T) {
	table := &Table{Database: "shop", Name: "orders", Columns: []Column{{Name: "id", Type: BigInt}, {Name: "note", Type: TextType}}, Key: []int{0}}
	row := Row{IntValue(1), NullValue()}
	for what, c := range map[string]struct {
		change Change
		ok     bool
	}{
		"create":           {Change{Op: Create, Table: table, After: row}, true},
		"delete":           {Change{Op: Delete, Table: table, Before: row}, true},
		"delete of after":  {Change{Op: Delete, Table: table, After: row}, false},
		"truncate":         {Change{Op: Truncate, Table: table}, true},
		"no operation":     {Change{Table: table, After: row}, false},
		"key is null":      {Change{Op: Create, Table: table, After: Row{NullValue(), NullValue()}}, false},
		"key is not told":  {Change{Op: Create, Table: table, After: Row{{}, NullValue()}}, false},
		"too few values":   {Change{Op: Create, Table: table, After: row[:1]}, false},
		"time before 1970": {Change{Op: Create, Table: table, After: row, Version: Version{ExecuteTime: -1}}, false},
		"no key":           {Change{Op: Create, Table: &Table{Columns: table.Columns}, After: row}, false},
	} {
		if err := c.change.Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
}
