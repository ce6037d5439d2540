package databases

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/test/services"
)

func dsn(user, password, database string) string {
	return fmt.Sprintf("%s:%s@tcp(%s)/%s", user, password, mariadbAddr, database)
}

// admin is a connection to look at what sinks have written.
func admin(t testing.TB, addr, database string) *sql.DB {
	t.Helper()
	c := driver.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = services.MariaDBUser, services.MariaDBPassword, "tcp", addr
	for _, c.DBName = range []string{"", database} {
		connector, err := driver.NewConnector(c.Clone())
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(connector)
		if c.DBName == database {
			t.Cleanup(func() { _ = db.Close() })
			return db
		}
		_, err = db.ExecContext(t.Context(), "CREATE DATABASE IF NOT EXISTS "+database+" CHARACTER SET utf8mb4")
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return nil
}

func run1(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

const versionColumns = ", execute_time BIGINT NULL, binlog_position BINARY(16) NULL, source_epoch INT UNSIGNED NULL, row_deleted BOOLEAN NOT NULL DEFAULT FALSE"

// layouts runs a test for each layout. create makes a table, with the version's columns where they belong.
func layouts(t *testing.T, f func(t *testing.T, l *layout)) {
	for name, which := range map[string]mysql.Layout{"in the row": mysql.InRow, "beside": mysql.SideTable} {
		t.Run(name, func(t *testing.T) {
			l := &layout{t: t, which: which, db: admin(t, mariadbAddr, "target")}
			run1(t, l.db, "DROP TABLE IF EXISTS skein_row_versions", "CREATE OR REPLACE USER sinker@'%' IDENTIFIED BY 'sinker'",
				"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON target.* TO sinker@'%'")
			f(t, l)
		})
	}
}

type layout struct {
	t     *testing.T
	which mysql.Layout
	db    *sql.DB
}

func (l *layout) create(table, columns, key string) {
	if l.which == mysql.InRow {
		columns += versionColumns
	}
	run1(l.t, l.db, "DROP TABLE IF EXISTS "+table, "CREATE TABLE "+table+" ("+columns+", "+key+") ENGINE=InnoDB")
}

func (l *layout) open() *mysql.Sink {
	l.t.Helper()
	s, err := mysql.Open(l.t.Context(), mysql.Config{DSN: dsn("sinker", "sinker", "target"), Layout: l.which})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = s.Close() })
	return s
}

// live is what a table shows to those who do not know of versions: its rows but the deleted ones.
func (l *layout) live(table, columns string) string {
	where := ""
	if l.which == mysql.InRow {
		where = " WHERE NOT row_deleted"
	}
	return selected(l.t, l.db, "SELECT "+columns+" FROM "+table+where+" ORDER BY 1")
}

// selected is the answer in text: a,b;c,d.
func selected(t testing.TB, db *sql.DB, q string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer func() { _ = rows.Close() }()
	names, _ := rows.Columns()
	var lines []string
	for rows.Next() {
		cells := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(cells))
		for i, c := range cells {
			if line[i] = c.String; !c.Valid {
				line[i] = "NULL"
			}
		}
		lines = append(lines, strings.Join(line, ","))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, ";")
}

func textTable(name string, columns ...string) *change.Table {
	t := &change.Table{Database: "shop", Name: name, Key: []int{0}}
	for _, c := range columns {
		t.Columns = append(t.Columns, change.Column{Name: c, Type: change.VarChar, Nullable: c != columns[0]})
	}
	return t
}

func textRow(values ...string) (r change.Row) {
	for _, v := range values {
		if v == "NULL" {
			r = append(r, change.NullValue())
			continue
		}
		r = append(r, change.TextValue([]byte(v)))
	}
	return r
}

func versionAt(epoch uint32, at int64, offset uint64) change.Version {
	return change.Version{Epoch: epoch, ExecuteTime: at, Position: change.Position{File: 1, Offset: offset}}
}

func put(t *change.Table, v change.Version, values ...string) *change.Change {
	return &change.Change{Op: change.Update, Table: t, After: textRow(values...), Version: v}
}

func del(t *change.Table, v change.Version, values ...string) *change.Change {
	return &change.Change{Op: change.Delete, Table: t, Before: textRow(values...), Version: v}
}

