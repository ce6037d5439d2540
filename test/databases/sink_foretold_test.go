package databases

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
)

func created(t *change.Table, v change.Version, values ...string) *change.Change {
	return &change.Change{Op: change.Create, Table: t, After: textRow(values...), Version: v}
}

// looks is how many SELECT statements the server has run.
func looks(t testing.TB, db *sql.DB) int {
	t.Helper()
	_, n, _ := strings.Cut(selected(t, db, "SHOW GLOBAL STATUS LIKE 'Com_select'"), ",")
	count, err := strconv.Atoi(n)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// TestSinkForetold: a batch that finds what its changes foretell is written without a look. The outcomes are those of a look, in
// every case, and a row that is not as foretold has the next batch look, too.
func TestSinkForetold(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		l.create("told", "id VARCHAR(20) NOT NULL, v VARCHAR(20)", "PRIMARY KEY (id)")
		s, table := l.open(), textTable("told", "id", "v")
		apply(t, s, created(table, versionAt(1, 1, 1), "first", "1")) // the sink has seen the table
		create := func(id string, at int64) *change.Change {
			return created(table, versionAt(1, at, 1), id, fmt.Sprint(at))
		}
		update := func(id string, at int64) *change.Change { return put(table, versionAt(1, at, 1), id, fmt.Sprint(at)) }
		remove := func(id string, at int64) *change.Change { return del(table, versionAt(1, at, 1), id, "") }
		const a, n, d, o = change.Absent, change.Newer, change.Duplicate, change.Stale
		for i, step := range []struct {
			batch   []*change.Change
			want    []change.Verdict
			without bool
			live    string
		}{
			{[]*change.Change{create("a", 2), create("b", 2), create("c", 2)}, []change.Verdict{a, a, a}, true, "a,2;b,2;c,2;first,1"},
			{[]*change.Change{update("a", 3), create("d", 3), remove("c", 3)}, []change.Verdict{n, a, n}, true, "a,3;b,2;d,3;first,1"},
			{[]*change.Change{update("a", 4), update("b", 2)}, []change.Verdict{n, d}, false, "a,4;b,2;d,3;first,1"},
			{[]*change.Change{update("a", 5), update("b", 5)}, []change.Verdict{n, n}, false, "a,5;b,5;d,3;first,1"}, // it looks once more, and sees that it need not
			{[]*change.Change{update("a", 6), update("b", 6)}, []change.Verdict{n, n}, true, "a,6;b,6;d,3;first,1"},
			{[]*change.Change{update("a", 5), update("b", 7)}, []change.Verdict{o, n}, false, "a,6;b,7;d,3;first,1"},
			{[]*change.Change{create("e", 8)}, []change.Verdict{a}, false, "a,6;b,7;d,3;e,8;first,1"},
			{[]*change.Change{create("a", 9), create("f", 9)}, []change.Verdict{n, a}, false, "a,9;b,7;d,3;e,8;f,9;first,1"},
			{[]*change.Change{create("g", 10)}, []change.Verdict{a}, false, "a,9;b,7;d,3;e,8;f,9;first,1;g,10"},
			{[]*change.Change{update("a", 11), update("h", 11)}, []change.Verdict{n, a}, false, "a,11;b,7;d,3;e,8;f,9;first,1;g,10;h,11"},
			{[]*change.Change{create("i", 12)}, []change.Verdict{a}, false, "a,11;b,7;d,3;e,8;f,9;first,1;g,10;h,11;i,12"},
			{[]*change.Change{create("c", 13), update("i", 13)}, []change.Verdict{n, n}, false, "a,11;b,7;c,13;d,3;e,8;f,9;first,1;g,10;h,11;i,13"}, // its deleted row is there
			{[]*change.Change{remove("nobody", 14)}, []change.Verdict{a}, false, "a,11;b,7;c,13;d,3;e,8;f,9;first,1;g,10;h,11;i,13"},
			{[]*change.Change{update("a", 15)}, []change.Verdict{n}, false, "a,15;b,7;c,13;d,3;e,8;f,9;first,1;g,10;h,11;i,13"},
			{[]*change.Change{remove("a", 16), update("b", 16)}, []change.Verdict{n, n}, true, "b,16;c,13;d,3;e,8;f,9;first,1;g,10;h,11;i,13"},
		} {
			before := looks(t, l.db)
			outcomes := apply(t, s, step.batch...)
			if n := looks(t, l.db) - before; (n == 0) != step.without {
				t.Errorf("step %d: %d looks", i, n)
			}
			for k, outcome := range outcomes {
				if outcome.Verdict != step.want[k] || outcome.Err != nil {
					t.Errorf("step %d, change %d: %s (%v), not %s", i, k, outcome.Verdict, outcome.Err, step.want[k])
				}
			}
			if got := l.live("told", "id, v"); got != step.live {
				t.Errorf("step %d: the table has %q, not %q", i, got, step.live)
			}
		}
	})
}

