package databases

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/test/services"
)

// database is a way to one.
type database struct {
	name      string
	dialect   dedupe.Dialect
	db        *sql.DB
	isolation sql.IsolationLevel
	key       string // the type of a number that counts by itself
	again     func(error) bool
	// waiting is how many transactions wait for a lock; nil where there is no way to know.
	waiting func(context.Context) (int, error)
}

var all []*database

// mariadbAddr is where the server listens that all tests share.
var mariadbAddr string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "skein-databases")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	server, err := services.NewMariaDB(services.Options{Dir: filepath.Join(dir, "mariadb")})
	if err != nil {
		return 1, err
	}
	if err := server.Start(ctx); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	mariadbAddr = server.Addr()
	if err := openMariaDB(ctx, mariadbAddr); err != nil {
		return 1, err
	}
	if err := openSQLite(filepath.Join(dir, "sqlite.db")); err != nil {
		return 1, err
	}
	code = m.Run()
	for _, d := range all {
		err = errors.Join(err, d.db.Close())
	}
	return code, err
}

// openMariaDB takes every isolation level, and the other way to count rows of an UPDATE that a driver may be set to.
func openMariaDB(ctx context.Context, addr string) error {
	for _, d := range []*database{
		{name: "MariaDB, repeatable read"},
		{name: "MariaDB, read committed", isolation: sql.LevelReadCommitted},
		{name: "MariaDB, serializable", isolation: sql.LevelSerializable},
		{name: "MariaDB, found rows"},
	} {
		c := mysql.NewConfig()
		c.User, c.Passwd, c.Net, c.Addr = services.MariaDBUser, services.MariaDBPassword, "tcp", addr
		c.ClientFoundRows = d.name == "MariaDB, found rows"
		first, err := mysql.NewConnector(c.Clone())
		if err != nil {
			return err
		}
		admin := sql.OpenDB(first)
		_, err = admin.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS skein")
		if err := errors.Join(err, admin.Close()); err != nil {
			return err
		}
		c.DBName = "skein"
		connector, err := mysql.NewConnector(c)
		if err != nil {
			return err
		}
		d.db, d.dialect, d.again, d.key = sql.OpenDB(connector), dedupe.MySQL, mysqlAgain, "BIGINT AUTO_INCREMENT PRIMARY KEY"
		d.waiting = func(ctx context.Context) (n int, err error) {
			err = d.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'").Scan(&n)
			return n, err
		}
		all = append(all, d)
	}
	return nil
}

// mysqlAgain: deadlock, lock wait timeout, record changed since the snapshot.
func mysqlAgain(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && (e.Number == 1213 || e.Number == 1205 || e.Number == 1020)
}

func openSQLite(file string) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(20000)")
	all = append(all, &database{
		name: "SQLite", dialect: dedupe.SQLite, db: db, key: "INTEGER PRIMARY KEY AUTOINCREMENT",
		again: func(err error) bool {
			const busy = 5
			var e *sqlite.Error
			return errors.As(err, &e) && e.Code()&0xff == busy
		},
	})
	return err
}

// each runs a test on every database.
func each(t *testing.T, f func(t *testing.T, d *database)) {
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) { f(t, d) })
	}
}

// table makes a fresh table, and says twice that it has to be there.
func (d *database) table(t *testing.T, name string) *dedupe.SQL {
	t.Helper()
	s, err := dedupe.NewSQL(d.dialect, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"DROP TABLE IF EXISTS " + name, s.Schema(), s.Schema()} {
		d.exec(t, statement)
	}
	return s
}

func (d *database) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := d.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (d *database) begin(ctx context.Context) (*sql.Tx, error) {
	return d.db.BeginTx(ctx, &sql.TxOptions{Isolation: d.isolation})
}

// in runs f in a transaction, again while the database wants it to be tried again, up to a thousand times, and commits unless f
// fails.
func (d *database) in(ctx context.Context, f func(tx *sql.Tx) error) (tries int, err error) {
	for tries = 1; ; tries++ {
		if err = d.once(ctx, f); err == nil || !d.again(err) || tries == 1000 {
			return tries, err
		}
	}
}

func (d *database) once(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := d.begin(ctx)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