func apply(t testing.TB, s sink.Sink, changes ...*change.Change) []sink.Outcome {
	t.Helper()
	outcomes := make([]sink.Outcome, len(changes))
	if err := s.Apply(t.Context(), changes, outcomes); err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// TestSinkFourCases: the rule, step by step, on a real server, with what it says of each.
func TestSinkFourCases(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		l.create("cases", "id VARCHAR(20) NOT NULL, v VARCHAR(100)", "PRIMARY KEY (id)")
		s, table := l.open(), textTable("cases", "id", "v")
		for i, step := range []struct {
			c    *change.Change
			want change.Verdict
			live string
		}{
			{put(table, versionAt(1, 1000, 500), "a", "new"), change.Absent, "a,new"},
			{put(table, versionAt(1, 999, 400), "a", "older"), change.Stale, "a,new"},
			{put(table, versionAt(1, 999, 600), "a", "clock back"), change.ClockBack, "a,new"},
			{put(table, versionAt(1, 1001, 400), "a", "newer"), change.Newer, "a,newer"},
			{put(table, versionAt(1, 1001, 400), "a", "again"), change.Duplicate, "a,newer"},
			{put(table, versionAt(1, 1001, 399), "a", "smaller offset"), change.Stale, "a,newer"},
			{put(table, versionAt(1, 1001, 401), "a", "larger offset"), change.Newer, "a,larger offset"},
			{del(table, versionAt(1, 1002, 500), "a", "x"), change.Newer, ""},
			{put(table, versionAt(1, 1001, 450), "a", "late put"), change.Stale, ""},
			{del(table, versionAt(1, 1002, 500), "a", "x"), change.Duplicate, ""},
			{put(table, versionAt(1, 1003, 600), "a", "back again"), change.Newer, "a,back again"},
			{put(table, versionAt(2, 5, 4), "a", "next epoch"), change.Newer, "a,next epoch"},
			{put(table, versionAt(1, 9999, 9999), "a", "old epoch"), change.Stale, "a,next epoch"},
			{del(table, versionAt(1, 7, 7), "b", "never seen"), change.Absent, "a,next epoch"},
			{put(table, versionAt(1, 6, 6), "b", "before the delete"), change.Stale, "a,next epoch"},
		} {
			if o := apply(t, s, step.c)[0]; o.Verdict != step.want || o.Err != nil {
				t.Errorf("step %d: %s (%v), not %s", i, o.Verdict, o.Err, step.want)
			}
			if got := l.live("cases", "id, v"); got != step.live {
				t.Errorf("step %d: the table has %q, not %q", i, got, step.live)
			}
		}
		// The same in one batch: the newest is written, the others are told why not.
		outcomes := apply(t, s, put(table, versionAt(3, 1, 1), "c", "1"), put(table, versionAt(3, 3, 3), "c", "3"), put(table, versionAt(3, 2, 2), "c", "2"), put(table, versionAt(3, 3, 3), "c", "3"))
		for i, want := range []change.Verdict{change.Folded, change.Absent, change.Folded, change.Duplicate} {
			if outcomes[i].Verdict != want {
				t.Errorf("in a batch, %d: %s, not %s", i, outcomes[i].Verdict, want)
			}
		}
		// Swept, the row that never was can come into being.
		if n, err := s.Sweep(t.Context(), "target", "cases", 8); err != nil || n != 1 {
			t.Errorf("%d rows are swept, %v", n, err)
		}
		if o := apply(t, s, put(table, versionAt(1, 6, 6), "b", "too late to know"))[0]; o.Verdict != change.Absent {
			t.Errorf("after the sweep: %s", o.Verdict)
		}
	})
}

// TestSinkTakesOverRows: rows that were there before the sink have no version, and every change is newer than they are.
func TestSinkTakesOverRows(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		l.create("old", "id VARCHAR(20) NOT NULL, v VARCHAR(100)", "PRIMARY KEY (id)")
		run1(t, l.db, "INSERT INTO old (id, v) VALUES ('a','1'),('b','1'),('c','1'),('d','1')")
		if l.which == mysql.InRow {
			run1(t, l.db, "UPDATE old SET source_epoch = 0 WHERE id = 'd'") // an epoch is no version
		}
		s, table := l.open(), textTable("old", "id", "v")
		for _, batch := range [][]*change.Change{{put(table, versionAt(1, 1, 1), "d", "2")}, {put(table, versionAt(0, 1, 1), "a", "2"), del(table, versionAt(0, 1, 1), "b", "1")}} {
			for i, o := range apply(t, s, batch...) {
				if o.Verdict != change.Absent {
					t.Errorf("%s: %s", batch[i].Image()[0], o.Verdict)
				}
			}
		}
		if got := l.live("old", "id, v"); got != "a,2;c,1;d,2" {
			t.Errorf("%s", got)
		}
	})
}