// TestSinkForetoldRule: the rule in SQL lets pass what change.Judge takes for newer, all of it in one statement, and nothing else.
func TestSinkForetoldRule(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		cut := change.Version{Epoch: 1, ExecuteTime: 1, Position: change.Position{File: 1, Offset: 1, Row: 1}}
		table := textTable("rule", "id", "v")
		var batch, older, others []*change.Change
		for n := range 3 * 3 * 3 * 3 * 3 {
			v := change.Version{Epoch: uint32(n % 3), ExecuteTime: int64(n / 3 % 3), Position: change.Position{File: uint32(n / 9 % 3), Offset: uint64(n / 27 % 3), Row: uint32(n / 81)}}
			batch = append(batch, created(table, v, fmt.Sprint(n), "before"))
			over := put(table, cut, fmt.Sprint(n), "after")
			if change.Judge(v, true, cut) == change.Newer {
				older = append(older, over)
			} else {
				others = append(others, over)
			}
		}
		l.create("rule", "id VARCHAR(20) NOT NULL, v VARCHAR(20)", "PRIMARY KEY (id)")
		fill := l.open()
		apply(t, fill, batch...)
		before := looks(t, l.db)
		apply(t, fill, older...)
		if n := looks(t, l.db) - before; n != 0 || len(older) != 121 {
			t.Errorf("%d newer changes took %d looks", len(older), n)
		}
		for _, c := range others {
			o := apply(t, l.open(), c)[0] // which does not expect to have to look
			if want := change.Judge(o.Stored, true, cut); o.Verdict != want || o.Verdict.Puts() || o.Stored.Compare(cut) < 0 {
				t.Errorf("row %s: %s, stored %s", c.Image()[0].Raw(), o.Verdict, o.Stored)
			}
		}
		if got := selected(t, l.db, "SELECT COUNT(*), SUM(v = 'after') FROM rule"); got != "243,121" {
			t.Errorf("rows, and those overwritten: %s", got)
		}
	})
}

// TestSinkForetoldUnique: an update of a row that is not there, with a value of a second unique key that an older row has, is that
// statement's only row. It has to leave the other row alone, also where the key came after the sink had looked at the table.
func TestSinkForetoldUnique(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		for _, late := range []bool{false, true} {
			keys := "PRIMARY KEY (id), UNIQUE KEY email (email)"
			if late {
				keys = "PRIMARY KEY (id)"
			}
			run1(t, l.db, "DROP TABLE IF EXISTS skein_row_versions")
			l.create("unlike", "id VARCHAR(20) NOT NULL, email VARCHAR(100) NULL", keys)
			s, table := l.open(), textTable("unlike", "id", "email")
			apply(t, s, created(table, versionAt(1, 1, 1), "1", "a@x"))
			if late {
				run1(t, l.db, "ALTER TABLE unlike ADD UNIQUE KEY email (email)")
				if l.which == mysql.SideTable {
					continue // there it has to be known
				}
			}
			if o := apply(t, s, put(table, versionAt(1, 2, 1), "2", "a@x"))[0]; !errors.Is(o.Err, mysql.ErrUniqueKey) {
				t.Errorf("late %v: %s, %v", late, o.Verdict, o.Err)
			}
			if got := l.live("unlike", "id, email"); got != "1,a@x" {
				t.Errorf("late %v: the table has %q", late, got)
			}
		}
	})
}

