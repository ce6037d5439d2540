package mysql

import (
	"errors"
	"fmt"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// Layout is where the versions of rows are.
type Layout uint8

const (
	// InRow: in columns of the row itself. A deleted row stays, with a flag, and with NULL in the columns that may be NULL.
	InRow Layout = iota
	// SideTable: in a table beside the others, for targets that must not get columns. A deleted row is deleted, and its
	// version stays in the side table.
	SideTable
)

// Columns are the names of the columns of the version, in the row or in the side table.
type Columns struct {
	// ExecuteTime is a BIGINT, in milliseconds since 1970. Default execute_time. NULL is a row without a version.
	ExecuteTime string
	// Position is a BINARY(16): file, offset and row of the binlog, big-endian. Default binlog_position.
	Position string
	// Epoch is an INT UNSIGNED. Default source_epoch.
	Epoch string
	// Deleted is a BOOLEAN. Default row_deleted.
	Deleted string
}

// Config says where and how to write. Only DSN has to be set.
type Config struct {
	// DSN is user:password@tcp(host:port)/database, as github.com/go-sql-driver/mysql has it. The database is where tables
	// are looked for, unless Target says another.
	DSN     string
	Layout  Layout
	Columns Columns
	// Versions is the name of the side table, in the database of the DSN. Default skein_row_versions.
	Versions string
	// Generations names a table, in the database of the DSN, in which the sink keeps which generation of a consumer group has
	// which partition, and refuses writers of past ones (ApplyFenced). Empty: nobody is refused. It costs a transaction a
	// statement more for each partition.
	Generations string
	// Truncates names a table, in the database of the DSN, in which the versions of truncates are kept. Empty: truncates are not
	// applied. With SideTable they never are. All sinks that write to a table must say the same. It costs a transaction a statement
	// more.
	Truncates string
	// Target maps a source's table to the target's. Default: the same name, in the database of the DSN.
	Target func(database, table string) (string, string)
	// BatchRows bounds the rows of a transaction, 1 to 900. Default 500.
	BatchRows int
	// Tries bounds how often a transaction is tried that another one got in the way of. Default 20.
	Tries int
}

const (
	batchRowsMax = 900 // MariaDB makes a subquery of an IN with 1,000 values
	batchBytes   = 4 << 20
)

func (c Config) withDefaults() (Config, *driver.Config, error) {
	parsed, err := driver.ParseDSN(c.DSN)
	if err != nil {
		return c, nil, errors.New("the DSN is none: it is user:password@tcp(host:port)/database") // without its password
	}
	if parsed.DBName == "" {
		return c, nil, errors.New("the DSN names no database")
	}
	set := func(s *string, name string) {
		if *s == "" {
			*s = name
		}
	}
	set(&c.Columns.ExecuteTime, "execute_time")
	set(&c.Columns.Position, "binlog_position")
	set(&c.Columns.Epoch, "source_epoch")
	set(&c.Columns.Deleted, "row_deleted")
	set(&c.Versions, "skein_row_versions")
	if c.Target == nil {
		c.Target = func(_, table string) (string, string) { return parsed.DBName, table }
	}
	if c.BatchRows == 0 {
		c.BatchRows = 500
	}
	if c.Tries == 0 {
		c.Tries = 20
	}
	switch {
	case c.Layout > SideTable:
		return c, nil, fmt.Errorf("there is no layout %d", c.Layout)
	case c.Layout == SideTable && c.Truncates != "":
		return c, nil, errors.New("truncates are applied only where versions are in the rows: a side table does not say which rows of its table are older")
	case c.BatchRows < 1 || c.BatchRows > batchRowsMax:
		return c, nil, fmt.Errorf("batches of %d rows: 1 to %d are possible", c.BatchRows, batchRowsMax)
	case c.Tries < 1:
		return c, nil, fmt.Errorf("%d tries", c.Tries)
	}
	// Statements are text, so their charset and the rules of quoting must be the ones that literal.go writes for.
	parsed.Params, parsed.Collation = nil, ""
	if err := parsed.Apply(driver.Charset("utf8mb4", "")); err != nil {
		return c, nil, err
	}
	parsed.MultiStatements, parsed.InterpolateParams, parsed.ParseTime, parsed.ClientFoundRows = false, false, false, false
	parsed.Logger = silent{} // what it would tell on stderr comes as an error, too
	if parsed.Timeout == 0 {
		parsed.Timeout = 10 * time.Second
	}
	return c, parsed, nil
}

type silent struct{}

func (silent) Print(...any) {}
