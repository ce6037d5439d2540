package binlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
)

// mapped returns what the binlog's maps say of tables, by their names, from a position on, until all that are named have come.
func mapped(t *testing.T, from binlog.Position, names ...string) map[string]*change.Table {
	t.Helper()
	told := make(map[string]*change.Table)
	config := shared.config()
	config.Start = from
	config.Tables = func(_, name string) bool { return slices.Contains(names, name) }
	config.Schema = func(_ context.Context, m *change.Table, _ change.Position) (*change.Table, error) {
		told[m.Name] = m
		// The values are of no matter, and those of old times cannot be read yet.
		known := *m
		known.Columns = slices.Clone(m.Columns)
		return &known, nil
	}
	r := open(t, config)
	until(t, r, func(binlog.Event) bool { return len(told) == len(names) })
	return told
}

// completed is a map's table, completed with what the catalog alone can know.
func completed(m, found *change.Table, also ...change.Type) *change.Table {
	t := *m
	t.Columns = slices.Clone(m.Columns)
	for i := range t.Columns {
		c, f := &t.Columns[i], &found.Columns[i]
		switch {
		case c.Type == change.LongText && f.Type == change.JSONType && slices.Contains(also, change.JSONType):
			c.Type = change.JSONType
		case c.Type == change.Binary && f.Type != change.Binary && slices.Contains(also, f.Type):
			c.Type, c.Length = f.Type, 0
		}
	}
	return &t
}

// Each type, and each way to tell it: the catalog says of a table what the binlog says, and what the binlog cannot say.
func TestCatalogTypes(t *testing.T) {
	from := shared.now(t)
	cases := typeCases()
	var names []string
	for i, c := range cases {
		name := fmt.Sprintf("catalog_%d", i)
		names = append(names, name)
		shared.exec(t, "DROP TABLE IF EXISTS "+name, fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY, v %s)", name, c.column), "INSERT INTO "+name+" VALUES (1, NULL)")
	}
	told := mapped(t, from, names...)
	all, err := catalog.Tables(t.Context(), shared.sql, func(database, name string) bool { return database == "shop" && strings.HasPrefix(name, "catalog_") })
	if err != nil || len(all) != len(cases) {
		t.Fatal(len(all), err)
	}
	byName := make(map[string]*change.Table)
	for i, f := range all {
		byName[f.Name] = f
		if i > 0 && all[i-1].Name >= f.Name {
			t.Errorf("%s after %s", f, all[i-1])
		}
	}
	for i, c := range cases {
		found, err := catalog.Table(t.Context(), shared.sql, "shop", names[i])
		if err != nil {
			t.Fatal(err)
		}
		if want := completed(told[names[i]], found, c.as); !reflect.DeepEqual(found, want) {
			t.Errorf("%s:\n%+v, in the binlog\n%+v", c.column, *found, *want)
		}
		if found.Columns[1].Type != c.as {
			t.Errorf("%s is a %s", c.column, found.Columns[1].Type)
		}
		if !reflect.DeepEqual(found, byName[names[i]]) {
			t.Errorf("%s: %+v alone, %+v with all", c.column, found, byName[names[i]])
		}
	}
}

