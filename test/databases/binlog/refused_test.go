package binlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
)

// failure is the error that a reader ends with.
func failure(t *testing.T, config binlog.Config) (*binlog.Reader, error) {
	t.Helper()
	r, err := binlog.Open(t.Context(), config)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = r.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, err := r.Next(ctx); err != nil {
			if ctx.Err() != nil {
				t.Fatal("it did not end")
			}
			return r, err
		}
	}
}

func expect(t *testing.T, err, want error, parts ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%v, not %v", err, want)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("it does not speak of %q: %v", p, err)
		}
	}
}

// set changes a setting of the server for one test.
func (d *database) set(t *testing.T, name, value string) {
	t.Helper()
	old := d.column(t, "SELECT @@global."+name)[0]
	d.exec(t, fmt.Sprintf("SET GLOBAL %s = '%s'", name, value))
	t.Cleanup(func() {
		if _, err := d.sql.ExecContext(context.Background(), fmt.Sprintf("SET GLOBAL %s = '%s'", name, old)); err != nil {
			t.Error(err)
		}
	})
}

// Each wrong setting is named, with what to do, and all of them at once.
func TestSettings(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"binlog_format", "MIXED"}, {"binlog_format", "STATEMENT"}, {"binlog_row_image", "MINIMAL"}, {"binlog_row_image", "NOBLOB"},
		{"binlog_row_metadata", "NO_LOG"}, {"binlog_row_metadata", "MINIMAL"},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			shared.set(t, c.name, c.value)
			_, err := failure(t, shared.config())
			expect(t, err, binlog.ErrSettings, c.name, c.value, "SET GLOBAL")
		})
	}
	t.Run("all", func(t *testing.T) {
		shared.set(t, "binlog_format", "MIXED")
		shared.set(t, "binlog_row_image", "MINIMAL")
		shared.set(t, "binlog_row_metadata", "NO_LOG")
		config := shared.config()
		config.ServerID = 1
		expect(t, binlog.Check(t.Context(), config), binlog.ErrSettings, "binlog_format", "binlog_row_image", "binlog_row_metadata", "server_id")
	})
	t.Run("no binlog", func(t *testing.T) {
		d := own(t, map[string]string{"log-bin": without, "server-id": "3", "gtid-strict-mode": without})
		_, err := failure(t, d.config())
		expect(t, err, binlog.ErrSettings, "log_bin", "--log-bin")
	})
	t.Run("all is well", func(t *testing.T) {
		if err := binlog.Check(t.Context(), shared.config()); err != nil {
			t.Error(err)
		}
	})
}

func TestRights(t *testing.T) {
	shared.exec(t, "CREATE OR REPLACE USER poor@'%' IDENTIFIED BY 'poor'", "CREATE OR REPLACE USER replica@'%' IDENTIFIED BY 'it''s'", "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO replica@'%'")
	config := shared.config()
	config.User, config.Password = "poor", "poor"
	_, err := failure(t, config)
	expect(t, err, binlog.ErrRights, "REPLICATION SLAVE")
	config.Password = "wrong"
	_, err = failure(t, config)
	expect(t, err, binlog.ErrRights, "poor")
	config.User, config.Password = "replica", "it's"
	if err := binlog.Check(t.Context(), config); err != nil {
		t.Error(err)
	}
	if _, err := binlog.Current(t.Context(), config); err != nil {
		t.Error(err)
	}
}

// logs is how many binlog files the server has.
func (d *database) logs(t *testing.T) int {
	t.Helper()
	rows, err := d.sql.QueryContext(t.Context(), "SHOW BINARY LOGS")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	n := 0
	for rows.Next() {
		n++
	}
	return n
}

// What comes next was deleted, or the binlog was begun anew: each has its name, and reading goes on from where somebody says.
func TestPurged(t *testing.T) {
	d := own(t, nil)
	d.exec(t, "CREATE TABLE purged (id BIGINT PRIMARY KEY)")
	old := d.now(t)
	d.exec(t, "INSERT INTO purged VALUES (1)", "FLUSH BINARY LOGS", "INSERT INTO purged VALUES (2)", "FLUSH BINARY LOGS")
	// The server keeps a file that it may need after a crash, and says nothing.
	for deadline := time.Now().Add(patience); d.logs(t) > 1; {
		if time.Now().After(deadline) {
			t.Fatal("the server does not purge")
		}
		d.exec(t, "PURGE BINARY LOGS TO '"+d.now(t).File+"'")
	}
	both(t, func(t *testing.T, gtid bool) {
		config := d.config()
		config.Start, config.GTID = old, gtid
		_, err := failure(t, config)
		expect(t, err, binlog.ErrPurged, "snapshot")
	})
	now := d.now(t)
	d.exec(t, "INSERT INTO purged VALUES (3)")
	config := d.config()
	config.Start = now
	if e := rows(t, open(t, config), 1)[0]; e.Change.After[0].Int() != 3 {
		t.Errorf("the first row is %s", e.Change.After[0])
	}
	t.Run("reset", func(t *testing.T) {
		d.exec(t, "INSERT INTO purged SELECT seq FROM seq_100_to_2000")
		far := d.now(t)
		far.File = "binlog.000001"
		d.exec(t, "RESET MASTER")
		both(t, func(t *testing.T, gtid bool) {
			config := d.config()
			config.Start, config.GTID = far, gtid
			_, err := failure(t, config)
			expect(t, err, binlog.ErrPosition, "snapshot")
		})
	})
}

