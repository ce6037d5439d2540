package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/snapshot"
	"github.com/skein-io/skein/perceptor/source"
	"github.com/skein-io/skein/test/services"
)

// replicaOf starts a replica that has all that the first one has.
func replicaOf(t *testing.T, first *database, id string) *database {
	t.Helper()
	d := own(t, map[string]string{"server-id": id, "log-slave-updates": "ON"})
	host, port, _ := net.SplitHostPort(first.Addr())
	d.exec(t, "RESET MASTER", fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='%s', MASTER_PORT=%s, MASTER_USER='%s', MASTER_PASSWORD='%s', MASTER_USE_GTID=slave_pos", host, port, services.MariaDBUser, services.MariaDBPassword), "START SLAVE")
	return d
}

// slaveStatus is a column of what the replica tells of itself.
func (d *database) slaveStatus(t *testing.T, column string) string {
	t.Helper()
	rows, err := d.sql.QueryContext(t.Context(), "SHOW SLAVE STATUS")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, _ := rows.Columns()
	cells, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	if !rows.Next() {
		t.Fatal("it is no replica: ", rows.Err())
	}
	if err := rows.Scan(into...); err != nil {
		t.Fatal(err)
	}
	return cells[slices.Index(names, column)].String
}

// catchUp waits until the replica has what the first one has.
func (d *database) catchUp(t *testing.T, first *database) {
	t.Helper()
	now, err := binlog.Current(t.Context(), first.config(t, "").Binlog)
	if err != nil {
		t.Fatal(err)
	}
	if waited := d.number(t, fmt.Sprintf("SELECT MASTER_GTID_WAIT('%s', 60)", now.GTID)); waited != 0 {
		t.Fatal("the replica did not catch up")
	}
}

// The server is lost, and a replica goes on: in the middle of a snapshot, and then once more in the middle of the stream. The snapshot goes
// on where it was, in a new epoch.
func TestFailover(t *testing.T) {
	first := own(t, nil)
	second := replicaOf(t, first, "2")
	fill(t, first, "failover", 4_000)
	config := first.config(t, "failover")
	config.ChunkRows = 200
	p, r := newTopic(), rand.New(rand.NewPCG(3, 4))
	s := open(t, config, source.State{}, false)
	stop, _ := writers(t, first, p, "failover", 2, 4_000)
	p.run(t, s, r, 3_000)
	stop()
	second.catchUp(t, first)
	before := s.State()
	at, _ := before.Snapshot.Of("failover.a")
	if at.Rows == 0 || at.Done {
		t.Fatalf("the snapshot is at %+v", at)
	}
	_ = s.Close()
	p.keep(t, before)
	p.die(r)
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	second.exec(t, "STOP SLAVE")

	third := replicaOf(t, second, "3")
	stop, _ = writers(t, second, p, "failover", 2, 4_000)
	config = second.config(t, "failover")
	config.ChunkRows = 200
	from, _ := p.state(t)
	s = open(t, config, from, true)
	if config.Counts.Failovers() != 1 || s.State().Epoch != 2 {
		t.Errorf("%d failovers, epoch %d", config.Counts.Failovers(), s.State().Epoch)
	}
	p.run(t, s, r, 2_000)
	stop()
	p.finish(t, s, second, 3)
	if read := config.Counts.Read(); read == 0 || read > 12_000-at.Rows+1_000 {
		t.Errorf("%d rows were read after the failover, and %d before", read, at.Rows)
	}
	for _, name := range []string{"a", "b", "c"} {
		p.compare(t, second, "failover", name)
	}
	// In the stream, and the State is one of before that.
	p.keep(t, s.State())
	stop, _ = writers(t, second, p, "failover", 2, 4_000)
	p.run(t, s, r, 2_000)
	stop()
	third.catchUp(t, second)
	_ = s.Close()
	p.die(r)
	if err := second.Kill(); err != nil {
		t.Fatal(err)
	}
	third.exec(t, "STOP SLAVE")
	config = third.config(t, "failover")
	from, _ = p.state(t)
	s = open(t, config, from, true)
	stop, _ = writers(t, third, p, "failover", 2, 4_000)
	p.run(t, s, r, 1_000)
	stop()
	p.finish(t, s, third, 3)
	if e := s.State().Epoch; e != 3 || config.Counts.Read() != 0 {
		t.Errorf("epoch %d, %d rows read", e, config.Counts.Read())
	}
	for _, name := range []string{"a", "b", "c"} {
		p.compare(t, third, "failover", name)
	}
	// By file it goes on there; at a server that has not got what was read it does not.
	from = s.State()
	_ = s.Close()
	if again := open(t, third.config(t, "failover"), from, true); again.State().Epoch != 3 {
		t.Errorf("epoch %d", again.State().Epoch)
	}
	other := own(t, map[string]string{"server-id": "9"})
	config, waited := other.config(t, "failover"), 0
	config.LagMax, config.Waiting = 3*time.Second, func(error) { waited++ }
	_, err := source.Open(t.Context(), config, from, true)
	expect(t, err, source.ErrResnapshot, "--resnapshot")
	expect(t, err, binlog.ErrLags, "it was waited for")
	if waited == 0 {
		t.Error("it has not waited")
	}
	expect(t, err, binlog.ErrPosition, "has it not in its binlog")
	from.GTID = ""
	_, err = source.Open(t.Context(), other.config(t, "failover"), from, true)
	expect(t, err, source.ErrResnapshot, "--resnapshot")
	expect(t, err, binlog.ErrOtherServer, "")
}

// After a failover the replica has not got all that was read: it is waited for, as long as its caller waits, and then the source goes on.
func TestFailoverLags(t *testing.T) {
	first := own(t, nil)
	second := replicaOf(t, first, "2")
	fill(t, first, "lags", 1_000)
	second.catchUp(t, first)
	config := first.config(t, "lags")
	p, r := newTopic(), rand.New(rand.NewPCG(3, 4))
	s := open(t, config, source.State{}, false)
	p.finish(t, s, first, 3)
	second.exec(t, "STOP SLAVE SQL_THREAD") // it has what follows, and does not apply it
	stop, _ := writers(t, first, p, "lags", 2, 1_000)
	p.run(t, s, r, 1_000)
	stop()
	p.finish(t, s, first, 3)
	end, got := s.State().GTID, ""
	for deadline := time.Now().Add(patience); got != end; time.Sleep(100 * time.Millisecond) {
		if got = second.slaveStatus(t, "Gtid_IO_Pos"); time.Now().After(deadline) {
			t.Fatalf("the replica has received %s of %s", got, end)
		}
	}
	from := s.State()
	_ = s.Close()
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}

	config = second.config(t, "lags")
	waiting := make(chan error, 1000)
	config.Waiting = func(err error) { waiting <- err }
	ctx, cancel := context.WithCancel(t.Context())
	opened := make(chan error, 1)
	go func() {
		_, err := source.Open(ctx, config, from, true)
		opened <- err
	}()
	expect(t, <-waiting, binlog.ErrLags, "has it not in its binlog")
	cancel() // whoever does not want to wait any more does not
	if err := <-opened; !errors.Is(err, context.Canceled) {
		t.Fatalf("it ended with %v", err)
	}

	go func() {
		<-waiting
		<-waiting
		if _, err := second.sql.Exec("START SLAVE SQL_THREAD"); err != nil {
			t.Error(err)
		}
	}()
	s = open(t, config, from, true)
	if s.State().Epoch != 2 || config.Counts.Failovers() != 1 {
		t.Errorf("epoch %d, %d failovers", s.State().Epoch, config.Counts.Failovers())
	}
	second.exec(t, "STOP SLAVE")
	stop, _ = writers(t, second, p, "lags", 2, 1_000)
	p.run(t, s, r, 500)
	stop()
	p.finish(t, s, second, 3)
	for _, name := range []string{"a", "b", "c"} {
		p.compare(t, second, "lags", name)
	}
}