// Columns that are generated, invisible or hidden, keys of several columns and of none, names and members with every kind of character,
// all charsets: the same columns in the same order, and the same key.
func TestCatalogTables(t *testing.T) {
	from := shared.now(t)
	definitions := map[string]string{
		"generated":      "(id INT PRIMARY KEY, a INT, v INT AS (a+1) VIRTUAL, s VARCHAR(20) AS (CONCAT(a,'x')) STORED, i INT INVISIBLE DEFAULT 3)",
		"versioned":      "(id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING",
		"versioned_bare": "(a INT) WITH SYSTEM VERSIONING",
		"versioned_told": "(id INT PRIMARY KEY, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME(s,e)) WITH SYSTEM VERSIONING",
		"versioned_hash": "(a TEXT, UNIQUE(a), b BLOB UNIQUE, id INT PRIMARY KEY) WITH SYSTEM VERSIONING",
		"period":         "(id INT, a DATE, b DATE, PERIOD FOR p (a,b), PRIMARY KEY (id, p WITHOUT OVERLAPS))",
		"hashed":         "(a BLOB, UNIQUE(a))",
		"hashed_number":  "(a INT, UNIQUE(a) USING HASH)",
		"in_memory":      "(id INT, a INT, UNIQUE(a), PRIMARY KEY(id) USING HASH) ENGINE=MEMORY",
		"no_key":         "(a INT)",
		"key_of_parts":   "(a VARCHAR(20), b TEXT, c INT, PRIMARY KEY (c, b(10), a(5)))",
		"unique_is_key":  "(a INT NOT NULL, b INT NOT NULL, UNIQUE z (b,a), UNIQUE y (a,b), UNIQUE x (a))",
		"unique_third":   "(a INT NOT NULL, b INT, c INT NOT NULL, d VARCHAR(20) NOT NULL, UNIQUE z (b), UNIQUE y (d(3)), UNIQUE x (c), UNIQUE w (a))",
		"unique_null":    "(a INT, UNIQUE (a))",
		"primary_last":   "(a INT NOT NULL, b INT, UNIQUE a1 (a), PRIMARY KEY (b))",
		"invisible_key":  "(a INT, id INT INVISIBLE DEFAULT 4 PRIMARY KEY)",
		"members":        `(e ENUM('a\\b','n\nl','q"q','t''t','z\0z','r\rr','tab\tx','p%_','ctl\Zx','c,d',' lead','trail  ') , s SET('\\''x') CHARACTER SET latin1, b ENUM('ü','a') CHARACTER SET binary, u SET('ü','𝄞') CHARACTER SET utf16)`,
		"names":          "(`a``b` INT, `ü €` INT, `CaSe` INT, `json_valid(x)` LONGTEXT, `j``j` JSON, PRIMARY KEY (`ü €`, `a``b`))",
		"checks":         "(a LONGTEXT CHECK (json_valid(a)), b LONGTEXT CHECK (json_valid(b) AND LENGTH(b) > 0), c LONGTEXT, d VARCHAR(30) CHECK (json_valid(d)), e LONGTEXT CHARACTER SET latin1 CHECK (json_valid(e)), f MEDIUMTEXT, CHECK (json_valid(c)), CHECK (json_valid(f)))",
		"digits":         "(f FLOAT(7,3), d DOUBLE(9,2) UNSIGNED, n DECIMAL(9,4) UNSIGNED ZEROFILL, z INT(5) ZEROFILL, y YEAR(4))",
		"geometries":     "(a POINT, b LINESTRING, c POLYGON, d MULTIPOINT, e MULTILINESTRING, f MULTIPOLYGON, g GEOMETRYCOLLECTION, h GEOMETRY NOT NULL)",
	}
	var charsets []string
	for i, name := range shared.column(t, "SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS ORDER BY 1") {
		charsets = append(charsets, fmt.Sprintf("c%d CHAR(7) CHARACTER SET %s, v%d VARCHAR(33) CHARACTER SET %[2]s, t%[1]d TEXT CHARACTER SET %[2]s, e%[1]d ENUM('x') CHARACTER SET %[2]s", i, name, i))
	}
	definitions["charsets"] = "(" + strings.Join(charsets, ", ") + ")"
	var names []string
	for name, definition := range definitions {
		names = append(names, name)
		shared.exec(t, "DROP TABLE IF EXISTS "+name, "CREATE TABLE "+name+" "+definition)
		values := "()"
		if name == "period" {
			values = "(1, '2024-01-01', '2025-01-01')"
		}
		shared.exec(t, "SET STATEMENT sql_mode = '' FOR INSERT INTO "+name+" VALUES "+values)
	}
	told := mapped(t, from, names...)
	for _, name := range names {
		found, err := catalog.Table(t.Context(), shared.sql, "shop", name)
		if err != nil {
			t.Fatal(err)
		}
		m := told[name]
		if len(m.Columns) != len(found.Columns) {
			t.Errorf("%s: %+v, in the binlog\n%+v", name, *found, *m)
			continue
		}
		if len(m.Key) == 0 {
			m.Key = found.Key[:0:0]
		}
		if name == "members" { // information_schema has no more
			m.Columns[3].Members[1] = "?"
		}
		if want := completed(m, found, change.JSONType); !reflect.DeepEqual(found, want) {
			t.Errorf("%s:\n%+v, in the binlog\n%+v", name, *found, *want)
		}
	}
	for name, want := range map[string][]change.Type{"checks": {change.JSONType, change.LongText, change.LongText, change.VarChar, change.JSONType, change.MediumText}, "names": {change.Integer, change.Integer, change.Integer, change.LongText, change.JSONType}} {
		found, _ := catalog.Table(t.Context(), shared.sql, "shop", name)
		for i, c := range found.Columns {
			if c.Type != want[i] {
				t.Errorf("%s.%s is a %s", name, c.Name, c.Type)
			}
		}
	}
}

