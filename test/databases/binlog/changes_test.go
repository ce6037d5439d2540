package binlog

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
)

// An UPDATE that waited for a row lock is committed later, with an older time of its own, than the one that it waited for. Its version is newer all
// the same, which its own time would not have made it.
func TestLockCase(t *testing.T) {
	shared.exec(t, "CREATE OR REPLACE TABLE locked (id INT PRIMARY KEY, v INT)", "INSERT INTO locked VALUES (1, 0)")
	config := shared.config()
	config.Start = shared.now(t)
	holder, err := shared.sql.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Rollback() }()
	if _, err := holder.ExecContext(t.Context(), "UPDATE locked SET v = 1 WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	waiter := make(chan error, 1)
	go func() {
		_, err := shared.sql.ExecContext(t.Context(), "UPDATE locked SET v = 3 WHERE id = 1")
		waiter <- err
	}()
	deadline := time.Now().Add(patience)
	wait := func(query, what string) {
		t.Helper()
		for shared.column(t, query)[0] == "0" {
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
			time.Sleep(150 * time.Millisecond) // InnoDB answers from memory while it is asked more often than each 100 ms
		}
	}
	wait("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'", "nobody waits for the row")
	began := shared.column(t, "SELECT UNIX_TIMESTAMP()")[0]
	wait("SELECT UNIX_TIMESTAMP() > "+began+" + 1", "the clock stands")
	if _, err := holder.ExecContext(t.Context(), "UPDATE locked SET v = 2 WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	if err := holder.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiter; err != nil {
		t.Fatal(err)
	}
	got := rows(t, open(t, config), 3)
	for i, e := range got {
		if v := e.Change.After[1].Int(); v != int64(i+1) {
			t.Fatalf("change %d sets %d", i, v)
		}
	}
	second, third := got[1].Change, got[2].Change
	if third.Origin.EventTime >= second.Origin.EventTime {
		t.Fatalf("the one that waited has time %d, the other %d: that is not the case", third.Origin.EventTime, second.Origin.EventTime)
	}
	if v := change.Judge(second.Version, true, third.Version); v != change.Newer {
		t.Errorf("the one that waited is %s", v)
	}
	bare := third.Version
	bare.ExecuteTime = third.Origin.EventTime
	if v := change.Judge(second.Version, true, bare); v != change.ClockBack {
		t.Errorf("by its own time it would be %s", v)
	}
}