// The address leads to another server while the source reads: it goes on there by itself.
func TestFailoverOfAddress(t *testing.T) {
	first := own(t, nil)
	second := replicaOf(t, first, "2")
	fill(t, first, "moved", 3_000)
	config := first.config(t, "moved")
	config.ChunkRows = 100
	var to atomicAddr
	to.Store(first.Addr())
	config.Binlog.Dial = to.dial
	p, r := newTopic(), rand.New(rand.NewPCG(3, 4))
	s := open(t, config, source.State{}, false)
	stop, _ := writers(t, first, p, "moved", 2, 3_000)
	p.run(t, s, r, 2_000)
	stop()
	second.catchUp(t, first)
	to.Store(second.Addr())
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	second.exec(t, "STOP SLAVE")
	stop, _ = writers(t, second, p, "moved", 2, 3_000)
	p.run(t, s, r, 2_000)
	stop()
	p.finish(t, s, second, 3)
	if s.State().Epoch != 2 {
		t.Errorf("epoch %d", s.State().Epoch)
	}
	for _, name := range []string{"a", "b", "c"} {
		p.compare(t, second, "moved", name)
	}
}

// What comes next is purged: the error says the way on, and on that way everything is read anew, in a new epoch.
func TestPurged(t *testing.T) {
	d := own(t, nil)
	fill(t, d, "purged", 500)
	config := d.config(t, "purged")
	p := newTopic()
	s := open(t, config, source.State{}, false)
	p.finish(t, s, d, 3)
	from := s.State()
	_ = s.Close()
	d.exec(t, "DELETE FROM purged.a WHERE id < 100", "UPDATE purged.a SET v = 7 WHERE id > 900", "FLUSH BINARY LOGS", "INSERT INTO purged.a VALUES (-1, 1, '')", "FLUSH BINARY LOGS")
	d.purge(t, from.File)
	s, err := source.Open(t.Context(), d.config(t, "purged"), from, true)
	if err == nil {
		err = failure(t, s)
	}
	expect(t, err, source.ErrResnapshot, "--resnapshot")
	expect(t, err, binlog.ErrPurged, "")
	config = d.config(t, "purged")
	config.Resnapshot = true
	s = open(t, config, from, true)
	var first change.Version
	rows := 0
	until(t, s, func(e binlog.Event) bool {
		if e.Kind == binlog.Row {
			if rows++; rows == 1 {
				first = e.Change.Version
			}
		}
		return rows == int(d.number(t, "SELECT (SELECT COUNT(*) FROM purged.a) + (SELECT COUNT(*) FROM purged.b) + (SELECT COUNT(*) FROM purged.c)"))
	})
	if first.Epoch != 2 || s.State().Epoch != 2 {
		t.Errorf("the first version is %s, the state's epoch %d", first, s.State().Epoch)
	}
}

