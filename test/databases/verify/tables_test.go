package verify

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	sinkhbase "github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	sinkmysql "github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/test/services"
)

// shape is a table: its columns, its key, and how HBase has it.
type shape struct {
	name, columns, key string
	row                func(r *rand.Rand, n int) string // VALUES of the n-th row
	hbase              sinkhbase.Table
}

func pick(r *rand.Rand, values ...string) string {
	if r.IntN(6) == 0 {
		return "NULL"
	}
	return values[r.IntN(len(values))]
}

// shapes are tables of all types, and of keys of all kinds.
func shapes() []shape {
	return []shape{
		{
			name: "alltypes", key: "id",
			columns: `id BIGINT NOT NULL, i1 TINYINT, u1 TINYINT UNSIGNED, i2 SMALLINT, i3 MEDIUMINT, z INT UNSIGNED ZEROFILL, i8 BIGINT, u8 BIGINT UNSIGNED,
f FLOAT, d DOUBLE, n DECIMAL(30,10), b BIT(33), y YEAR, dt DATE, t6 TIME(6), t0 TIME, dt6 DATETIME(6), dt0 DATETIME, ts3 TIMESTAMP(3) NULL,
c CHAR(10), v VARCHAR(50), l VARCHAR(50) CHARACTER SET latin1, bn BINARY(6), vb VARBINARY(20), tx TEXT, bl BLOB, en ENUM('a','B','ü'), st SET('x','y','z'), js JSON,
ge GEOMETRY, uu UUID, ip INET6`,
			row: func(r *rand.Rand, n int) string {
				return strings.Join([]string{fmt.Sprint(n - 7), pick(r, "-128", "127"), pick(r, "0", "255"), pick(r, "-32768"), pick(r, "8388607", "-1"), pick(r, "7", "4294967295"),
					pick(r, "-9223372036854775808", "0"), pick(r, "18446744073709551615", "0"), pick(r, "-0e0", "0", "0.1", "1e-45", "16777217"), pick(r, "0e0", "-0e0", "0.1", "1.7976931348623157e308", "123456789012345680"),
					pick(r, "1.5", "-0.0000000001", "0", "99999999999999999999.9999999999"), pick(r, "b'1'", "8589934591", "0"), pick(r, "0", "1901", "2155"), pick(r, "'0000-00-00'", "'2024-02-29'", "'9999-12-31'"),
					pick(r, "'-838:59:59'", "'00:00:00.000001'", "'12:34:56.789012'"), pick(r, "'838:59:59'", "'-00:00:01'"), pick(r, "'2024-02-29 12:34:56.789012'", "'0000-00-00 00:00:00'"),
					pick(r, "'1000-01-01 00:00:00'"), pick(r, "'1970-01-01 00:00:01.5'", "'2038-01-19 03:14:07'"), pick(r, "'abc'", "''", "'ü€'"), pick(r, "'trailing  '", "''", "'A'", "'a'", "'𝄞'"),
					pick(r, "'ü€'", "''"), pick(r, "'ab'", "0x000000000000", "0xff00"), pick(r, "0x00ff", "'ab  '", "''"), pick(r, "'long text'", "REPEAT('y',3000)"), pick(r, "0x00ff80", "REPEAT(0x80,3000)"),
					pick(r, "'a'", "'ü'"), pick(r, "''", "'x,z'"), pick(r, `'{"a": [1, 2.50, null]}'`, "'[]'"), pick(r, "ST_GeomFromText('POINT(1 2)')"), pick(r, "'123e4567-e89b-12d3-a456-426655440000'"),
					pick(r, "'2001:db8::1'")}, ",")
			},
		},
		{
			name: "composite", key: "a,b", columns: "a INT NOT NULL, b VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, v VARCHAR(30)",
			row: func(r *rand.Rand, n int) string {
				return fmt.Sprintf("%d,%s,%s", n/7-3, []string{"'a'", "'A'", "'|'", `'\\'`, "'ü'", "'b '", "''"}[n%7], pick(r, "'x'", "''"))
			},
			hbase: sinkhbase.Table{Key: sinkhbase.KeyBytes, Salt: 4},
		},
		{
			name: "text", key: "code", columns: "code VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL, v INT, w TEXT",
			row: func(r *rand.Rand, n int) string {
				return fmt.Sprintf("'%s%d',%s,%s", []string{"Key", "ß", "zz ", "ü"}[n%4], n*7919%100003, pick(r, "1", "2"), pick(r, "''", "'w'"))
			},
			hbase: sinkhbase.Table{Salt: 3, Nulls: sinkhbase.NullsAbsent},
		},
		{
			name: "times", key: "at,n", columns: "at DATETIME(6) NOT NULL, n DECIMAL(10,2) NOT NULL, v DOUBLE, ts TIMESTAMP(6) NULL",
			row: func(r *rand.Rand, n int) string {
				return fmt.Sprintf("'2024-01-01 00:00:00.%06d',%d.%d0,%s,%s", n*37%1000000, n%11-5, n%10, pick(r, "1e300", "0.5"), pick(r, "'2024-05-06 07:08:09.123456'"))
			},
			hbase: sinkhbase.Table{Key: sinkhbase.KeyBytes, Values: sinkhbase.ValuesBytes},
		},
		{
			name: "bytes", key: "k", columns: "k VARBINARY(40) NOT NULL, v BLOB, c CHAR(5)",
			row: func(r *rand.Rand, n int) string {
				return fmt.Sprintf("CONCAT(0x00ff,UNHEX(MD5('%d'))),%s,%s", n, pick(r, "0x00", "''"), pick(r, "'x'", "''"))
			},
			hbase: sinkhbase.Table{Key: sinkhbase.KeyBytes, Nulls: sinkhbase.NullsEmpty},
		},
	}
}