// What cannot be told is an error with a name, and a Next that is called again says the same.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name       string
		statements []string
		want       error
		parts      []string
	}{
		{"a statement", []string{"SET SESSION binlog_format = 'STATEMENT'", "INSERT INTO refused VALUES (2, 'x', 'y')", "SET SESSION binlog_format = 'ROW'"}, binlog.ErrStatement, []string{"INSERT INTO refused", "binlog_format"}},
		{"a minimal image", []string{"SET SESSION binlog_row_image = 'MINIMAL'", "UPDATE refused SET a = 'z'", "SET SESSION binlog_row_image = 'FULL'"}, binlog.ErrPartialRow, []string{`"b"`, "shop.refused"}},
		{"an XA transaction", []string{"XA START 'x'", "INSERT INTO refused VALUES (3, 'x', 'y')", "XA END 'x'", "XA PREPARE 'x'", "XA ROLLBACK 'x'"}, binlog.ErrXA, []string{"shop.refused"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			shared.exec(t, "CREATE OR REPLACE TABLE refused (id INT PRIMARY KEY, a VARCHAR(9), b VARCHAR(9))", "INSERT INTO refused VALUES (1, 'a', 'b')")
			config := shared.config()
			config.Start = shared.now(t)
			conn, err := shared.sql.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			for _, s := range c.statements {
				if _, err := conn.ExecContext(t.Context(), s); err != nil {
					t.Fatalf("%s: %v", s, err)
				}
			}
			r, err := failure(t, config)
			expect(t, err, c.want, append(c.parts, config.Start.File)...)
			for {
				if _, again := r.Next(t.Context()); again != nil {
					expect(t, again, c.want)
					break
				}
			}
		})
	}
}

// Without metadata the schema comes from the caller, is asked for with the position, and has to be that of the rows.
func TestSchema(t *testing.T) {
	shared.exec(t, "CREATE OR REPLACE TABLE named (id INT UNSIGNED PRIMARY KEY, v VARCHAR(20) CHARACTER SET latin1, e ENUM('a','ü'), s SET('x','y'))")
	schema := &change.Table{Database: "shop", Name: "named", Key: []int{0}, Columns: []change.Column{
		{Name: "id", Type: change.Integer, Unsigned: true}, {Name: "v", Type: change.VarChar, Charset: "latin1", Length: 20},
		{Name: "e", Type: change.Enum, Members: []string{"a", "ü"}}, {Name: "s", Type: change.Set, Members: []string{"x", "y"}},
	}}
	for _, level := range []string{"NO_LOG", "MINIMAL"} {
		t.Run(level, func(t *testing.T) {
			config := shared.config()
			config.Start = shared.now(t)
			shared.set(t, "binlog_row_metadata", level)
			config.Tables = func(_, table string) bool { return table == "named" }
			var asked []change.Position
			config.Schema = func(_ context.Context, told *change.Table, at change.Position) (*change.Table, error) {
				asked = append(asked, at)
				if told.Database != "shop" || told.Name != "named" || len(told.Columns) != 4 || told.Columns[0].Name != "" {
					t.Errorf("asked for %+v", told)
				}
				return schema, nil
			}
			shared.exec(t, "REPLACE INTO named VALUES (4294967295, 'ß€', 'ü', 'x,y')", "DELETE FROM named")
			got := rows(t, open(t, config), 2)
			first := got[0].Change
			if first.Table != schema || first.After[0].Uint() != 1<<32-1 || first.After[1].String() != "ß€" || first.After[2].String() != "ü" || first.After[3].String() != "x,y" {
				t.Errorf("%v", first.After)
			}
			if len(asked) != 1 || asked[0].Compare(first.Version.Position) >= 0 || asked[0].File != first.Version.Position.File {
				t.Errorf("asked at %v for the rows at %s", asked, first.Version.Position)
			}
			other := *schema
			other.Columns = append([]change.Column{{Name: "id", Type: change.BigInt}}, schema.Columns[1:]...)
			config.Schema = func(context.Context, *change.Table, change.Position) (*change.Table, error) { return &other, nil }
			if _, err := failure(t, config); err == nil || !strings.Contains(err.Error(), "another moment") || !strings.Contains(err.Error(), `"id"`) {
				t.Error(err)
			}
			config.Schema = func(context.Context, *change.Table, change.Position) (*change.Table, error) {
				return nil, errors.New("no idea")
			}
			if _, err := failure(t, config); err == nil || !strings.Contains(err.Error(), "no idea") {
				t.Error(err)
			}
		})
	}
}

// A server that is not there, or is no database, is told at once.
func TestOpenFails(t *testing.T) {
	config := shared.config()
	config.Addr = "127.0.0.1:1"
	if _, err := binlog.Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), config.Addr) {
		t.Error(err)
	}
	config = shared.config()
	config.ServerID = 0
	if _, err := binlog.Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), "ServerID") {
		t.Error(err)
	}
}