// purge deletes all files but the newest. A server does not delete one that it is sending, and it takes a while to see that
// nobody reads it any more.
func (d *database) purge(t *testing.T, gone string) {
	t.Helper()
	now, err := binlog.Current(t.Context(), d.config(t, "").Binlog)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		d.exec(t, "PURGE BINARY LOGS TO '"+now.File+"'")
		var file string
		var size int64
		if err := d.sql.QueryRowContext(t.Context(), "SHOW BINARY LOGS").Scan(&file, &size); err != nil {
			t.Fatal(err)
		}
		if file != gone {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s stays", gone)
		}
	}
}

// A table without a key is refused by name, in the snapshot and in the stream. With a declared key it is read, and a change of that key is a
// delete and a create. What is declared has to be a key.
func TestKeyless(t *testing.T) {
	shared.fresh(t, "keyless")
	shared.exec(t, "CREATE TABLE keyless.log (a INT NOT NULL, b VARCHAR(10) NOT NULL, c INT, UNIQUE u (b, c))", "INSERT INTO keyless.log SELECT seq, CONCAT('b', seq), 1 FROM seq_1_to_250")
	config := shared.config(t, "keyless")
	expect(t, failure(t, open(t, config, source.State{}, false)), snapshot.ErrNoKey, "keyless.log")
	never := config
	never.Snapshot = source.Never
	s := open(t, never, source.State{}, false)
	shared.exec(t, "UPDATE keyless.log SET c = 2 WHERE a = 1")
	expect(t, failure(t, s), snapshot.ErrNoKey, "keyless.log")
	for text, key := range map[string][]string{"no unique index": {"a"}, "may be NULL": {"b", "c"}, `"x", which`: {"x"}} {
		config.Keys = map[string][]string{"keyless.log": key}
		_, err := source.Open(t.Context(), config, source.State{}, false)
		expect(t, err, snapshot.ErrNoKey, text)
	}
	shared.exec(t, "UPDATE keyless.log SET c = 1", "ALTER TABLE keyless.log MODIFY c INT NOT NULL, DROP INDEX u, ADD UNIQUE (c, b, a)")
	config.Keys = map[string][]string{"keyless.log": {"c", "b", "a"}}
	config.ChunkRows = 40
	s = open(t, config, source.State{}, false)
	p := newTopic()
	p.finish(t, s, shared, 1)
	if rows := p.rows(t, "keyless.log"); len(rows) != 250 {
		t.Errorf("%d rows", len(rows))
	}
	shared.exec(t, "UPDATE keyless.log SET b = 'other' WHERE a = 7")
	var told []string
	until(t, s, func(e binlog.Event) bool {
		if e.Kind == binlog.Row {
			told = append(told, e.Change.Op.String()+" "+key(e.Change))
		}
		return len(told) > 0 && e.Kind == binlog.Commit
	})
	if got := strings.Join(told, ", "); !strings.HasPrefix(got, `delete "1" "b7" "7" , create "1" "other" "7"`) {
		t.Error(got)
	}
}

