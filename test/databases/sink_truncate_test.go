package databases

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/sink"
	"github.com/skein-io/skein/test/services"
)

// truncating is a layout in the row with a sink that applies truncates.
func truncating(t *testing.T) (*layout, func() *mysql.Sink) {
	l := &layout{t: t, which: mysql.InRow, db: admin(t, mariadbAddr, "target")}
	run1(t, l.db, "DROP TABLE IF EXISTS cuts", "CREATE OR REPLACE USER sinker@'%' IDENTIFIED BY 'sinker'", "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON target.* TO sinker@'%'")
	return l, func() *mysql.Sink {
		s, err := mysql.Open(t.Context(), mysql.Config{DSN: dsn("sinker", "sinker", "target"), Truncates: "cuts"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
}

func truncated(t *testing.T, s *mysql.Sink, table string, v change.Version) sink.Outcome {
	t.Helper()
	o, err := s.Truncate(t.Context(), &change.Change{Op: change.Truncate, Table: &change.Table{Database: "shop", Name: table}, Version: v})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Rows older than a truncate go, of every kind of key and over several pieces; newer ones stay; what comes late is judged by it.
func TestSinkTruncate(t *testing.T) {
	at := func(n int64) change.Version {
		return change.Version{Epoch: 1, ExecuteTime: n, Position: change.Position{File: 1, Offset: uint64(n)}}
	}
	for _, key := range []struct{ typ, value string }{
		{"INT NOT NULL", ""}, {"BIGINT UNSIGNED NOT NULL", ""}, {"VARCHAR(20) NOT NULL", "Ä'\\row#"}, {"VARBINARY(20) NOT NULL", "\xff'\x00#"}, {"DECIMAL(20,3) NOT NULL", "#.500"},
	} {
		l, open := truncating(t)
		l.create("stock", "id "+key.typ+", name VARCHAR(20) NULL, note VARCHAR(20) NOT NULL DEFAULT 'n'", "PRIMARY KEY (id)")
		s := open()
		table := textTable("stock", "id", "name")
		one := func(op change.Op, n int64, v change.Version) *change.Change {
			var id change.Value
			text := strings.ReplaceAll(key.value, "#", fmt.Sprintf("%04d", n))
			switch key.typ[:3] {
			case "INT":
				id = change.IntValue(n)
			case "BIG":
				id = change.UintValue(18446744073709500000 + uint64(n))
			case "DEC":
				id = change.DecimalValue([]byte(text))
			case "VAR":
				id = change.TextValue([]byte(text))
				if strings.HasPrefix(key.typ, "VARB") {
					id = change.BytesValue([]byte(text))
				}
			}
			row := change.Row{id, change.TextValue([]byte("x"))}
			c := &change.Change{Op: op, Table: table, After: row, Version: v}
			if op == change.Delete {
				c.Before, c.After = row, nil
			}
			return c
		}
		const rows = int64(2600)
		var batch []*change.Change
		for n := range rows {
			v := at(10)
			if n%100 == 7 {
				v = at(60)
			}
			batch = append(batch, one([]change.Op{change.Create, change.Create, change.Delete}[n%3], n, v))
		}
		apply(t, s, batch...)
		run1(t, l.db, "UPDATE stock SET execute_time = NULL, binlog_position = NULL, source_epoch = NULL WHERE name IS NOT NULL AND execute_time = 10 LIMIT 50")
		newer := selected(t, l.db, "SELECT HEX(id), name FROM stock WHERE execute_time = 60 ORDER BY 1")
		if o := truncated(t, s, "stock", at(50)); o.Verdict != change.Absent {
			t.Errorf("%s: %+v", key.typ, o)
		}
		if got := selected(t, l.db, "SELECT HEX(id), name FROM stock WHERE NOT (row_deleted AND execute_time = 50 AND source_epoch = 1) ORDER BY 1"); got != newer || newer == "" {
			t.Errorf("%s: what is left is %.300s, not %.300s", key.typ, got, newer)
		}
		if got := selected(t, l.db, "SELECT COUNT(*), COUNT(name), COUNT(DISTINCT binlog_position) FROM stock WHERE execute_time = 50"); got != fmt.Sprintf("%d,0,1", rows-rows/100) {
			t.Errorf("%s: %s", key.typ, got)
		}
		for _, step := range []struct {
			n    int64
			v    change.Version
			want change.Verdict
		}{{rows + 1, at(49), change.Stale}, {0, at(49), change.Stale}, {7, at(49), change.Stale}, {7, at(61), change.Newer}, {1, at(51), change.Newer}, {rows + 2, at(51), change.Absent}} {
			if o := apply(t, s, one(change.Update, step.n, step.v))[0]; o.Verdict != step.want || step.v == at(49) && step.n != 7 && o.Stored != at(50) {
				t.Errorf("%s, row %d at %s: %+v", key.typ, step.n, step.v, o)
			}
		}
		for _, test := range []struct {
			v    change.Version
			want change.Verdict
		}{{at(50), change.Duplicate}, {at(40), change.Stale}, {at(90), change.Newer}} {
			if o := truncated(t, open(), "stock", test.v); o.Verdict != test.want {
				t.Errorf("%s, again at %s: %+v", key.typ, test.v, o)
			}
		}
		if got := selected(t, l.db, "SELECT COUNT(*) FROM stock WHERE NOT row_deleted"); got != "0" {
			t.Errorf("%s: %s rows are left", key.typ, got)
		}
	}
}

// olderThan is a second copy of the rule: it agrees with change.Version.Compare, as the rows show that a truncate takes.
func TestSinkTruncateRule(t *testing.T) {
	l, open := truncating(t)
	l.create("stock", "id INT NOT NULL", "PRIMARY KEY (id)")
	s := open()
	table := textTable("stock", "id")
	var batch []*change.Change
	for n := range 3 * 3 * 3 * 3 * 3 {
		v := change.Version{Epoch: uint32(n % 3), ExecuteTime: int64(n / 3 % 3), Position: change.Position{File: uint32(n / 9 % 3), Offset: uint64(n / 27 % 3), Row: uint32(n / 81)}}
		batch = append(batch, &change.Change{Op: change.Create, Table: table, After: change.Row{change.IntValue(int64(n))}, Version: v})
	}
	apply(t, s, batch...)
	cut := change.Version{Epoch: 1, ExecuteTime: 1, Position: change.Position{File: 1, Offset: 1, Row: 1}}
	truncated(t, s, "stock", cut)
	var want []string
	for n, c := range batch {
		if c.Version.Compare(cut) < 0 {
			want = append(want, fmt.Sprint(n))
		}
	}
	if got := selected(t, l.db, "SELECT id FROM stock WHERE row_deleted ORDER BY id"); got != strings.Join(want, ";") {
		t.Errorf("taken were %s, not %s", got, strings.Join(want, ";"))
	}
}

func TestSinkTruncateRefused(t *testing.T) {
	if _, err := mysql.Open(t.Context(), mysql.Config{DSN: dsn(services.MariaDBUser, services.MariaDBPassword, "target"), Layout: mysql.SideTable, Truncates: "cuts"}); err == nil {
		t.Error("truncates beside the row were taken")
	}
	l, open := truncating(t)
	off, err := mysql.Open(t.Context(), mysql.Config{DSN: dsn("sinker", "sinker", "target")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = off.Close() }()
	if o := truncated(t, off, "stock", change.Version{}); !errors.Is(o.Err, sink.ErrTruncate) {
		t.Errorf("not configured: %+v", o)
	}
	run1(t, l.db, "DROP TABLE IF EXISTS nothing")
	if _, err := open().Truncate(t.Context(), &change.Change{Op: change.Truncate, Table: &change.Table{Database: "shop", Name: "nothing"}}); !errors.Is(err, mysql.ErrNoTable) {
		t.Errorf("a table that is not there: %v", err)
	}
}

// A transaction has read that there is no truncate, and waits for a lock; meanwhile a truncate comes. It waits for the transaction, so
// that the row that is put for the first time is there when it takes rows away.
func TestSinkTruncateWaits(t *testing.T) {
	l, open := truncating(t)
	l.create("stock", "id INT NOT NULL, name VARCHAR(20) NULL", "PRIMARY KEY (id)")
	s := open()
	table := textTable("stock", "id", "name")
	row := func(id, at int64) *change.Change {
		return &change.Change{Op: change.Update, Table: table, After: change.Row{change.IntValue(id), change.TextValue([]byte("x"))}, Version: change.Version{Epoch: 1, ExecuteTime: at}}
	}
	apply(t, s, row(1, 60))
	holder, err := l.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Rollback() }()
	if _, err := holder.ExecContext(t.Context(), "SELECT * FROM stock WHERE id = 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	outcomes := make([]sink.Outcome, 2)
	batch, cut := make(chan error, 1), make(chan error, 1)
	go func() { batch <- s.Apply(t.Context(), []*change.Change{row(1, 70), row(2, 40)}, outcomes) }()
	waiting(t, 1, nil)
	go func() {
		_, err := open().Truncate(t.Context(), &change.Change{Op: change.Truncate, Table: table, Version: change.Version{Epoch: 1, ExecuteTime: 50}})
		cut <- err
	}()
	waiting(t, 2, cut)
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-batch; err != nil {
		t.Fatal(err)
	}
	if err := <-cut; err != nil {
		t.Fatal(err)
	}
	if got := selected(t, l.db, "SELECT id, execute_time, row_deleted FROM stock ORDER BY id"); got != "1,70,0;2,50,1" {
		t.Errorf("the rows are %s", got)
	}
}

// waiting waits until so many transactions wait for a lock, or something has come that should have waited.
func waiting(t *testing.T, want int, early chan error) {
	t.Helper()
	// The server answers anew only if it was not asked in the last 100 ms.
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(250 * time.Millisecond) {
		n, err := all[0].waiting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n >= want || len(early) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d transactions wait, not %d", n, want)
		}
	}
}

// The table is truncated twice, each time by two processes, while eight workers put rows for the first time and over others, and
// are cut off. What is older than the last truncate is gone, whoever came when.
func TestSinkTruncateWhileWritten(t *testing.T) {
	for _, seed := range seeds() {
		l, open := truncating(t)
		l.create("chaos", chaosColumns, "PRIMARY KEY (id)")
		c := chaos{seed: seed, rows: 3000, versions: 6, workers: 8, batch: 30, cut: 3}
		r := rand.New(rand.NewPCG(seed, 42))
		all, newest := c.history(r, chaosTable("chaos"))
		cuts := []change.Version{
			{Epoch: 1, ExecuteTime: 1, Position: change.Position{File: 9, Offset: 150}},
			{Epoch: 1, ExecuteTime: 2, Position: change.Position{File: 9, Offset: 450}},
		}
		last := cuts[1]
		kept := all[:0]
		for _, one := range all { // half of the rows end before the last truncate
			if one.Version.Position.Row%2 == 0 || one.Version.Compare(last) < 0 {
				kept = append(kept, one)
			}
		}
		for id, one := range newest {
			if one.Version.Position.Row%2 != 0 {
				delete(newest, id)
			}
		}
		delivered := c.deliveries(r, kept, 0)
		var done atomic.Int64
		var truncates sync.WaitGroup
		starts := []chan struct{}{make(chan struct{}), make(chan struct{})}
		for i, v := range cuts {
			for range 2 {
				s := open()
				truncates.Go(func() {
					<-starts[i]
					for tries := 0; ; tries++ { // its connection is cut, too
						o, err := s.Truncate(t.Context(), &change.Change{Op: change.Truncate, Table: &change.Table{Database: "shop", Name: "chaos"}, Version: v})
						if err == nil && o.Err == nil {
							return
						}
						if o.Err != nil || tries == 2000 || t.Context().Err() != nil {
							t.Errorf("%s: %+v, %v", v, o, err)
							return
						}
					}
				})
			}
		}
		batches := int64(len(delivered) / c.batch)
		var once [2]sync.Once
		killed := &atomic.Int64{}
		disturb := c.disturbed(t, l.db, killed)
		count := c.run(t, open(), delivered, func(worker int, r *rand.Rand) (context.Context, context.CancelFunc) {
			n := done.Add(1)
			for i := range starts {
				if n >= batches*int64(i+1)/4 {
					once[i].Do(func() { close(starts[i]) })
				}
			}
			return disturb(worker, r)
		})
		truncates.Wait()
		if wrong := differences(t, l.db, l.which, "chaos", newest); len(wrong) > 0 {
			t.Errorf("seed %d: %d rows are wrong: %s", seed, len(wrong), wrong[0])
		}
		if got := count.verdicts; got[change.Stale] == 0 || got[change.Absent] == 0 || got[change.Newer] == 0 {
			t.Errorf("seed %d: too tame: %v", seed, got)
		}
		t.Logf("%d deliveries: %v; %d connections cut", len(delivered), count.verdicts, killed.Load())
	}
}

// A truncate that comes again, as it does from each partition, does not go through the table again once its rows are taken: also by another
// process. One that was cut off does.
func TestSinkTruncateOnce(t *testing.T) {
	l, open := truncating(t)
	l.create("stock", "id INT NOT NULL, name VARCHAR(20) NULL", "PRIMARY KEY (id)")
	s := open()
	cut := change.Version{Epoch: 1, ExecuteTime: 50, Position: change.Position{File: 1}}
	apply(t, s, &change.Change{Op: change.Update, Table: textTable("stock", "id", "name"), After: change.Row{change.IntValue(1), change.TextValue([]byte("x"))}, Version: change.Version{Epoch: 1, ExecuteTime: 10}})
	gone := func(what, want string) {
		t.Helper()
		if got := selected(t, l.db, "SELECT id FROM stock WHERE row_deleted ORDER BY id"); got != want {
			t.Errorf("%s: %s are gone, not %s", what, got, want)
		}
	}
	var all sync.WaitGroup
	var first atomic.Int64
	for range 6 {
		all.Go(func() {
			if o, err := s.Truncate(t.Context(), &change.Change{Op: change.Truncate, Table: &change.Table{Database: "shop", Name: "stock"}, Version: cut}); err != nil || o.Err != nil {
				t.Errorf("%+v, %v", o, err)
			} else if o.Verdict == change.Absent {
				first.Add(1)
			}
		})
	}
	all.Wait()
	gone("at first", "1")
	if first.Load() != 1 {
		t.Errorf("%d were the first", first.Load())
	}
	// The sink would not put such a row: it shows who goes through the table.
	run1(t, l.db, "INSERT INTO stock (id, name, execute_time, row_deleted) VALUES (2, 'x', 10, 0)")
	for _, again := range []*mysql.Sink{s, open()} {
		if o := truncated(t, again, "stock", cut); o.Verdict != change.Duplicate {
			t.Errorf("again: %+v", o)
		}
	}
	gone("again", "1")
	run1(t, l.db, "UPDATE cuts SET rows_taken = 0") // as if it had died meanwhile
	truncated(t, s, "stock", cut)
	gone("after it was cut off", "1;2")
	run1(t, l.db, "INSERT INTO stock (id, name, execute_time, row_deleted) VALUES (3, 'x', 10, 0)")
	cut.ExecuteTime = 60
	if o := truncated(t, s, "stock", cut); o.Verdict != change.Newer {
		t.Errorf("a later one: %+v", o)
	}
	gone("a later one", "1;2;3")
}