// TestSinkForetoldFlag: what lets only newer versions pass does not depend on the type of the column that it is written to: somebody
// may change that, or make the side table by hand.
func TestSinkForetoldFlag(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		l.create("flag", "id VARCHAR(20) NOT NULL, v VARCHAR(20)", "PRIMARY KEY (id)")
		s, table := l.open(), textTable("flag", "id", "v")
		place := map[mysql.Layout]string{mysql.InRow: "flag", mysql.SideTable: "skein_row_versions"}[l.which]
		apply(t, s, created(table, versionAt(1, 1, 1), "a", "1"), created(table, versionAt(1, 1, 1), "b", "1"))
		for n, typ := range []string{"INT", "BIGINT UNSIGNED", "DECIMAL(30,0)", "DOUBLE", "VARCHAR(30)", "TINYINT UNSIGNED"} {
			run1(t, l.db, "ALTER TABLE "+place+" MODIFY row_deleted "+typ+" NOT NULL DEFAULT 0")
			at := int64(10 * (n + 1))
			before := looks(t, l.db)
			apply(t, s, put(table, versionAt(1, at, 1), "a", typ), put(table, versionAt(1, at, 1), "b", typ))
			o := apply(t, s, put(table, versionAt(1, at+1, 1), "a", typ), put(table, versionAt(1, 2, 1), "b", "older"))
			if o[0].Verdict != change.Newer || o[1].Verdict != change.Stale {
				t.Errorf("%s: %s and %s", typ, o[0].Verdict, o[1].Verdict)
			}
			if got := l.live("flag", "id, v"); got != "a,"+typ+";b,"+typ {
				t.Errorf("%s: the table has %q", typ, got)
			}
			apply(t, s, put(table, versionAt(1, at+2, 1), "a", typ)) // a look that finds what was foretold, so the next batch does not look
			if n := looks(t, l.db) - before; n > 3 {
				t.Errorf("%s: %d looks", typ, n)
			}
		}
	})
}

// TestSinkForetoldHistory: of a table that keeps its history the server counts 3 for a row that it updates, and 1 for one that it inserts.
func TestSinkForetoldHistory(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		l.create("past", "id VARCHAR(20) NOT NULL, v VARCHAR(20)", "PRIMARY KEY (id)")
		run1(t, l.db, "ALTER TABLE past ADD SYSTEM VERSIONING")
		s, table := l.open(), textTable("past", "id", "v")
		apply(t, s, created(table, versionAt(1, 1, 1), "a", "1"), created(table, versionAt(1, 1, 1), "b", "1"))
		before := looks(t, l.db)
		apply(t, s, put(table, versionAt(1, 2, 1), "a", "2"), put(table, versionAt(1, 2, 1), "b", "2"))
		if n := looks(t, l.db) - before; n != 0 {
			t.Errorf("%d looks", n)
		}
		o := apply(t, s, put(table, versionAt(1, 3, 1), "a", "3"), put(table, versionAt(1, 3, 1), "c", "3"))
		if o[0].Verdict != change.Newer || o[1].Verdict != change.Absent {
			t.Errorf("%s and %s", o[0].Verdict, o[1].Verdict)
		}
		if got := l.live("past", "id, v"); got != "a,3;b,2;c,3" {
			t.Errorf("the table has %q", got)
		}
	})
}
