package verify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/verify"
	"github.com/skein-io/skein/test/services"
)

// maria is the source, and has the copies of the MySQL sink in other databases.
var maria struct {
	*services.MariaDB
	sql *sql.DB
}

// hbase is started by the first test that wants it.
var hbase struct {
	once   sync.Once
	dir    string
	server *services.HBase
	err    error
}

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "skein-verify")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, err := services.NewMariaDB(services.Options{Dir: filepath.Join(dir, "mariadb"), Properties: map[string]string{
		"log-bin": "binlog", "binlog-format": "ROW", "binlog-row-image": "FULL", "binlog-row-metadata": "FULL", "server-id": "1",
		"innodb-flush-log-at-trx-commit": "2", "sync-binlog": "0", "max-allowed-packet": "64M",
	}})
	if err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := server.Start(ctx); err != nil {
		return 1, err
	}
	maria.MariaDB = server
	defer func() { err = errors.Join(err, maria.Kill()) }()
	if err := openMaria(ctx); err != nil {
		return 1, err
	}
	defer func() { _ = maria.sql.Close() }()
	hbase.dir = filepath.Join(dir, "hbase")
	defer func() {
		if hbase.server != nil {
			err = errors.Join(err, hbase.server.Kill())
		}
	}()
	return m.Run(), nil
}

func openMaria(ctx context.Context) error {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = services.MariaDBUser, services.MariaDBPassword, "tcp", maria.Addr()
	c.Params = map[string]string{"time_zone": "'+00:00'", "sql_mode": "'ALLOW_INVALID_DATES'"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	maria.sql = sql.OpenDB(connector)
	for { // the server greets before it has made the account
		if _, err = maria.sql.ExecContext(ctx, "SELECT 1"); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := maria.sql.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%.300s: %v", s, err)
		}
	}
}

func number(t testing.TB, query string) (n int64) {
	t.Helper()
	if err := maria.sql.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%.300s: %v", query, err)
	}
	return n
}

// hbaseAddr is ZooKeeper's address. SKEIN_HBASE names a server that runs already, to try things out.
func hbaseAddr(t testing.TB) string {
	t.Helper()
	if addr := os.Getenv("SKEIN_HBASE"); addr != "" {
		return addr
	}
	hbase.once.Do(func() {
		hbase.server, hbase.err = services.NewHBase(services.Options{Dir: hbase.dir, ReadyTimeout: 4 * time.Minute}, services.JVM{}, 1)
		if hbase.err == nil {
			hbase.err = hbase.server.Start(context.Background())
		}
	})
	if hbase.err != nil {
		t.Fatalf("these tests need Apache HBase %s, which a JDK and Maven bring: %v", services.HBaseVersion, hbase.err)
	}
	return hbase.server.Addr()
}

func hbaseClient(t testing.TB) *client.Client {
	t.Helper()
	c, err := client.Open(client.Options{ZooKeeper: []string{hbaseAddr(t)}, RetryTimeout: 4 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

var databases atomic.Int64

// database makes a database of its own for a test.
func database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("v%d", databases.Add(1))
	exec(t, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
	t.Cleanup(func() { _, _ = maria.sql.ExecContext(context.Background(), "DROP DATABASE "+name) })
	return name
}

func source(t testing.TB, db, table string) *verify.Source {
	t.Helper()
	s, err := verify.OpenSource(t.Context(), verify.SourceConfig{
		DSN: fmt.Sprintf("%s:%s@tcp(%s)/", services.MariaDBUser, services.MariaDBPassword, maria.Addr()), Database: db, Table: table, Epoch: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
