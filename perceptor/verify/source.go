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

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/mysql"
)

// SourceConfig names a table of a MariaDB or MySQL server. The account needs SELECT on it, and on MySQL REPLICATION CLIENT.
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
		return nil, fmt.Errorf("source %s, table %s.%s: %w", parsed.Addr, c.Database, c.Table, err)
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
	s.table = &change.Table{Database: c.Database, Name: c.Table}
	rows, err := s.db.QueryContext(ctx, `SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COALESCE(CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, 0),
COALESCE(DATETIME_PRECISION, NUMERIC_SCALE, 0), COALESCE(CHARACTER_SET_NAME, ''), COALESCE(COLLATION_NAME, '')
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`, c.Database, c.Table)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var column change.Column
		var typ, full, nullable, collation string
		var length int64
		if err := rows.Scan(&column.Name, &typ, &full, &nullable, &length, &column.Scale, &column.Charset, &collation); err != nil {
			return err
		}
		if column.Type, err = typeOf(typ); err != nil {
			return fmt.Errorf("column %s: %w", column.Name, err)
		}
		column.Length, column.Nullable = int(length), nullable == "YES"
		column.Unsigned = strings.Contains(full, "unsigned")
		s.table.Columns, s.collations = append(s.table.Columns, column), append(s.collations, collation)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(s.table.Columns) == 0 {
		return errors.New("it is not there, or the account has no rights to it")
	}
	return s.lookKey(ctx, c)
}

// typeOf finds a type by what DATA_TYPE says.
func typeOf(name string) (change.Type, error) {
	switch name {
	case "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection":
		return change.Geometry, nil
	}
	if t, ok := change.ParseType(name); ok {
		return t, nil
	}
	return 0, fmt.Errorf("values of the type %s cannot be read", name)
}

func (s *Source) lookKey(ctx context.Context, c SourceConfig) error {
	names := c.Key
	if len(names) == 0 {
		rows, err := s.db.QueryContext(ctx, `SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE INDEX_NAME = 'PRIMARY' AND TABLE_SCHEMA = ? AND TABLE_NAME = ?
ORDER BY SEQ_IN_INDEX`, c.Database, c.Table)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return errors.New("it has no primary key: declare one")
	}
	for _, name := range names {
		at := slices.IndexFunc(s.table.Columns, func(c change.Column) bool { return strings.EqualFold(c.Name, name) })
		if at < 0 {
			return fmt.Errorf("it has no column %s, which is said to be of its key", name)
		}
		s.table.Key = append(s.table.Key, at)
	}
	return nil
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