// TestSinkKeyOnly: a table of nothing but its key, and one whose key has several columns, of which a decimal's zeros and a
// text's count differently.
func TestSinkKeyOnly(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		l.create("members", "id VARCHAR(20) NOT NULL", "PRIMARY KEY (id)")
		l.create("prices", "shop VARCHAR(20) NOT NULL, price DECIMAL(10,2) NOT NULL, at DATETIME(3) NOT NULL, v VARCHAR(10)", "PRIMARY KEY (price, shop, at)")
		s, table := l.open(), textTable("members", "id")
		for i, want := range []change.Verdict{change.Absent, change.Newer} {
			for _, o := range apply(t, s, put(table, versionAt(1, 1, uint64(i)), "a"), put(table, versionAt(1, 1, uint64(i)), "b")) {
				if o.Verdict != want || o.Err != nil {
					t.Errorf("%s, %v", o.Verdict, o.Err)
				}
			}
		}
		if got := l.live("members", "id"); got != "a;b" {
			t.Errorf("%s", got)
		}
		prices := &change.Table{Database: "shop", Name: "prices", Key: []int{0, 1, 2}, Columns: []change.Column{
			{Name: "shop", Type: change.VarChar}, {Name: "price", Type: change.Numeric, Scale: 2}, {Name: "at", Type: change.DateTimeType, Scale: 3}, {Name: "v", Type: change.VarChar}}}
		row := func(op change.Op, shop, price, v string, offset uint64) *change.Change {
			c := &change.Change{Op: op, Table: prices, Version: versionAt(1, 1, offset)}
			r := change.Row{change.TextValue([]byte(shop)), change.DecimalValue([]byte(price)), change.DateTimeValue(2024, 2, 29, 1_500_000), change.TextValue([]byte(v))}
			if c.After = r; op == change.Delete {
				c.Before, c.After = r, nil
			}
			return c
		}
		for i, want := range []change.Verdict{change.Absent, change.Newer, change.Duplicate} {
			n := uint64(min(i, 1))
			for _, o := range apply(t, s, row(change.Update, "1.5", "1.50", "x", n), row(change.Update, "1.50", "1.50", "y", n), row(change.Update, "1.50", "2.00", "z", n)) {
				if o.Verdict != want || o.Err != nil {
					t.Errorf("%d: %s, %v", i, o.Verdict, o.Err)
				}
			}
		}
		apply(t, s, row(change.Delete, "1.50", "1.50", "y", 9))
		if got := l.live("prices", "shop, price, at, v"); got != "1.5,1.50,2024-02-29 00:00:01.500,x;1.50,2.00,2024-02-29 00:00:01.500,z" {
			t.Errorf("%s", got)
		}
	})
}

// TestSinkUniqueKey: a value of a second unique key that another row has never changes that row. It is told, unless the
// batch itself gives the value free.
func TestSinkUniqueKey(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		l.create("users", "id VARCHAR(20) NOT NULL, email VARCHAR(100) NULL", "PRIMARY KEY (id), UNIQUE KEY email (email)")
		s, table := l.open(), textTable("users", "id", "email")
		apply(t, s, put(table, versionAt(1, 1, 1), "1", "a@x"), put(table, versionAt(1, 1, 2), "2", "b@x"))
		outcomes := apply(t, s, put(table, versionAt(1, 2, 1), "3", "a@x"), put(table, versionAt(1, 2, 2), "2", "a@x"), put(table, versionAt(1, 2, 3), "4", "d@x"))
		for _, o := range outcomes[:2] {
			if !errors.Is(o.Err, mysql.ErrUniqueKey) || !strings.Contains(o.Err.Error(), "(email)") || !strings.Contains(o.Err.Error(), "target.users") {
				t.Errorf("%v, %s", o.Err, o.Verdict)
			}
		}
		if o := outcomes[2]; o.Verdict != change.Absent || o.Err != nil {
			t.Errorf("the row beside them: %s, %v", o.Verdict, o.Err)
		}
		if got := l.live("users", "id, email"); got != "1,a@x;2,b@x;4,d@x" {
			t.Errorf("%s", got)
		}
		// Row 1 goes and 0 takes its value; 2 gives its value to 1a, which comes first by key.
		for i, o := range apply(t, s, put(table, versionAt(1, 3, 2), "0", "a@x"), del(table, versionAt(1, 3, 1), "1", "a@x"), put(table, versionAt(1, 3, 4), "1a", "b@x"), put(table, versionAt(1, 3, 3), "2", "c@x")) {
			if o.Err != nil || !o.Verdict.Puts() {
				t.Errorf("%d: %s, %v", i, o.Verdict, o.Err)
			}
		}
		if got := l.live("users", "id, email"); got != "0,a@x;1a,b@x;2,c@x;4,d@x" {
			t.Errorf("%s", got)
		}
	})
}

