package binlog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/test/services"
)

// database is a running server with a connection to it.
type database struct {
	*services.MariaDB
	sql *sql.DB
}

// shared is for tests that need no server of their own.
var shared *database

// patience bounds what takes a second on a machine that is not loaded.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "skein-binlog")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if shared, err = start(filepath.Join(dir, "shared"), nil); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.sql.Close(), shared.Stop()) }()
	return m.Run(), nil
}

// without is for an option that a server is not to have.
const without = "-"

// start runs a server that writes a binlog as a reader needs it; options overrule.
func start(dir string, options map[string]string) (*database, error) {
	properties := map[string]string{
		"log-bin": "binlog", "binlog-format": "ROW", "binlog-row-image": "FULL", "binlog-row-metadata": "FULL", "server-id": "1", "gtid-strict-mode": "ON",
		"innodb-flush-log-at-trx-commit": "2", "sync-binlog": "0", "max-allowed-packet": "256M",
	}
	maps.Copy(properties, options)
	maps.DeleteFunc(properties, func(_, value string) bool { return value == without })
	server, err := services.NewMariaDB(services.Options{Dir: dir, Properties: properties})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := server.Start(ctx); err != nil {
		return nil, err
	}
	d := &database{MariaDB: server}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return d, nil
}

// open connects with UTC as the time zone, and makes the database that tests use.
func (d *database) open(ctx context.Context) error {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = services.MariaDBUser, services.MariaDBPassword, "tcp", d.Addr()
	c.Params = map[string]string{"time_zone": "'+00:00'"}
	c.MultiStatements = true
	connector, err := mysql.NewConnector(c.Clone())
	if err != nil {
		return err
	}
	admin := sql.OpenDB(connector)
	// The server greets before it has made the account.
	for {
		if _, err = admin.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4"); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, admin.Close())
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := admin.Close(); err != nil {
		return err
	}
	c.DBName = "shop"
	if connector, err = mysql.NewConnector(c); err != nil {
		return err
	}
	d.sql = sql.OpenDB(connector)
	return nil
}

// own starts a server for one test.
func own(t *testing.T, options map[string]string) *database {
	t.Helper()
	d, err := start(filepath.Join(t.TempDir(), "mariadb"), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.sql.Close()
		_ = d.Kill()
	})
	return d
}

func (d *database) exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := d.sql.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%.300s: %v", s, err)
		}
	}
}

// column asks for one column.
func (d *database) column(t testing.TB, query string) []string {
	t.Helper()
	rows, err := d.sql.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%.300s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var text sql.NullString
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		if !text.Valid {
			text.String = "NULL"
		}
		all = append(all, text.String)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

var replicas atomic.Uint32

// config is that of a reader with a number of its own.
func (d *database) config() binlog.Config {
	return binlog.Config{
		Addr: d.Addr(), User: services.MariaDBUser, Password: services.MariaDBPassword, ServerID: 1000 + replicas.Add(1), Epoch: 1,
		Tables:    func(database, _ string) bool { return database == "shop" },
		Heartbeat: 200 * time.Millisecond,
	}
}

// now is the end of the binlog.
func (d *database) now(t testing.TB) binlog.Position {
	t.Helper()
	p, err := binlog.Current(t.Context(), d.config())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// open starts a reader that the test ends.
func open(t testing.TB, config binlog.Config) *binlog.Reader {
	t.Helper()
	r, err := binlog.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// until returns what a reader tells up to the event that f is content with, heartbeats left out.
func until(t testing.TB, r *binlog.Reader, f func(binlog.Event) bool) []binlog.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []binlog.Event
	for {
		e, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("after %d events: %v", len(all), err)
		}
		if e.Kind != binlog.Heartbeat {
			all = append(all, e)
		}
		if f(e) {
			return all
		}
	}
}

// rows returns the next n changes of rows.
func rows(t testing.TB, r *binlog.Reader, n int) []binlog.Event {
	t.Helper()
	var all []binlog.Event
	if n == 0 {
		return nil
	}
	until(t, r, func(e binlog.Event) bool {
		if e.Kind == binlog.Row {
			all = append(all, e)
		}
		return len(all) == n
	})
	return all
}