// What a reader tells of each kind of thing that happens.
func TestEvents(t *testing.T) {
	config := shared.config()
	config.Start = shared.now(t)
	config.Statements = true
	shared.exec(t,
		"CREATE OR REPLACE TABLE events (id INT, name VARCHAR(20), PRIMARY KEY (id))",
		"INSERT INTO events VALUES (1, 'a'), (2, 'b')",
		"UPDATE events SET name = 'c' WHERE id = 1",
		"UPDATE events SET id = id + 10, name = 'd' ORDER BY id DESC",
		"DELETE FROM events WHERE id = 11",
		"TRUNCATE TABLE events",
		"CREATE OR REPLACE TABLE events_copy (PRIMARY KEY (id)) SELECT 7 AS id",
		"CREATE OR REPLACE TABLE events_myisam (id INT PRIMARY KEY) ENGINE=MyISAM",
		"INSERT INTO events_myisam VALUES (8)",
		"BEGIN; INSERT INTO events VALUES (9, 's'); SAVEPOINT s; INSERT INTO events VALUES (10, 'never'); ROLLBACK TO s; COMMIT",
		"ALTER TABLE events ADD COLUMN more INT UNSIGNED NOT NULL DEFAULT 5 FIRST",
		"UPDATE events SET name = 'last'",
	)
	var told []string
	statements := ""
	r := open(t, config)
	events := until(t, r, func(e binlog.Event) bool {
		if e.Kind == binlog.Row && statements == "" {
			statements = e.SQL
		}
		return e.Kind == binlog.Row && len(e.Change.After) == 3
	})
	for _, e := range events {
		line := e.Kind.String()
		switch {
		case e.Kind == binlog.Statement:
			line += " " + e.Database + ": " + e.SQL
		case e.Kind == binlog.Row:
			line += " " + e.Change.Op.String() + " " + e.Change.Table.Name
			for _, v := range e.Change.Before {
				line += " -" + v.String()
			}
			for _, v := range e.Change.After {
				line += " +" + v.String()
			}
		}
		told = append(told, line)
		if e.GTID == "" || e.Time == 0 {
			t.Errorf("%s has GTID %q, time %d", line, e.GTID, e.Time)
		}
		if e.Kind == binlog.Row {
			if err := e.Change.Check(); err != nil || e.Change.Origin.GTID != e.GTID || e.Change.Origin.ServerID != 1 || e.Change.Origin.File != config.Start.File {
				t.Errorf("%s: %+v, %v", line, e.Change.Origin, err)
			}
		}
	}
	want := strings.TrimSpace(`
statement shop: CREATE OR REPLACE TABLE events (id INT, name VARCHAR(20), PRIMARY KEY (id))
begin
row create events +1 +a
row create events +2 +b
commit
begin
row update events -1 -a +1 +c
commit
begin
row delete events -2 -b
row create events +12 +d
row delete events -1 -c
row create events +11 +d
commit
begin
row delete events -11 -d
commit
statement shop: TRUNCATE TABLE events
begin
statement shop: CREATE OR REPLACE TABLE ` + "`events_copy` (\n  `id` int(1) NOT NULL,\n  PRIMARY KEY (`id`)\n)" + `
row create events_copy +7
commit
statement shop: CREATE OR REPLACE TABLE events_myisam (id INT PRIMARY KEY) ENGINE=MyISAM
begin
row create events_myisam +8
commit
begin
row create events +9 +s
commit
statement shop: ALTER TABLE events ADD COLUMN more INT UNSIGNED NOT NULL DEFAULT 5 FIRST
begin
row update events -5 -9 -s +5 +9 +last`)
	if got := strings.Join(told, "\n"); got != want {
		t.Errorf("it told\n%s", got)
	}
	if statements != "INSERT INTO events VALUES (1, 'a'), (2, 'b')" {
		t.Errorf("the statement is %q", statements)
	}
	// Versions grow over all of it, the halves of a change of the key included.
	var last change.Version
	for _, e := range events {
		if e.Kind == binlog.Row {
			if e.Change.Version.Compare(last) <= 0 {
				t.Errorf("%s after %s", e.Change.Version, last)
			}
			last = e.Change.Version
		}
	}
	// The position is where the open transaction begins, so its row comes again.
	config.Start = r.Position()
	if e := rows(t, open(t, config), 1)[0]; e.Change.After[2].String() != "last" || e.Change.Version != last {
		t.Errorf("%s at %s", e.Change.After, e.Change.Version)
	}
}

// A transaction of 100 MB needs no more memory than a small one.
func TestHugeTransaction(t *testing.T) {
	shared.exec(t, "CREATE OR REPLACE TABLE huge (id INT PRIMARY KEY, v VARCHAR(1000))")
	config := shared.config()
	config.Start = shared.now(t)
	const n, most = 100_000, 24 << 20
	shared.exec(t, "INSERT INTO huge SELECT seq, REPEAT('x', 1000) FROM seq_1_to_100000")
	reader := open(t, config)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, seen, peak := heap(), int64(0), uint64(0)
	for seen < n {
		e, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == binlog.Row {
			seen++
			if e.Change.After[0].Int() != seen || len(e.Change.After[1].Raw()) != 1000 {
				t.Fatalf("row %d is %s", seen, e.Change.After[0])
			}
			if seen%10_000 == 0 {
				peak = max(peak, heap())
			}
		}
	}
	if used := int64(peak) - int64(before); seen != n || used > most {
		t.Errorf("%d rows, %d bytes of memory", seen, used)
	}
}

// A quiet server is heard.
func TestHeartbeat(t *testing.T) {
	config := shared.config()
	config.Start = shared.now(t)
	beats := 0
	until(t, open(t, config), func(e binlog.Event) bool {
		if e.Kind == binlog.Heartbeat {
			beats++
		}
		return beats == 3
	})
}