// TestSinkCollation: to a collation that knows no case a and A are one row. Whatever order the two halves of a changed key
// come in, the row stays, and it is the new one.
func TestSinkCollation(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		for n, together := range []bool{true, false, false} {
			l.create("names", "id VARCHAR(20) NOT NULL COLLATE utf8mb4_general_ci, v VARCHAR(100)", "PRIMARY KEY (id)")
			run1(t, l.db, "DROP TABLE IF EXISTS skein_row_versions")
			s, table := l.open(), textTable("names", "id", "v")
			apply(t, s, put(table, versionAt(1, 1, 1), "a", "1"), put(table, versionAt(1, 1, 2), "b", "1"))
			gone, come := del(table, versionAt(1, 2, 1), "a", "1"), put(table, versionAt(1, 2, 1), "A", "2")
			if n == 2 {
				gone, come = come, gone
			}
			if together {
				apply(t, s, gone, come, put(table, versionAt(1, 2, 2), "b", "2"))
			} else {
				apply(t, s, gone)
				apply(t, s, come)
				apply(t, s, gone, put(table, versionAt(1, 2, 2), "b", "2"))
			}
			if got := l.live("names", "id, v"); got != "A,2;b,2" {
				t.Errorf("%d: %s", n, got)
			}
		}
	})
}

// TestSinkBadInput: what one row cannot have is said of this row, and the others are written.
func TestSinkBadInput(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		l.create("strict", "id INT NOT NULL, small TINYINT NULL, name VARCHAR(3) NOT NULL, day DATE NULL, doubled INT AS (small * 2) STORED", "PRIMARY KEY (id)")
		s := l.open()
		table := &change.Table{Database: "shop", Name: "strict", Key: []int{0}, Columns: []change.Column{
			{Name: "id", Type: change.Integer}, {Name: "SMALL", Type: change.Integer}, {Name: "name", Type: change.Char}, {Name: "day", Type: change.VarChar}, {Name: "doubled", Type: change.Integer}}}
		unknown := *table
		unknown.Columns = append(table.Columns[:4:4], change.Column{Name: "colour", Type: change.Char})
		otherKey := *table
		otherKey.Key = []int{1}
		row := func(id int64, small change.Value, name, day string) *change.Change {
			c := &change.Change{Op: change.Create, Table: table, After: change.Row{change.IntValue(id), small, change.TextValue([]byte(name)), change.NullValue(), change.IntValue(7)}, Version: versionAt(1, 1, uint64(id))}
			if day != "" {
				c.After[3] = change.TextValue([]byte(day))
			}
			return c
		}
		null := row(5, change.IntValue(1), "", "")
		null.After[2] = change.NullValue()
		of := func(c *change.Change, table *change.Table) *change.Change { c.Table = table; return c }
		missing := row(9, change.Value{}, "abc", "")
		changes := []*change.Change{
			row(1, change.IntValue(1), "abc", "2024-02-30"), row(2, change.IntValue(999), "abc", ""), row(3, change.IntValue(3), "abcd", ""), row(4, change.IntValue(4), "abc", "soon"), null,
			of(row(6, change.IntValue(6), "abc", ""), &unknown), row(7, change.IntValue(7), "\xff", ""), row(8, change.IntValue(8), "äöü", "0000-00-00"), missing,
			{Op: change.Truncate, Table: table}, of(row(10, change.IntValue(1), "abc", ""), &otherKey),
		}
		want := []string{"", "small", "name", "day", "name", "no column colour", "name", "", "not told", "truncate", "primary key"}
		for i, o := range apply(t, s, changes...) {
			if (want[i] == "") != (o.Err == nil) || o.Err != nil && !strings.Contains(o.Err.Error(), want[i]) || o.Err != nil && o.Verdict != 0 {
				t.Errorf("row %d: %s, %v", i+1, o.Verdict, o.Err)
			}
		}
		if got := l.live("strict", "id, small, name, day, doubled"); got != "1,1,abc,2024-02-30,2;8,8,äöü,0000-00-00,16" {
			t.Errorf("%s", got)
		}
		// The column is added, and the sink sees it.
		run1(t, l.db, "ALTER TABLE strict ADD COLUMN colour CHAR(3)")
		if o := apply(t, s, changes[5])[0]; o.Err != nil || o.Verdict != change.Absent {
			t.Errorf("after the ALTER: %s, %v", o.Verdict, o.Err)
		}
		// A column is taken away behind its back: the first try tells, the second sees.
		run1(t, l.db, "ALTER TABLE strict DROP COLUMN day")
		outcomes := make([]sink.Outcome, 1)
		if err := s.Apply(t.Context(), []*change.Change{row(11, change.IntValue(1), "abc", "")}, outcomes); err == nil || !strings.Contains(err.Error(), "day") {
			t.Errorf("%v", err)
		}
		if o := apply(t, s, row(11, change.IntValue(1), "abc", ""))[0]; o.Err == nil || !strings.Contains(o.Err.Error(), "no column day") {
			t.Errorf("%v", o.Err)
		}
	})
}

