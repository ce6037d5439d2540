package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/source"
)

// columns are columns and values for them, as SQL.
func columns() map[string][]string {
	all := map[string][]string{
		"TINYINT": {"-128", "127", "0"}, "TINYINT UNSIGNED": {"0", "255"}, "BOOLEAN": {"TRUE"}, "SMALLINT": {"-32768", "32767"}, "SMALLINT UNSIGNED ZEROFILL": {"0", "65535"},
		"MEDIUMINT": {"-8388608", "8388607", "-1"}, "MEDIUMINT UNSIGNED ZEROFILL": {"0", "16777215", "7"}, "INT": {"-2147483648", "2147483647"}, "INT UNSIGNED": {"4294967295"},
		"BIGINT": {"-9223372036854775808", "9223372036854775807"}, "BIGINT UNSIGNED": {"0", "18446744073709551615"},
		"FLOAT": {"0", "-0.0", "1.5", "-3.4028234e38", "1.17549435e-38", "1e-45", "0.1", "16777217"}, "FLOAT(7,3)": {"1.2345", "-9999.999"},
		"DOUBLE": {"0", "-1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "0.1", "123456789012345680"}, "DOUBLE(9,2) UNSIGNED": {"1.005"},
		"DECIMAL(20,6)": {"-12345.678901", "0", "99999999999999.999999", "-0.000001"}, "DECIMAL(9,4) UNSIGNED ZEROFILL": {"0", "1.5", "12345.6789"}, "DECIMAL(5,5)": {"0.00001", "-0.5"}, "DECIMAL(65,0)": {strings.Repeat("9", 65)},
		"DECIMAL(3,0) ZEROFILL": {"0", "7"}, "YEAR": {"0", "1901", "2155"}, "DATE": {"'0000-00-00'", "'9999-12-31'", "'2024-00-00'", "'2023-02-30'"},
		"CHAR(10)": {"''", "'üöä€𝄞'", "'abc  '"}, "CHAR(20) CHARACTER SET latin1": {"'ü€'", "''"}, "VARCHAR(30) CHARACTER SET ucs2": {"'ü€'"}, "VARCHAR(30) CHARACTER SET sjis": {"'日本 ｱ'"},
		"VARCHAR(20)": {"'trailing  '", "'nul\\0nul'"}, "BINARY(5)": {"''", "'abc'", "0x0000000000", "0xff00ff0000"}, "VARBINARY(300)": {"''", "0x00ff", "REPEAT(0xfe,300)"},
		"TEXT": {"''", "REPEAT('y',65535)"}, "LONGTEXT CHARACTER SET utf16": {"'𝄞'"}, "LONGTEXT": {"''", "REPEAT('y',17000000)"}, "TINYBLOB": {"0x00ff"}, "LONGBLOB": {"''", "REPEAT(0x80,17000000)"},
		"ENUM('a','b,c','it''s','ü')": {"'a'", "'ü'", "'no such'"}, "ENUM('ü','€') CHARACTER SET latin1": {"'€'"}, "SET('a','b','ü')": {"''", "'a,ü'"}, "JSON": {`'{"a": [1, 2.50, "ü", null]}'`, "'1e400'"},
		"GEOMETRY": {"ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326)"}, "POINT": {"ST_GeomFromText('POINT(-1.5 2)')"},
		"UUID": {"'123e4567-e89b-12d3-a456-426655440000'", "'018f4e5c-7b3a-7c1e-9f2d-0123456789ab'"}, "INET6": {"'::'", "'::ffff:192.0.2.1'", "'2001:db8::ff00:42:8329'", "'::2:3'"}, "INET4": {"'192.0.2.0'"},
		"VARCHAR(1000) COMPRESSED": {"''", "REPEAT('ab',500)"}, "BLOB COMPRESSED": {"REPEAT(0x00,60000)"}, "INT AS (id+1) VIRTUAL": nil, "VARCHAR(20) AS (CONCAT(id,'x')) STORED": nil, "INT INVISIBLE DEFAULT 3": {"5"},
	}
	for digits := range 7 {
		all[fmt.Sprintf("TIME(%d)", digits)] = []string{"'00:00:00'", "'-838:59:59'", "'838:59:59'", "'-00:00:00.000001'", "'-12:34:56.789012'", "'-100:00:00.01'"}
		all[fmt.Sprintf("DATETIME(%d)", digits)] = []string{"'0000-00-00 00:00:00'", "'9999-12-31 23:59:58.999999'", "'2024-00-00 00:00:00.000001'", "'2024-02-29 12:34:56.789012'"}
		all[fmt.Sprintf("TIMESTAMP(%d) NULL", digits)] = []string{"'0000-00-00 00:00:00'", "'1970-01-01 00:00:01.000001'", "'2038-01-19 03:14:07'", "'2024-02-29 12:34:56.789012'"}
	}
	for _, bits := range []int{1, 8, 9, 33, 64} {
		all[fmt.Sprintf("BIT(%d)", bits)] = []string{"0", "1", "b'" + strings.Repeat("1", bits) + "'"}
	}
	return all
}

// complete tells the types that the binlog does not know, as a schema history does.
func complete(d *database) func(context.Context, *change.Table, change.Position) (*change.Table, error) {
	return func(ctx context.Context, t *change.Table, _ change.Position) (*change.Table, error) {
		return catalog.Table(ctx, d.sql, t.Database, t.Name)
	}
}

// Each type: what a snapshot tells of a row is what the binlog tells of it, column by column and value by value.
func TestTypes(t *testing.T) {
	shared.fresh(t, "types")
	definition, values := []string{"id INT PRIMARY KEY"}, [][]string{}
	for c, v := range columns() { // some have no values: they are generated
		name := fmt.Sprintf("c%d", len(definition))
		definition = append(definition, name+" "+c)
		for i, one := range v {
			for len(values) <= i {
				values = append(values, nil)
			}
			values[i] = append(values[i], name+" = "+one)
		}
	}
	config := shared.config(t, "types")
	config.Schema = complete(shared)
	streaming := config
	streaming.Snapshot = source.Never
	s := open(t, streaming, source.State{}, false)
	statements := []string{"CREATE TABLE types.t (" + strings.Join(definition, ", ") + ")"}
	statements = append(statements, "INSERT INTO types.t SET id = 0")
	for i, v := range values {
		statements = append(statements, fmt.Sprintf("INSERT IGNORE INTO types.t SET id = %d, %s", i+1, strings.Join(v, ", ")))
	}
	shared.exec(t, statements...)
	wanted := len(values) + 1
	take := func(s *source.Source) (all []*change.Change) {
		until(t, s, func(e binlog.Event) bool {
			if e.Kind == binlog.Row {
				all = append(all, e.Change)
			}
			return len(all) == wanted
		})
		return all
	}
	told := take(s)
	reading := config
	reading.Snapshot = source.Only
	read := take(open(t, reading, source.State{}, false))
	compared := 0
	for i := range told {
		a, b := told[i], read[i]
		if len(a.Table.Columns) != len(b.Table.Columns) || len(a.After) != len(b.After) {
			t.Fatalf("%d columns in the stream, %d in the snapshot", len(a.Table.Columns), len(b.Table.Columns))
		}
		for n, c := range a.Table.Columns {
			if c.Name != b.Table.Columns[n].Name || c.Type != b.Table.Columns[n].Type {
				t.Errorf("%+v in the stream, %+v in the snapshot", c, b.Table.Columns[n])
			}
			if !a.After[n].Equal(b.After[n]) {
				t.Errorf("row %d, %s %s (%s): %s %.200s in the stream, %s %.200s in the snapshot", i, c.Name, c.Type, c.Charset, fmt.Sprint(a.After[n].Kind), a.After[n], fmt.Sprint(b.After[n].Kind), b.After[n])
			}
			if !a.After[n].IsNull() {
				compared++
			}
		}
	}
	t.Logf("%d values of %d columns are the same", compared, len(told[0].After))
	if compared < 150 {
		t.Error("that was too easy")
	}
}

// Keys of each type: read in chunks of one, two and three rows, each row comes once and in the server's order.
func TestKeys(t *testing.T) {
	shared.fresh(t, "keyed")
	keys := map[string][]string{
		"INT": {"-5", "0", "7", "2147483647"}, "BIGINT UNSIGNED": {"0", "1", "18446744073709551615", "9223372036854775808"}, "DECIMAL(30,5)": {"-1.5", "0", "0.00001", "99999999999999999999.5"},
		"FLOAT": {"-1.5", "0.1", "0.2", "16777216", "1e-45", "3.4028234e38"}, "DOUBLE": {"-0.1", "0.1", "0.30000000000000004", "0.3", "5e-324", "1e308"}, "BIT(33)": {"0", "1", "b'100000000000000000000000000000000'"},
		"YEAR": {"0", "1901", "2000", "2155"}, "DATE": {"'0000-00-00'", "'2024-00-00'", "'2024-02-31'", "'2024-03-01'", "'9999-12-31'"}, "TIME(6)": {"'-838:59:59'", "'-00:00:00.000001'", "'00:00:00'", "'12:00:00.5'"},
		"DATETIME(3)": {"'0000-00-00 00:00:00'", "'2024-00-00 01:00:00.001'", "'2024-02-29 12:34:56.789'", "'2024-02-29 12:34:56.790'"}, "TIMESTAMP(6)": {"'1970-01-01 00:00:01'", "'2024-03-31 02:30:00.000001'", "'2038-01-19 03:14:07.999999'", "'0000-00-00 00:00:00'"},
		"VARCHAR(20) COLLATE utf8mb4_general_ci": {"'b'", "'A'", "'aa'", "'ä1'", "''", "'zz'", "'it''s'", "'ß2'"}, "VARCHAR(20) COLLATE utf8mb4_bin": {"'b'", "'A'", "'a'", "'a1'", "'ä'", "''"},
		"CHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci": {"'ü'", "'y1'", "'x'", "'Z'", "'€'"}, "VARCHAR(20) CHARACTER SET sjis": {"'日'", "'本'", "'ｱ'", "'a'"}, "VARCHAR(10) CHARACTER SET utf16 COLLATE utf16_bin": {"'a'", "'𝄞'", "'€'"},
		"VARBINARY(20)": {"''", "0x00", "0x0000", "0xff", "0x61"}, "BINARY(4)": {"0x00000000", "0x00000001", "0xff", "0x2020"}, "ENUM('z','y','x','')": {"'z'", "'y'", "'x'", "''"}, "SET('c','b','a')": {"''", "'c'", "'b'", "'c,b'", "'a'"},
		"UUID": {"'123e4567-e89b-12d3-a456-426655440000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'00000000-0000-0000-0000-000000000000'", "'018f4e5c-7b3a-7c1e-9f2d-0123456789ab'"}, "INET6": {"'::'", "'::1'", "'2001:db8::1'", "'ffff::'"}, "INET4": {"'0.0.0.0'", "'10.0.0.1'", "'255.1.2.3'"},
	}
	tables := map[string]string{}
	for c, values := range keys {
		one, two := fmt.Sprintf("a%d", len(tables)), fmt.Sprintf("b%d", len(tables))
		tables[one], tables[two] = c, c
		shared.exec(t, "CREATE TABLE keyed."+one+" (v INT, k "+c+" NOT NULL PRIMARY KEY)", "CREATE TABLE keyed."+two+" (k "+c+" NOT NULL, n INT NOT NULL, v INT, PRIMARY KEY (k, n))")
		for i, v := range values {
			shared.exec(t, fmt.Sprintf("INSERT INTO keyed.%s VALUES (%d, %s)", one, i, v), fmt.Sprintf("INSERT INTO keyed.%s VALUES (%s, 1, %d), (%[2]s, 2, %[3]d), (%[2]s, -3, %[3]d)", two, v, i))
		}
	}
	for chunk := 1; chunk <= 3; chunk++ {
		got := map[string][]int64{}
		config := shared.config(t, "keyed")
		config.Snapshot, config.ChunkRows, config.Log = source.Only, chunk, slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
		s := open(t, config, source.State{}, false)
		for {
			e, err := s.Next(t.Context())
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				break
			}
			if e.Kind == binlog.Row {
				row := e.Change.After
				n := int64(0)
				if len(row) == 3 {
					n = 100*row[2].Int() + row[1].Int()
				} else {
					n = row[0].Int()
				}
				got[e.Change.Table.Name] = append(got[e.Change.Table.Name], n)
			}
		}
		for name, c := range tables {
			query := "SELECT v FROM keyed." + name + " ORDER BY k"
			if name[0] == 'b' {
				query = "SELECT 100*v+n FROM keyed." + name + " ORDER BY k, n"
			}
			want := shared.numbers(t, query)
			if fmt.Sprint(got[name]) != fmt.Sprint(want) {
				t.Errorf("%s in chunks of %d: %v, not %v", c, chunk, got[name], want)
			}
		}
	}
}
