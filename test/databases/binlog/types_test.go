package binlog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// typeCase is a column's definition and values of it, as SQL.
type typeCase struct {
	column string
	values []string
	// show is how the server tells the value; "v" if it is empty.
	show string
	as   change.Type
}

func texts(values ...string) []string {
	for i, v := range values {
		values[i] = "'" + strings.ReplaceAll(strings.ReplaceAll(v, `\`, `\\`), "'", "''") + "'"
	}
	return values
}

// decimals are the ends and the middle of a type, and some numbers of all lengths.
func decimals(precision, scale int) []string {
	r := rand.New(rand.NewPCG(uint64(precision), uint64(scale)))
	number := func(whole, fraction string) string {
		if whole == "" {
			whole = "0"
		}
		if fraction == "" {
			return whole
		}
		return whole + "." + fraction
	}
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	values := []string{"0", "-0", number(strings.Repeat("9", precision-scale), strings.Repeat("9", scale)), "-" + number(strings.Repeat("9", precision-scale), strings.Repeat("9", scale))}
	if scale > 0 {
		smallest := strings.Repeat("0", scale-1) + "1"
		values = append(values, "0."+smallest, "-0."+smallest)
	}
	for range 12 {
		n := number(digits(r.IntN(precision-scale+1)), digits(r.IntN(scale+1)))
		values = append(values, n, "-"+n)
	}
	return values
}

func times(digits int) []string {
	return texts("00:00:00", "-00:00:00", "838:59:59", "-838:59:59", "00:00:00.000001", "-00:00:00.000001", "-00:00:00.999999", "-00:00:01", "-00:00:01.5", "12:34:56.789012",
		"-12:34:56.789012", "-01:00:00.1", fmt.Sprintf("838:59:58.%s", strings.Repeat("9", max(digits, 1))), fmt.Sprintf("-838:59:58.%s", strings.Repeat("9", max(digits, 1))), "-100:00:00.01", "-00:01:00.0001")
}

func typeCases() []typeCase {
	cases := []typeCase{
		{column: "TINYINT", values: []string{"-128", "127", "0", "-1"}, as: change.TinyInt},
		{column: "TINYINT UNSIGNED", values: []string{"0", "255", "128"}, as: change.TinyInt},
		{column: "BOOLEAN", values: []string{"TRUE", "FALSE"}, as: change.TinyInt},
		{column: "SMALLINT", values: []string{"-32768", "32767", "-1"}, as: change.SmallInt},
		{column: "SMALLINT UNSIGNED", values: []string{"0", "65535"}, as: change.SmallInt},
		{column: "MEDIUMINT", values: []string{"-8388608", "8388607", "-1"}, as: change.MediumInt},
		{column: "MEDIUMINT UNSIGNED ZEROFILL", values: []string{"0", "16777215"}, show: "v+0", as: change.MediumInt},
		{column: "INT", values: []string{"-2147483648", "2147483647", "-1"}, as: change.Integer},
		{column: "INT UNSIGNED", values: []string{"0", "4294967295"}, as: change.Integer},
		{column: "BIGINT", values: []string{"-9223372036854775808", "9223372036854775807", "-1"}, as: change.BigInt},
		{column: "BIGINT UNSIGNED", values: []string{"0", "18446744073709551615", "9223372036854775808"}, as: change.BigInt},
		{column: "FLOAT", values: []string{"0", "-0.0", "1.5", "-3.4028234e38", "1.17549435e-38", "1e-45", "0.1", "16777217"}, show: "CAST(v AS DOUBLE)", as: change.FloatType},
		{column: "DOUBLE", values: []string{"0", "1.5", "-1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "0.1", "1e15", "123456789012345680"}, as: change.DoubleType},
		{column: "YEAR", values: []string{"0", "1901", "2155", "1999", "'0000'"}, show: "v+0", as: change.Year},
		{column: "DATE", values: texts("0000-00-00", "1000-01-01", "9999-12-31", "2024-02-29", "2024-00-00", "2024-05-00", "0001-01-01"), as: change.DateType},
		{column: "CHAR(10) CHARACTER SET utf8mb4", values: texts("", "abc", "üöä€𝄞", " in front", "0123456789"), as: change.Char},
		{column: "CHAR(255) CHARACTER SET utf8mb4", values: texts("", "x", strings.Repeat("𝄞", 255)), as: change.Char},
		{column: "CHAR(100) CHARACTER SET utf8mb3", values: texts("", "x", strings.Repeat("€", 100)), as: change.Char},
		{column: "VARCHAR(10)", values: texts("", "trailing  ", "üöä€𝄞", "0123456789", "nul\x00nul"), as: change.VarChar},
		{column: "VARCHAR(255) CHARACTER SET latin1", values: texts("", "ü€", strings.Repeat("ß", 255)), show: "CONVERT(v USING utf8mb4)", as: change.VarChar},
		{column: "VARCHAR(256) CHARACTER SET latin1", values: texts("", "ü€", strings.Repeat("ß", 256)), show: "CONVERT(v USING utf8mb4)", as: change.VarChar},
		{column: "VARCHAR(16000)", values: texts("", "x", strings.Repeat("€", 16000)), as: change.VarChar},
		{column: "BINARY(5)", values: append(texts("", "abc", "12345"), "0x0000000000", "0x0100", "0xff00ff0000", "0x2020"), as: change.Binary},
		{column: "BINARY(255)", values: append(texts("", "abc"), "0x00", "REPEAT(0xff,255)"), as: change.Binary},
		{column: "VARBINARY(300)", values: append(texts("", "abc  "), "0x00", "REPEAT(0xfe,300)"), as: change.VarBinary},
		{column: "VARBINARY(20)", values: append(texts("", "abc  "), "0x0000"), as: change.VarBinary},
		{column: "TINYTEXT", values: append(texts("", "x €"), "REPEAT('y',255)"), as: change.TinyText},
		{column: "TEXT", values: append(texts("", "x €"), "REPEAT('y',65535)"), as: change.TextType},
		{column: "MEDIUMTEXT", values: append(texts("", "x €"), "REPEAT('y',70000)"), as: change.MediumText},
		{column: "LONGTEXT", values: append(texts("", "x €"), "REPEAT('y',17000000)", "REPEAT('z',16777215-100)"), as: change.LongText},
		{column: "TINYBLOB", values: []string{"''", "0x00ff", "REPEAT(0x80,255)"}, as: change.TinyBlob},
		{column: "BLOB", values: []string{"''", "0x00ff", "REPEAT(0x80,65535)"}, as: change.Blob},
		{column: "MEDIUMBLOB", values: []string{"''", "0x00ff", "REPEAT(0x80,70000)"}, as: change.MediumBlob},
		{column: "LONGBLOB", values: []string{"''", "0x00ff", "REPEAT(0x80,40000000)"}, as: change.LongBlob},
		{column: "ENUM('a','b,c','it''s','ü','')", values: append(texts("a", "b,c", "it's", "ü", ""), "1", "'no such'"), as: change.Enum},
		{column: "ENUM('ü','€') CHARACTER SET latin1", values: texts("ü", "€"), show: "CONVERT(v USING utf8mb4)", as: change.Enum},
		{column: "ENUM(" + members(300) + ")", values: texts("m1", "m255", "m256", "m300"), as: change.Enum},
		{column: "SET('a','b','ü')", values: texts("", "a", "b", "a,ü", "a,b,ü"), as: change.Set},
		{column: "SET(" + members(64) + ")", values: append(texts("m1", "m64", "m1,m32,m33,m64"), "18446744073709551615"), as: change.Set},
		{column: "JSON", values: texts(`{"a": [1, 2.50, "ü", null], "b": {}}`, `"x"`, "null", "[]", "1e400"), as: change.JSONType},
		{column: "GEOMETRY", values: []string{"ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326)"}, as: change.Geometry},
		{column: "POINT", values: []string{"ST_GeomFromText('POINT(-1.5 2)')"}, as: change.Geometry},
		{column: "UUID", values: texts("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "123e4567-e89b-12d3-a456-426655440000", "f47ac10b-58cc-4372-a567-0e02b2c3d479",
			"018f4e5c-7b3a-7c1e-9f2d-0123456789ab", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "1ec9414c-232a-6b00-b3c8-9e6bdeced846", "12345678-1234-8234-8234-123456789000", "12345678-1234-1234-1234-123456789000"), as: change.UUID},
		{column: "INET6", values: texts("::", "::1", "2001:db8::ff00:42:8329", "::ffff:192.0.2.1", "::192.0.2.128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:0:0:1:0:0:1", "1:0:0:2::", "::2:3", "::3", "::1:0:0", "1::", "::ffff:0:0"), as: change.INET6},
		{column: "INET4", values: texts("0.0.0.0", "255.255.255.255", "192.0.2.0"), as: change.INET4},
		{column: "VARCHAR(1000) COMPRESSED", values: append(texts("", "x", "üöä"), "REPEAT('ab',500)", "REPEAT('€',333)"), as: change.VarChar},
		{column: "TEXT COMPRESSED", values: append(texts("", "x"), "REPEAT('ab',30000)"), as: change.TextType},
		{column: "BLOB COMPRESSED", values: append(texts("", "x"), "REPEAT(0x00,60000)"), as: change.Blob},
		{column: "VARCHAR(30) COMPRESSED CHARACTER SET latin1", values: texts("ü€", strings.Repeat("ß", 30)), show: "CONVERT(v USING utf8mb4)", as: change.VarChar},
		{column: "LONGTEXT COMPRESSED", values: append(texts("", "x"), "REPEAT('ab',300000)"), as: change.LongText},
	}
	for _, d := range [][2]int{{1, 0}, {1, 1}, {5, 5}, {9, 0}, {9, 9}, {10, 2}, {18, 9}, {19, 9}, {20, 6}, {27, 10}, {38, 38}, {65, 0}, {65, 30}, {65, 38}, {40, 1}} {
		cases = append(cases, typeCase{column: fmt.Sprintf("DECIMAL(%d,%d)", d[0], d[1]), values: decimals(d[0], d[1]), as: change.Numeric})
	}
	for digits := range 7 {
		cases = append(cases,
			typeCase{column: fmt.Sprintf("TIME(%d)", digits), values: times(digits), as: change.TimeType},
			typeCase{column: fmt.Sprintf("DATETIME(%d)", digits), as: change.DateTimeType,
				values: texts("0000-00-00 00:00:00", "1000-01-01 00:00:00", "9999-12-31 23:59:58.999999", "2024-02-29 12:34:56.789012", "2024-00-00 00:00:00.000001", "0001-01-01 01:01:01.1")},
			typeCase{column: fmt.Sprintf("TIMESTAMP(%d) NULL", digits), as: change.TimestampType,
				values: texts("0000-00-00 00:00:00", "1970-01-01 00:00:01", "2038-01-19 03:14:07", "2024-02-29 12:34:56.789012", "1970-01-01 00:00:01.000001", "2038-01-19 03:14:06.999")})
	}
	for _, bits := range []int{1, 7, 8, 9, 33, 63, 64} {
		cases = append(cases, typeCase{column: fmt.Sprintf("BIT(%d)", bits), values: []string{"0", "1", "b'" + strings.Repeat("1", bits) + "'", "b'1" + strings.Repeat("0", bits-1) + "'"}, show: "v+0", as: change.Bit})
	}
	return cases
}

func members(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("'m%d'", i+1))
	}
	return strings.Join(all, ",")
}

// refine tells the types that the binlog does not know.
func refine(as change.Type) func(context.Context, *change.Table, change.Position) (*change.Table, error) {
	return func(_ context.Context, t *change.Table, _ change.Position) (*change.Table, error) {
		switch as {
		case change.JSONType, change.UUID, change.INET4, change.INET6:
			known := *t
			known.Columns = append([]change.Column(nil), t.Columns...)
			known.Columns[1].Type = as
			return &known, nil
		}
		return t, nil
	}
}

// shown is the text that SELECT would have for a value.
func shown(v change.Value, c *change.Column) string {
	if v.IsNull() {
		return "NULL"
	}
	return string(v.AppendText(nil, c.Scale))
}

func same(as change.Type, got, want string) bool {
	if got == want {
		return true
	}
	if as == change.FloatType || as == change.DoubleType {
		bits := 64
		if as == change.FloatType {
			bits = 32
		}
		a, err1 := strconv.ParseFloat(got, bits)
		b, err2 := strconv.ParseFloat(want, bits)
		return err1 == nil && err2 == nil && a == b
	}
	return false
}

// Every type, with its extremes: what the binlog tells is what SELECT says, inserted, changed and deleted.
func TestTypes(t *testing.T) {
	for i, c := range typeCases() {
		t.Run(strings.ReplaceAll(c.column[:min(len(c.column), 50)], "/", "_"), func(t *testing.T) {
			table := fmt.Sprintf("types_%d", i)
			config := shared.config()
			config.Start = shared.now(t)
			config.Tables = func(_, name string) bool { return name == table }
			config.Schema = refine(c.as)
			show := c.show
			if show == "" {
				show = "v"
			}
			shared.exec(t, "DROP TABLE IF EXISTS "+table, "CREATE TABLE "+table+" (id INT PRIMARY KEY, v "+c.column+")")
			conn, err := shared.sql.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			values := append([]string{"NULL"}, c.values...)
			statements := []string{"SET sql_mode = 'ALLOW_INVALID_DATES'"}
			for n, v := range values {
				statements = append(statements, fmt.Sprintf("INSERT INTO %s VALUES (%d, %s)", table, n, v))
			}
			for _, s := range statements {
				if _, err := conn.ExecContext(t.Context(), s); err != nil {
					t.Fatalf("%.200s: %v", s, err)
				}
			}
			want := shared.column(t, "SELECT "+show+" FROM "+table+" ORDER BY id")
			shared.exec(t, "UPDATE "+table+" SET v = NULL WHERE id > 0 ORDER BY id", "DELETE FROM "+table+" WHERE id = 0")

			updates := 0
			for _, w := range want[1:] {
				if w != "NULL" {
					updates++
				}
			}
			r := open(t, config)
			got := rows(t, r, len(values)+updates+1)
			next := 1
			for n, e := range got {
				if column := e.Change.Table.Columns[1]; column.Name != "v" || column.Type != c.as || column.Unsigned != strings.Contains(c.column, "UNSIGNED") {
					t.Fatalf("the column is told as %+v, not as %s", column, c.as)
				}
				if err := e.Change.Check(); err != nil {
					t.Fatal(err)
				}
				switch {
				case n < len(values):
					v := e.Change.After[1]
					if text := shown(v, &e.Change.Table.Columns[1]); e.Change.Op != change.Create || !same(c.as, text, want[n]) {
						t.Errorf("%.100s: %s %.100q, not %.100q", values[n], e.Change.Op, text, want[n])
					}
				case n < len(got)-1:
					for want[next] == "NULL" {
						next++
					}
					before, after := e.Change.Before, e.Change.After
					if text := shown(before[1], &e.Change.Table.Columns[1]); e.Change.Op != change.Update || before[0].Int() != int64(next) || !same(c.as, text, want[next]) || !after[1].IsNull() {
						t.Errorf("%s of %.100s: before %.100q, not %.100q; after %s", e.Change.Op, values[next], text, want[next], after[1])
					}
					next++
				default:
					if e.Change.Op != change.Delete || e.Change.Before[0].Int() != 0 || e.Change.After != nil {
						t.Errorf("the last is %s", e.Change.Op)
					}
				}
			}
		})
	}
}