// Tables are changed in the middle of their snapshots: a column more, another key, dropped, dropped and made again, renamed.
func TestAltered(t *testing.T) {
	for what, statements := range map[string][]string{
		"column":  {"ALTER TABLE altered.b ADD COLUMN more INT NOT NULL DEFAULT 7", "UPDATE altered.b SET more = 8 WHERE id > 2990"},
		"instant": {"ALTER TABLE altered.b ADD COLUMN first INT DEFAULT 3 FIRST, ALGORITHM=INSTANT"},
		"gone":    {"ALTER TABLE altered.b DROP COLUMN s"},
		"type":    {"ALTER TABLE altered.b MODIFY v VARCHAR(20)", "UPDATE altered.b SET v = 'text' WHERE id = 2999"},
		"key":     {"ALTER TABLE altered.b DROP PRIMARY KEY, ADD PRIMARY KEY (v, id)"},
		"keytype": {"ALTER TABLE altered.b MODIFY id VARCHAR(20)"},
		"dropped": {"DROP TABLE altered.b"},
		"anew":    {"DROP TABLE altered.b", "CREATE TABLE altered.b (id INT PRIMARY KEY, z INT)", "INSERT INTO altered.b SELECT seq, 2 FROM seq_1_to_3000"},
		"renamed": {"RENAME TABLE altered.b TO altered.d", "INSERT INTO altered.d VALUES (5000, 1, '')"},
		"swapped": {"RENAME TABLE altered.b TO altered.x, altered.a TO altered.b, altered.x TO altered.a"},
	} {
		for _, within := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in a view %v", what, within), func(t *testing.T) {
				shared.fresh(t, "altered")
				for _, name := range []string{"a", "b", "c"} {
					shared.exec(t, "CREATE TABLE altered."+name+" (id INT NOT NULL, v INT NOT NULL, s VARCHAR(20), PRIMARY KEY (id))", "INSERT INTO altered."+name+" SELECT seq, seq % 7, REPEAT('x', seq % 20) FROM seq_1_to_3000")
				}
				config := shared.config(t, "altered")
				config.ChunkRows, config.ViewMax = 100, 2*time.Second
				config.Schema = complete(shared)
				if !within {
					config.ViewMax = time.Nanosecond // each chunk has its own
				}
				s := open(t, config, source.State{}, false)
				p, r := newTopic(), rand.New(rand.NewPCG(1, 1))
				for {
					p.run(t, s, r, 50)
					if at, known := s.State().Snapshot.Of("altered.b"); known && at.Rows > 500 {
						break
					}
				}
				shared.exec(t, statements...)
				if what == "dropped" {
					until(t, s, func(e binlog.Event) bool {
						if e.Kind == binlog.Row {
							p.write(e.Change)
						}
						_, known := s.State().Snapshot.Of("altered.b")
						at, _ := s.State().Snapshot.Of("altered.c")
						return !known && at.Done
					})
					p.compare(t, shared, "altered", "a")
					p.compare(t, shared, "altered", "c")
					return
				}
				left := func() bool {
					for _, name := range shared.names(t, "altered") {
						if at, _ := s.State().Snapshot.Of("altered." + name); !at.Done {
							return true
						}
					}
					return false
				}
				now, err := binlog.Current(t.Context(), config.Binlog)
				if err != nil {
					t.Fatal(err)
				}
				until(t, s, func(e binlog.Event) bool {
					if e.Kind == binlog.Row {
						p.write(e.Change)
					}
					return e.Kind == binlog.Heartbeat && !left() && s.State().GTID == now.GTID
				})
				if what == "key" || what == "keytype" {
					// The rows that were told by their old keys are told anew by their new ones.
					if at, _ := s.State().Snapshot.Of("altered.b"); at.Rows != 3000 {
						t.Errorf("it is at %+v", at)
					}
					return
				}
				for _, name := range shared.names(t, "altered") {
					if what == "renamed" || what == "swapped" || what == "anew" || name != "b" {
						p.hasAll(t, shared, "altered", name)
					}
				}
				if rows := p.rows(t, "altered.b"); len(rows) != 3000 && what != "renamed" {
					t.Errorf("%d rows", len(rows))
				}
			})
		}
	}
}

