package binlog

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/internal/server"
)

func queryBody(sql string) []byte {
	return slices.Concat(make([]byte, 8), []byte{4, 0, 0, 0, 0}, []byte("shop\x00"), []byte(sql))
}

// What a statement does to a transaction that had rows.
func TestStatements(t *testing.T) {
	for _, c := range []struct {
		sql  string
		rows int
		want error
		kind Kind
		open bool
	}{
		{"COMMIT", 1, nil, Commit, false},
		{"ROLLBACK", 0, nil, Commit, false},
		{"ROLLBACK", 1, ErrRolledBack, 0, true},
		{"ROLLBACK TO `s`", 1, ErrRolledBack, 0, true},
		{"ROLLBACK TO `s`", 0, nil, 0, true},
		{"rollback work to savepoint s", 0, nil, 0, true},
		{"SAVEPOINT s", 1, nil, 0, true},
		{"INSERT INTO t VALUES (1)", 0, ErrStatement, 0, true},
		{"/* app */ insert into t values (1)", 0, ErrStatement, 0, true},
		{"-- note\nDELETE FROM t", 0, ErrStatement, 0, true},
		{"# note\n (update t set a = 1)", 0, ErrStatement, 0, true},
		{"/*!50003 REPLACE INTO t VALUES (1) */", 0, ErrStatement, 0, true},
		{"/*M!100203 WITH x AS (SELECT 1) DELETE FROM t*/", 0, ErrStatement, 0, true},
		{"CREATE TABLE t (a INT)", 0, nil, Statement, true},
		{"/* unfinished", 0, nil, Statement, true},
		{"", 0, nil, Statement, true},
	} {
		r := &Reader{}
		if err := r.place.rotate("binlog.000001", 4); err != nil {
			t.Fatal(err)
		}
		if err := r.tx.begin("0-1-1"); err != nil {
			t.Fatal(err)
		}
		r.tx.rows = c.rows
		e, told, err := r.query(event.Header{Type: event.QueryType}, queryBody(c.sql))
		if !errors.Is(err, c.want) || told != (c.kind != 0) || told && e.Kind != c.kind || r.tx.open != c.open {
			t.Errorf("%q after %d rows: %v, %s told %v, open %v", c.sql, c.rows, err, e.Kind, told, r.tx.open)
		}
	}
}

// After a reconnect as many events are left out as were told, at the first and at the second break; another transaction there, or a shorter one, is
// an error.
func TestTransactionAgain(t *testing.T) {
	var tx transaction
	told := 0
	play := func(gtid string, events int, commit bool) error {
		if err := tx.begin(gtid); err != nil {
			return err
		}
		for range events {
			if !tx.toldBefore(Row) {
				told++
			}
		}
		if !commit {
			tx.interrupt()
			return nil
		}
		if err := tx.end(); err != nil {
			return err
		}
		if !tx.toldBefore(Commit) {
			told++
		}
		return nil
	}
	for _, c := range []struct {
		gtid   string
		events int
		commit bool
		want   error
		told   int
	}{
		{"a", 3, false, nil, 3}, {"a", 2, false, nil, 3}, {"a", 4, false, nil, 4}, {"b", 9, true, ErrDiverged, 4}, {"a", 2, true, ErrDiverged, 4}, {"a", 6, true, nil, 7}, {"b", 1, true, nil, 9},
	} {
		err := play(c.gtid, c.events, c.commit)
		if err != nil {
			tx.interrupt()
		}
		if !errors.Is(err, c.want) || told != c.told {
			t.Errorf("%+v: %v, %d told", c, err, told)
		}
	}
}

// A file of more than 4 GiB has offsets of more than the 32 bits that an event has for them.
func TestPlace(t *testing.T) {
	var p place
	if err := p.rotate("a.b-bin.1000000", 4); err != nil || p.number != 1000000 {
		t.Fatal(p, err)
	}
	for _, c := range []struct {
		end, size  uint32
		start, now uint64
	}{{100, 96, 4, 100}, {4294967000, 50, 4294966950, 4294967000}, {704, 1000, 4294967000, 4294968000}, {1704, 1000, 4294968000, 4294969000}} {
		if p.advance(c.end, c.size); p.start != c.start || p.end != c.now {
			t.Errorf("%d: from %d to %d, not from %d to %d", c.end, p.start, p.end, c.start, c.now)
		}
	}
	for _, name := range []string{"", "binlog", "binlog.", "binlog.x", "binlog.-1", "binlog.99999999999"} {
		if err := p.rotate(name, 4); err == nil {
			t.Errorf("%q has number %d", name, p.number)
		}
	}
}

func TestPositionAsJSON(t *testing.T) {
	p := Position{File: "binlog.000007", Offset: 1 << 40, GTID: "0-1-5,1-2-7", Clock: 1_700_000_000_000, Server: "1/x", Epoch: 3}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"file":"binlog.000007","offset":1099511627776,"gtid":"0-1-5,1-2-7","clock":1700000000000,"server":"1/x","epoch":3}`; string(b) != want {
		t.Errorf("%s, not %s", b, want)
	}
	var back Position
	if err := json.Unmarshal(b, &back); err != nil || back != p {
		t.Errorf("%+v, %v", back, err)
	}
}

// The texts of MySQL and MariaDB by which a refused dump is told apart.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		number    uint16
		text      string
		want      error
		transient bool
	}{
		{1236, "Could not find first log file name in binary log index file", ErrPurged, false},
		{1236, "The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged binary logs containing GTIDs that the slave requires.", ErrPurged, false},
		{1236, "Cannot replicate because the source purged required binary logs.", ErrPurged, false},
		{1236, "Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and required binlog files have been purged.", ErrPurged, false},
		{1236, "Client requested master to start replication from impossible position", ErrPosition, false},
		{1236, "Client requested master to start replication from position > file size", ErrPosition, false},
		{1236, "Error: connecting slave requested to start from GTID 0-1-9, which is not in the master's binlog", ErrPosition, false},
		{1045, "Access denied for user", ErrRights, false},
		{1227, "Access denied; you need (at least one of) the REPLICATION SLAVE privilege(s) for this operation", ErrRights, false},
		{1040, "Too many connections", nil, true},
		{1053, "Server shutdown in progress", nil, true},
	} {
		err, transient := explain(&server.Error{Number: c.number, Message: c.text})
		if c.want != nil && !errors.Is(err, c.want) || transient != c.transient {
			t.Errorf("%s: %v, transient %v", c.text, err, transient)
		}
	}
}