const versionColumns = ", execute_time BIGINT, binlog_position BINARY(16), source_epoch INT UNSIGNED, row_deleted BOOLEAN NOT NULL DEFAULT FALSE"

// copies are a source's database with its copies.
type copies struct {
	db     string
	shapes []shape
	hbase  *sinkhbase.Sink
	client *client.Client
	// tables are HBase's, by name of the shape.
	tables       map[string]string
	mysql        *sinkmysql.Sink // in the database in
	beside       *sinkmysql.Sink // in besideDB, with a side table
	in, besideDB string
}

// makeCopies makes empty tables. HBase is left out if it is not wanted.
func makeCopies(t testing.TB, shapes []shape, withHBase bool) *copies {
	t.Helper()
	c := &copies{db: database(t), shapes: shapes, tables: map[string]string{}}
	in, beside := database(t), database(t)
	c.in, c.besideDB = in, beside
	mapping := map[string]sinkhbase.Table{}
	for _, s := range shapes {
		key := ", PRIMARY KEY (" + s.key + ")"
		exec(t, "CREATE TABLE "+c.db+"."+s.name+" ("+s.columns+key+")", "CREATE TABLE "+in+"."+s.name+" ("+s.columns+versionColumns+key+")", "CREATE TABLE "+beside+"."+s.name+" ("+s.columns+key+")")
		s.hbase.Name = c.db + "_" + s.name
		mapping[c.db+"."+s.name], c.tables[s.name] = s.hbase, s.hbase.Name
	}
	for _, target := range []struct {
		db     string
		layout sinkmysql.Layout
		to     **sinkmysql.Sink
	}{{in, sinkmysql.InRow, &c.mysql}, {beside, sinkmysql.SideTable, &c.beside}} {
		s, err := sinkmysql.Open(t.Context(), sinkmysql.Config{DSN: fmt.Sprintf("%s:%s@tcp(%s)/%s", services.MariaDBUser, services.MariaDBPassword, maria.Addr(), target.db), Layout: target.layout})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		*target.to = s
	}
	if !withHBase {
		return c
	}
	c.client = hbaseClient(t)
	s, err := sinkhbase.Open(sinkhbase.Options{Client: client.Options{ZooKeeper: []string{hbaseAddr(t)}}, Tables: mapping})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Prepare(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	c.hbase = s
	return c
}

func (s *shape) fill(t testing.TB, db string, r *rand.Rand, rows int) {
	t.Helper()
	for from := 0; from < rows; from += 500 {
		var values []string
		for n := from; n < min(from+500, rows); n++ {
			values = append(values, "("+s.row(r, n)+")")
		}
		exec(t, "INSERT INTO "+db+"."+s.name+" VALUES "+strings.Join(values, ","))
	}
}