// TestSinkTargetErrors: what is wrong with a table or with rights is an error of the batch, by its name.
func TestSinkTargetErrors(t *testing.T) {
	db := admin(t, mariadbAddr, "target")
	run1(t, db, "DROP TABLE IF EXISTS plain, heap, readonly, engine, beginning, position", "CREATE TABLE plain (id VARCHAR(20) PRIMARY KEY, v TEXT)", "CREATE TABLE heap (id VARCHAR(20), v TEXT)",
		"CREATE TABLE engine (id VARCHAR(20), v TEXT"+versionColumns+", PRIMARY KEY (id)) ENGINE=Aria",
		"CREATE TABLE beginning (id VARCHAR(20), v TEXT"+versionColumns+", PRIMARY KEY (id(3)))",
		"CREATE TABLE position (id VARCHAR(20), v TEXT"+strings.Replace(versionColumns, "BINARY(16)", "BINARY(20)", 1)+", PRIMARY KEY (id))",
		"CREATE TABLE readonly (id VARCHAR(20), v TEXT"+versionColumns+", PRIMARY KEY (id))",
		"CREATE OR REPLACE USER reader@'%' IDENTIFIED BY 'reader'", "GRANT SELECT ON target.* TO reader@'%'")
	errorOf := func(user, table string) error {
		s, err := mysql.Open(t.Context(), mysql.Config{DSN: dsn(user, user, "target")})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		return s.Apply(t.Context(), []*change.Change{put(textTable(table, "id", "v"), versionAt(1, 1, 1), "a", "b")}, make([]sink.Outcome, 1))
	}
	for _, c := range []struct {
		user, table string
		is          error
		say         string
	}{
		{"skein", "nowhere", mysql.ErrNoTable, "target.nowhere"},
		{"skein", "plain", nil, "the column execute_time is missing, where the row's version goes: ALTER TABLE `target`.`plain` ADD COLUMN `execute_time` BIGINT"},
		{"skein", "heap", nil, "no primary key"},
		{"skein", "engine", nil, "its engine Aria has no transactions: ALTER TABLE `target`.`engine` ENGINE=InnoDB"},
		{"skein", "beginning", nil, "only the beginning of column id"},
		{"skein", "position", nil, "the column binlog_position is a binary(20) and has to be a BINARY(16)"},
		{"reader", "readonly", mysql.ErrNoRights, "target.readonly"},
	} {
		err := errorOf(c.user, c.table)
		var target *mysql.TargetError
		if !errors.As(err, &target) || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v", c.table, err)
		}
	}
	if _, err := mysql.Open(t.Context(), mysql.Config{DSN: dsn("skein", "wrong", "target")}); !errors.Is(err, mysql.ErrNoRights) || strings.Contains(err.Error(), "wrong@") {
		t.Errorf("a wrong password: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := mysql.Open(ctx, mysql.Config{DSN: "u:p@tcp(127.0.0.1:1)/target"}); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("nobody there: %v", err)
	}
}