// A column that is renamed takes its check along, which is still listed under the old name.
func TestCatalogRenamed(t *testing.T) {
	shared.exec(t, "CREATE OR REPLACE TABLE renamed (a JSON, b LONGTEXT, `c``c` JSON COMMENT 'x, CHECK (json_valid(`d`))', d LONGTEXT CHECK (json_valid(b)), e LONGTEXT COMMENT 'CHECK (json_valid(`e`))')",
		"ALTER TABLE renamed RENAME COLUMN a TO b, RENAME COLUMN b TO a, RENAME COLUMN `c``c` TO `x``,`")
	found, err := catalog.Table(t.Context(), shared.sql, "shop", "renamed")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []change.Type{change.JSONType, change.LongText, change.JSONType, change.LongText, change.LongText} {
		if c := found.Columns[i]; c.Type != want {
			t.Errorf("%s is a %s", c.Name, c.Type)
		}
	}
}

// The digits of old times are told, which the binlog does not have.
func TestCatalogOldTimes(t *testing.T) {
	shared.exec(t, "SET GLOBAL mysql56_temporal_format = OFF")
	t.Cleanup(func() { _, _ = shared.sql.ExecContext(context.Background(), "SET GLOBAL mysql56_temporal_format = ON") })
	shared.exec(t, "CREATE OR REPLACE TABLE old_times (id INT PRIMARY KEY, a TIME(2) NULL, b DATETIME NULL, c TIMESTAMP(6) NULL)")
	found, err := catalog.Table(t.Context(), shared.sql, "shop", "old_times")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []change.Column{{Type: change.Integer}, {Type: change.TimeType, Scale: 2, Nullable: true}, {Type: change.DateTimeType, Nullable: true}, {Type: change.TimestampType, Scale: 6, Nullable: true}} {
		want.Name = found.Columns[i].Name
		if !reflect.DeepEqual(found.Columns[i], want) {
			t.Errorf("%+v", found.Columns[i])
		}
	}
}

// What is no table is told as such, an account with SELECT sees all, and one without nothing.
func TestCatalogMissing(t *testing.T) {
	shared.exec(t, "CREATE OR REPLACE TABLE seen (id INT PRIMARY KEY, j JSON)", "CREATE OR REPLACE VIEW a_view AS SELECT * FROM seen", "CREATE SEQUENCE IF NOT EXISTS a_sequence")
	for _, name := range []string{"no_such", "a_view", "a_sequence", "SEEN"} {
		if found, err := catalog.Table(t.Context(), shared.sql, "shop", name); !errors.Is(err, catalog.ErrNoTable) || !strings.Contains(err.Error(), "shop."+name) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	all, err := catalog.Tables(t.Context(), shared.sql, nil)
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, f := range all {
		if f.Database != "shop" || f.Name == "a_view" || f.Name == "a_sequence" {
			t.Errorf("%s is told", f)
		}
	}
	before := time.Now().Add(-time.Hour)
	if at, err := catalog.Created(t.Context(), shared.sql, "shop", "seen"); err != nil || at.Before(before) {
		t.Error(at, err)
	}
	if _, err := catalog.Created(t.Context(), shared.sql, "shop", "no_such"); !errors.Is(err, catalog.ErrNoTable) {
		t.Error(err)
	}
	shared.exec(t, "CREATE OR REPLACE USER reader@'%' IDENTIFIED BY 'reader'")
	own := as(t, "reader", "reader")
	if _, err := catalog.Table(t.Context(), own, "shop", "seen"); !errors.Is(err, catalog.ErrNoTable) {
		t.Error(err)
	}
	shared.exec(t, "GRANT SELECT ON shop.* TO reader@'%'")
	own = as(t, "reader", "reader")
	if found, err := catalog.Table(t.Context(), own, "shop", "seen"); err != nil || found.Columns[1].Type != change.JSONType || len(found.Key) != 1 {
		t.Error(found, err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := catalog.Tables(canceled, own, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// as connects with another account.
func as(t *testing.T, user, password string) *sql.DB {
	t.Helper()
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = user, password, "tcp", shared.Addr()
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
