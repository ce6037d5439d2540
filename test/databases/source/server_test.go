package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/source"
	"github.com/skein-io/skein/test/services"
)

// database is a running server with connections to it.
type database struct {
	*services.MariaDB
	sql *sql.DB
}

// shared is for tests that need no server of their own.
var shared *database

// patience bounds what takes a second on a machine that is not loaded.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "skein-source")
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

// start runs a server that writes a binlog as a source needs it; options overrule.
func start(dir string, options map[string]string) (*database, error) {
	properties := map[string]string{
		"log-bin": "binlog", "binlog-format": "ROW", "binlog-row-image": "FULL", "binlog-row-metadata": "FULL", "server-id": "1", "gtid-strict-mode": "ON",
		"innodb-flush-log-at-trx-commit": "2", "sync-binlog": "0", "max-allowed-packet": "256M",
	}
	maps.Copy(properties, options)
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
	c.Params = map[string]string{"time_zone": "'+00:00'", "sql_mode": "'ALLOW_INVALID_DATES'"}
	c.MultiStatements, c.InterpolateParams = true, true
	admin, err := mysql.NewConnector(c.Clone())
	if err != nil {
		return err
	}
	first := sql.OpenDB(admin)
	defer func() { _ = first.Close() }()
	// The server greets before it has made the account.
	for {
		if _, err = first.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4"); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
	c.DBName = "shop" // sequences need one
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	d.sql = sql.OpenDB(connector)
	return nil
}

// own starts a server for one test.
func own(t testing.TB, options map[string]string) *database {
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

// fresh makes a database of its own for a test.
func (d *database) fresh(t testing.TB, name string) {
	t.Helper()
	d.exec(t, "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
}

// number asks for one number.
func (d *database) number(t testing.TB, query string) (n int64) {
	t.Helper()
	if err := d.sql.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%.300s: %v", query, err)
	}
	return n
}

// names are the tables of a database.
func (d *database) names(t testing.TB, database string) (all []string) {
	t.Helper()
	rows, err := d.sql.QueryContext(t.Context(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY 1", database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// atomicAddr is where connections go, whatever address they ask for.
type atomicAddr struct{ atomic.Value }

func (a *atomicAddr) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, a.Load().(string))
}

// numbers asks for a column of them.
func (d *database) numbers(t testing.TB, query string) (all []int64) {
	t.Helper()
	rows, err := d.sql.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%.300s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

var replicas atomic.Uint32

// config is that of a source with a number of its own, of all tables of a database.
func (d *database) config(t testing.TB, name string) source.Config {
	return source.Config{
		Binlog: binlog.Config{
			Addr: d.Addr(), User: services.MariaDBUser, Password: services.MariaDBPassword, ServerID: 1000 + replicas.Add(1),
			Heartbeat: 200 * time.Millisecond, RetryWaitMax: 200 * time.Millisecond,
		},
		Tables: func(database, _ string) bool { return database == name },
		Counts: &source.Counts{},
		Log:    slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
}

type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// open starts a source that the test ends.
func open(t testing.TB, config source.Config, from source.State, found bool) *source.Source {
	t.Helper()
	s, err := source.Open(t.Context(), config, from, found)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// until returns what a source tells up to the event that f is content with, heartbeats left out.
func until(t testing.TB, s *source.Source, f func(binlog.Event) bool) []binlog.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []binlog.Event
	for {
		e, err := s.Next(ctx)
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

// failure is the error that a source ends with.
func failure(t testing.TB, s *source.Source) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, err := s.Next(ctx); err != nil {
			if ctx.Err() != nil {
				t.Fatal("it does not end")
			}
			return err
		}
	}
}

func expect(t testing.TB, err, want error, text string) {
	t.Helper()
	if !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
		t.Errorf("the error is %v; it has to be %v, and say %q", err, want, text)
	}
}
