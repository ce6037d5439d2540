package verify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
)

// SourceConfig names a table of a MariaDB or MySQL server. The account needs SELECT on it, and on MySQL
// REPLICATION CLIENT, and LOCK TABLES for repairs.
type SourceConfig struct {
	// DSN is user:password@tcp(host:port)/, as github.com/go-sql-driver/mysql has it.
	DSN             string
	Database, Table string
	// Key are the names of the columns of the key, if it is not the primary key.
	Key []string
	// Epoch is that of the versions that the source makes now.
	Epoch uint32
}

// Source reads a table. Safe for concurrent use.
type Source struct {
	db    *sql.DB
	table *change.Table
	// collations are those of the columns, empty for what has none.
	collations []string
	epoch      uint32
	mariaDB    bool
}

// OpenSource connects and looks at the table.
func OpenSource(ctx context.Context, c SourceConfig) (*Source, error) {
	parsed, err := driver.ParseDSN(c.DSN)
	if err != nil {
		return nil, errors.New("the source's DSN is none: it is user:password@tcp(host:port)/") // without its password
	}
	parsed.Params, parsed.Collation = nil, ""
	parsed.MultiStatements, parsed.InterpolateParams, parsed.ParseTime = false, true, false
	if err := parsed.Apply(driver.Charset("utf8mb4", "")); err != nil {
		return nil, err
	}
	if parsed.Timeout == 0 {
		parsed.Timeout = 10 * time.Second
	}
	connector, err := driver.NewConnector(parsed)
	if err != nil {
		return nil, err
	}
	s := &Source{db: sql.OpenDB(connector), epoch: c.Epoch}
	if err := s.look(ctx, c); err != nil {
		_ = s.db.Close()
		return nil, fmt.Errorf("source %s: table %s.%s: %w", parsed.Addr, c.Database, c.Table, err)
	}
	return s, nil
}

// Close ends the connections.
func (s *Source) Close() error { return s.db.Close() }

// Table is the table as it is now.
func (s *Source) Table() *change.Table { return s.table }

func (s *Source) look(ctx context.Context, c SourceConfig) error {
	var version string
	if err := s.db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return err
	}
	s.mariaDB = strings.Contains(strings.ToLower(version), "mariadb")
	var err error
	if s.table, err = catalog.Table(ctx, s.db, c.Database, c.Table); err != nil {
		return err
	}
	if err := s.lookKey(c); err != nil {
		return err
	}
	return s.lookCollations(ctx)
}

// lookKey takes the key that was declared instead of the table's own.
func (s *Source) lookKey(c SourceConfig) error {
	if len(c.Key) > 0 {
		s.table.Key = nil
	}
	for _, name := range c.Key {
		at := slices.IndexFunc(s.table.Columns, func(c change.Column) bool { return strings.EqualFold(c.Name, name) })
		if at < 0 {
			return fmt.Errorf("it has no column %s, which is said to be of its key", name)
		}
		s.table.Key = append(s.table.Key, at)
	}
	if len(s.table.Key) == 0 {
		return errors.New("it has no primary key: declare one")
	}
	return nil
}

func (s *Source) lookCollations(ctx context.Context) error {
	s.collations = make([]string, len(s.table.Columns))
	rows, err := s.db.QueryContext(ctx, "SELECT COLUMN_NAME, COLLATION_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND COLLATION_NAME IS NOT NULL",
		s.table.Database, s.table.Name)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, collation string
		if err := rows.Scan(&name, &collation); err != nil {
			return err
		}
		if at := s.table.Column(name); at >= 0 {
			s.collations[at] = collation
		}
	}
	return rows.Err()
}

// quoted is the table's name in SQL.
func (s *Source) quoted() string {
	return mysql.Quote(s.table.Database) + "." + mysql.Quote(s.table.Name)
}

// sessionSettings: times are UTC, a backslash escapes, and blanks behind a CHAR are not shown.
const sessionSettings = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'"

func (s *Source) conn(ctx context.Context) (*sql.Conn, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, sessionSettings); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