// A table that is wanted later is read while the stream goes on, one that is made is there, and one that was not wanted for a while is read anew.
func TestAdded(t *testing.T) {
	shared.fresh(t, "added")
	shared.exec(t, "CREATE TABLE added.a (id INT PRIMARY KEY, v INT)", "INSERT INTO added.a SELECT seq, 1 FROM seq_1_to_500", "CREATE TABLE added.b (id INT PRIMARY KEY, v INT)", "INSERT INTO added.b SELECT seq, 1 FROM seq_1_to_700")
	config := shared.config(t, "added")
	config.Tables = func(database, table string) bool { return database == "added" && table != "b" }
	s := open(t, config, source.State{}, false)
	p := newTopic()
	p.finish(t, s, shared, 1)
	shared.exec(t, "UPDATE added.b SET v = 2 WHERE id < 10", "CREATE TABLE added.made (PRIMARY KEY (id)) AS SELECT 1 AS id, 2 AS v", "INSERT INTO added.made VALUES (2, 3)")
	p.finish(t, s, shared, 2)
	p.compare(t, shared, "added", "made")
	if len(p.rows(t, "added.b")) != 0 {
		t.Error("a table is told that is not wanted")
	}
	s.Add("added.b")
	shared.exec(t, "UPDATE added.b SET v = 3 WHERE id = 20", "DELETE FROM added.b WHERE id = 30")
	p.finish(t, s, shared, 3)
	p.compare(t, shared, "added", "b")
	from := s.State()
	_ = s.Close()
	// Not wanted for a while.
	s = open(t, config, from, true)
	p.finish(t, s, shared, 2)
	shared.exec(t, "UPDATE added.b SET v = 4 WHERE id = 40", "UPDATE added.a SET v = 4 WHERE id = 40")
	p.finish(t, s, shared, 2)
	from = s.State()
	_ = s.Close()
	config.Tables = func(database, _ string) bool { return database == "added" }
	config.Counts = &source.Counts{}
	s = open(t, config, from, true)
	p.finish(t, s, shared, 3)
	if config.Counts.Read() != 699 {
		t.Errorf("%d rows were read", config.Counts.Read())
	}
	for _, name := range []string{"a", "b", "made"} {
		p.compare(t, shared, "added", name)
	}
}
