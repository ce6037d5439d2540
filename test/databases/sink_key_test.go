package databases

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
)

// TestSinkKeyKept: a key that a column of the target would round to that of another row is told. The others of the batch are written.
func TestSinkKeyKept(t *testing.T) {
	layouts(t, func(t *testing.T, l *layout) {
		at := func(microseconds int64) change.Value { return change.DateTimeValue(2024, 2, 29, microseconds) }
		decimal := func(s string) change.Value { return change.DecimalValue([]byte(s)) }
		text := func(s string) change.Value { return change.TextValue([]byte(s)) }
		for _, c := range []struct {
			typ       string
			of        change.Type
			kept, not change.Value
		}{
			{"DATETIME(3)", change.DateTimeType, at(123_000), at(123_400)},
			{"TIME(1)", change.TimeType, change.TimeValue(-100_000), change.TimeValue(-100_001)},
			{"TIMESTAMP(6)", change.TimestampType, change.TimestampValue(1_123_456), change.Value{}},
			{"TIMESTAMP", change.TimestampType, change.TimestampValue(1_000_000), change.TimestampValue(1_100_000)},
			{"DECIMAL(10,1)", change.Numeric, decimal("-1.20"), decimal("-1.21")},
			{"FLOAT", change.DoubleType, change.DoubleValue(0.5), change.DoubleValue(0.1)},
			{"VARCHAR(30)", change.DateTimeType, at(123_456), change.Value{}},
		} {
			run1(t, l.db, "DROP TABLE IF EXISTS skein_row_versions")
			l.create("kept", "id "+c.typ+" NOT NULL, v VARCHAR(20)", "PRIMARY KEY (id)")
			s := l.open()
			table := &change.Table{Database: "shop", Name: "kept", Key: []int{0}, Columns: []change.Column{{Name: "id", Type: c.of, Scale: 6}, {Name: "v", Type: change.VarChar}}}
			row := func(key change.Value, offset uint64, v string) *change.Change {
				return &change.Change{Op: change.Update, Table: table, After: change.Row{key, text(v)}, Version: versionAt(1, 1, offset)}
			}
			for n := range uint64(3) {
				batch := []*change.Change{row(c.kept, n, fmt.Sprint(n))}
				if c.not.Kind != change.Missing {
					batch = append(batch, row(c.not, n, "lost"))
				}
				o := apply(t, s, batch...)
				if o[0].Err != nil || !o[0].Verdict.Puts() {
					t.Errorf("%s, %d: %s, %v", c.typ, n, o[0].Verdict, o[0].Err)
				}
				if len(o) == 2 && (o[1].Err == nil || !strings.Contains(o[1].Err.Error(), "target.kept, column id of the key")) {
					t.Errorf("%s, %d: %s, %v", c.typ, n, o[1].Verdict, o[1].Err)
				}
			}
			if got := selected(t, l.db, "SELECT COUNT(*), MIN(v) FROM kept WHERE v <> 'lost'"); got != "1,2" {
				t.Errorf("%s: %s", c.typ, got)
			}
		}
	})
}

// TestSinkKeyOtherForm: a row whose key the target keeps in another form, here with zeros behind it, is found when it is inserted and not
// when it is looked for. That is told, and does not stop its batch.
func TestSinkKeyOtherForm(t *testing.T) {
	l := &layout{t: t, which: mysql.InRow, db: admin(t, mariadbAddr, "target")}
	run1(t, l.db, "CREATE OR REPLACE USER sinker@'%' IDENTIFIED BY 'sinker'", "GRANT SELECT, INSERT, UPDATE ON target.* TO sinker@'%'")
	l.create("form", "id BINARY(4) NOT NULL, v VARCHAR(20)", "PRIMARY KEY (id)")
	s := l.open()
	table := &change.Table{Database: "shop", Name: "form", Key: []int{0}, Columns: []change.Column{{Name: "id", Type: change.Binary}, {Name: "v", Type: change.VarChar}}}
	row := func(op change.Op, key string, offset uint64) *change.Change {
		return &change.Change{Op: op, Table: table, After: change.Row{change.BytesValue([]byte(key)), change.TextValue([]byte(fmt.Sprint(offset)))}, Version: versionAt(1, 1, offset)}
	}
	apply(t, s, row(change.Create, "ab", 2), row(change.Create, "abcd", 2))
	o := apply(t, s, row(change.Update, "ab", 1), row(change.Update, "abcd", 3))
	if o[0].Err == nil || !strings.Contains(o[0].Err.Error(), "the column does not keep the key as it is") || o[1].Verdict != change.Newer || o[1].Err != nil {
		t.Errorf("%v; %s, %v", o[0].Err, o[1].Verdict, o[1].Err)
	}
	if got := l.live("form", "v"); got != "2;3" {
		t.Errorf("%s", got)
	}
}
