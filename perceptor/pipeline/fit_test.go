package pipeline

import (
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

func TestFits(t *testing.T) {
	type c = change.Column
	for _, test := range []struct {
		from, to c
		want     string // part of the reason; empty if it fits
		doubt    bool
	}{
		{c{Type: change.Integer}, c{Type: change.Integer}, "", false},
		{c{Type: change.Integer}, c{Type: change.BigInt}, "", false},
		{c{Type: change.Integer, Unsigned: true}, c{Type: change.Integer}, "values from 0 to 4294967295", true},
		{c{Type: change.Integer}, c{Type: change.Integer, Unsigned: true}, "values from -2147483648", true},
		{c{Type: change.Integer, Unsigned: true}, c{Type: change.BigInt}, "", false},
		{c{Type: change.BigInt}, c{Type: change.DoubleType}, "a bigint of the source is a double", false},
		{c{Type: change.Integer}, c{Type: change.Numeric, Length: 10}, "", false},
		{c{Type: change.Integer}, c{Type: change.Numeric, Length: 10, Scale: 2}, "a int of the source is a decimal", false},
		{c{Type: change.TinyInt}, c{Type: change.VarChar, Length: 4}, "", false},
		{c{Type: change.TinyInt}, c{Type: change.VarChar, Length: 3}, "room for 3", false},
		{c{Type: change.Integer, Nullable: true}, c{Type: change.Integer}, "may be NULL", true},
		{c{Type: change.Numeric, Length: 12, Scale: 2}, c{Type: change.Numeric, Length: 14, Scale: 4}, "", false},
		{c{Type: change.Numeric, Length: 12, Scale: 2}, c{Type: change.Numeric, Length: 12, Scale: 4}, "decimal(12,2) does not fit a decimal(12,4)", false},
		{c{Type: change.VarChar, Length: 20, Charset: "utf8mb4"}, c{Type: change.TextType, Charset: "utf8mb4"}, "", false},
		{c{Type: change.TextType, Charset: "utf8mb4"}, c{Type: change.VarChar, Length: 20, Charset: "utf8mb4"}, "room for 20", true},
		{c{Type: change.VarChar, Length: 20, Charset: "utf8mb4"}, c{Type: change.VarChar, Length: 20, Charset: "latin1"}, "latin1", true},
		{c{Type: change.VarChar, Length: 20, Charset: "latin1"}, c{Type: change.VarChar, Length: 20, Charset: "utf8mb4"}, "", false},
		{c{Type: change.VarChar, Length: 20}, c{Type: change.VarBinary, Length: 200}, "a varchar of the source is a varbinary", false},
		{c{Type: change.Blob}, c{Type: change.MediumBlob}, "", false},
		{c{Type: change.Blob}, c{Type: change.TextType}, "a blob of the source is a text", false},
		{c{Type: change.DateTimeType, Scale: 6}, c{Type: change.DateTimeType}, "6 digits of a second", false},
		{c{Type: change.DateType}, c{Type: change.DateTimeType}, "", false},
		{c{Type: change.TimestampType}, c{Type: change.DateTimeType}, "a timestamp of the source", false},
		{c{Type: change.Enum, Members: []string{"a", "b"}}, c{Type: change.Enum, Members: []string{"b", "a", "c"}}, "", false},
		{c{Type: change.Enum, Members: []string{"a", "b"}}, c{Type: change.Enum, Members: []string{"a"}}, `member "b"`, true},
		{c{Type: change.Set, Members: []string{"aa", "bb"}}, c{Type: change.VarChar, Length: 5}, "", false},
		{c{Type: change.Set, Members: []string{"aa", "bb"}}, c{Type: change.VarChar, Length: 4}, "room for 4", false},
		{c{Type: change.Bit, Length: 8}, c{Type: change.Bit, Length: 4}, "bit(8)", false},
		{c{Type: change.JSONType}, c{Type: change.LongText}, "", false},
		{c{Type: change.JSONType}, c{Type: change.TextType}, "room for 65535", true},
		{c{Type: change.LongText, Charset: "utf8mb4"}, c{Type: change.JSONType}, "no JSON", true},
		{c{Type: change.UUID}, c{Type: change.VarChar, Length: 40}, "", false},
		{c{Type: change.FloatType}, c{Type: change.DoubleType}, "", false},
		{c{Type: change.DoubleType}, c{Type: change.FloatType}, "a double of the source is a float", false},
	} {
		reason, doubt := fits(&test.from, &test.to)
		if (test.want == "") != (reason == "") || !strings.Contains(reason, test.want) || doubt != test.doubt {
			t.Errorf("%+v into %+v: %q, doubt %v", test.from, test.to, reason, doubt)
		}
	}
}
