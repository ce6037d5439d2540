package pipeline

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
	"github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

// hbase looks for tables and families, and for columns that the mapping names.
func (k *checker) hbase(ctx context.Context, part string, s *spec.Sink, tables []string) {
	what := "hbase " + strings.Join(s.HBase.ZooKeeper, ",")
	for _, name := range tables {
		k.mappedColumns(part, s, name)
		o := HBaseOptions(s, []string{name})
		o.Client.RetryTimeout, o.Client.CallTimeout, o.Truncates = 10*time.Second, 5*time.Second, ""
		to, err := hbase.Open(o)
		if err != nil {
			k.wrong(part, what, err)
			return
		}
		err = to.Prepare(ctx, false)
		_ = to.Close()
		table := "table " + o.Tables[name].Name
		switch {
		case err == nil:
			k.add(part, table, Fine, "it is there, with its families")
		case errors.Is(err, client.ErrTableNotFound) && s.HBase.Create:
			k.add(part, table, Fine, "it is not there; the sink makes it")
		case errors.Is(err, client.ErrTableNotFound) || errors.Is(err, client.ErrNoFamily):
			k.wrong(part, table, err)
		default:
			k.add(part, what, Wrong, "%v; is zookeeper right, and HBase running?", err)
			return // it would be the same for each table
		}
	}
	if s.Truncates {
		k.hbaseTruncates(ctx, part, s)
	}
}

// hbaseTruncates looks for the table of the truncates' versions.
func (k *checker) hbaseTruncates(ctx context.Context, part string, s *spec.Sink) {
	what := "table " + s.TruncateVersions
	o := HBaseOptions(s, nil).Client
	o.RetryTimeout, o.CallTimeout = 10*time.Second, 5*time.Second
	to, err := client.Open(o)
	if err != nil {
		k.wrong(part, what, err)
		return
	}
	defer func() { _ = to.Close() }()
	families, err := to.Families(ctx, s.TruncateVersions)
	switch {
	case errors.Is(err, client.ErrTableNotFound) && s.HBase.Create:
		k.add(part, what, Fine, "it is not there; the sink makes it")
	case errors.Is(err, client.ErrTableNotFound) || err == nil && !slices.Contains(families, hbase.UpdateInfo):
		k.add(part, what, Wrong, "truncates: apply needs it: create '%s', '%s'", s.TruncateVersions, hbase.UpdateInfo)
	case err != nil:
		k.wrong(part, what, err)
	default:
		k.add(part, what, Fine, "it is there")
	}
}

// mappedColumns looks for the columns that the mapping names.
func (k *checker) mappedColumns(part string, s *spec.Sink, name string) {
	t := k.table(name)
	if t == nil {
		return
	}
	to, ok := s.Target(t.Database, t.Name)
	if !ok {
		return
	}
	for _, c := range to.Columns {
		if t.Column(c.Source) < 0 && to.Source.Exact() {
			k.add(part, "table "+name, Wrong, "the mapping names column %q, which the source's table does not have", c.Source)
		}
	}
}

// mysql looks at the target's tables, columns and rights.
func (k *checker) mysql(ctx context.Context, part string, s *spec.Sink, tables []string) {
	what := "mysql " + s.MySQL.Address
	config, err := MySQLConfig(k.c, s)
	if err != nil {
		k.wrong(part, what, err)
		return
	}
	db, err := openTarget(config)
	if errors.Is(err, errNoAddress) {
		k.wrong(part, what, err)
		return
	}
	if err == nil {
		defer func() { _ = db.Close() }()
		err = db.PingContext(ctx)
	}
	if err != nil {
		k.add(part, what, Wrong, "it cannot be reached: %v", err)
		return
	}
	k.add(part, what, Fine, "it answers")
	if s.MySQL.SideTable {
		k.ownTable(ctx, db, part, s.MySQL.Database, s.MySQL.Versions, "row_key", true)
	}
	if s.MySQL.Generations != "" {
		k.ownTable(ctx, db, part, s.MySQL.Database, s.MySQL.Generations, "generation", false)
	}
	if s.Truncates {
		k.ownTable(ctx, db, part, s.MySQL.Database, s.TruncateVersions, "table_name", false)
	}
	for _, name := range tables {
		database, table, _ := spec.SplitTable(name)
		if to, ok := s.Target(database, table); ok {
			toDatabase, toTable := targetOf(s, to, database, table)
			k.target(ctx, db, part, s, name, toDatabase, toTable)
		}
	}
	if !s.MySQL.SideTable {
		k.layout(ctx, part, config, tables)
	}
}

// layout lets the sink itself look at where it puts versions.
func (k *checker) layout(ctx context.Context, part string, config mysql.Config, tables []string) {
	config.Generations, config.Truncates = "", "" // whose tables it would make
	to, err := mysql.Open(ctx, config)
	if err != nil {
		k.wrong(part, "database", err)
		return
	}
	defer func() { _ = to.Close() }()
	for _, name := range tables {
		database, table, _ := spec.SplitTable(name)
		err := to.CheckTarget(ctx, database, table)
		if err != nil && !errors.Is(err, mysql.ErrNoTable) { // which is told already
			k.wrong(part, "table "+name, err)
		}
	}
}

// ownTable looks for a table that the sink keeps for itself, and tries its rights with one of the columns.
func (k *checker) ownTable(ctx context.Context, db *sql.DB, part, database, table, column string, deletes bool) {
	what := "table " + database + "." + table
	_, err := catalog.Table(ctx, db, database, table)
	switch {
	case errors.Is(err, catalog.ErrNoTable):
		k.add(part, what, Fine, "it is not there; the sink makes it, for which the account needs the right CREATE in %s", database)
	case err != nil:
		k.wrong(part, what, err)
	default:
		k.rights(ctx, db, part, what, quoted(database, table), column, deletes)
	}
}

// target looks at a table that rows are written to.
func (k *checker) target(ctx context.Context, db *sql.DB, part string, s *spec.Sink, source, database, table string) {
	what := "table " + database + "." + table
	to, err := catalog.Table(ctx, db, database, table)
	if err != nil {
		if errors.Is(err, catalog.ErrNoTable) {
			err = fmt.Errorf("it is not there, or the account has no rights to it: make it with the columns of %s%s", source, versionsToo(s))
		}
		k.wrong(part, what, err)
		return
	}
	before := len(k.found)
	if len(to.Key) == 0 {
		k.add(part, what, Wrong, "it has no primary key, so a row of it cannot be found again")
	} else {
		k.rights(ctx, db, part, what, quoted(database, table), to.Columns[to.Key[0]].Name, s.MySQL.SideTable)
	}
	if from := k.table(source); from != nil {
		k.columns(part, what, from, to)
		k.unfilled(ctx, db, part, what, s, from, to)
	}
	if len(k.found) == before {
		k.add(part, what, Fine, "rows of %s fit, and the account has the rights", source)
	}
}

func versionsToo(s *spec.Sink) string {
	if s.MySQL.SideTable {
		return ""
	}
	return " and those of the version"
}

// noDefault is the server's error for a column that is given no value.
const noDefault = 1364

// rights tries, with no row, what the sink does.
func (k *checker) rights(ctx context.Context, db *sql.DB, part, what, table, column string, deletes bool) {
	column = "`" + strings.ReplaceAll(column, "`", "``") + "`"
	statements := []string{
		"SELECT 1 FROM " + table + " WHERE FALSE FOR UPDATE", "INSERT INTO " + table + " (" + column + ") SELECT " + column + " FROM " + table + " WHERE FALSE",
		"UPDATE " + table + " SET " + column + " = " + column + " WHERE FALSE",
	}
	if deletes {
		statements = append(statements, "DELETE FROM "+table+" WHERE FALSE")
	}
	for _, q := range statements {
		_, err := db.ExecContext(ctx, q)
		if e, ok := errors.AsType[*driver.MySQLError](err); ok && e.Number == noDefault {
			continue // of another column; the rights are looked at before
		}
		if err != nil {
			right, _, _ := strings.Cut(q, " ")
			k.add(part, what, Wrong, "%v; GRANT %s ON %s TO the account", err, right, table)
		}
	}
}

// columns compares what the source has with what the target takes.
func (k *checker) columns(part, what string, from, to *change.Table) {
	for i := range from.Columns {
		c := &from.Columns[i]
		at := columnNamed(to, c.Name)
		if at < 0 {
			k.add(part, what, Wrong, "it has no column %s, which the source's table %s has: ALTER TABLE %s ADD COLUMN", c.Name, from, quoted(to.Database, to.Name))
			continue
		}
		if reason, doubt := fits(c, &to.Columns[at]); reason != "" {
			v := Wrong
			if doubt {
				v = Doubt
			}
			k.add(part, what, v, "column %s: %s", c.Name, reason)
		}
	}
	want, have := keyNames(k.c, from), keyNames(&Config{}, to)
	if len(have) > 0 && !sameNames(want, have) {
		k.add(part, what, Wrong, "its primary key is (%s), and that of the source's table %s is (%s): they have to be the same", strings.Join(have, ", "), from, strings.Join(want, ", "))
	}
}

func columnNamed(t *change.Table, name string) int {
	return slices.IndexFunc(t.Columns, func(c change.Column) bool { return strings.EqualFold(c.Name, name) })
}

func sameNames(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(name string) bool {
		return !slices.ContainsFunc(b, func(other string) bool { return strings.EqualFold(name, other) })
	})
}

// unfilled finds columns of the target that nobody gives a value.
func (k *checker) unfilled(ctx context.Context, db *sql.DB, part, what string, s *spec.Sink, from, to *change.Table) {
	rows, err := db.QueryContext(ctx, `SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND IS_NULLABLE = 'NO'
AND COLUMN_DEFAULT IS NULL AND EXTRA NOT LIKE '%auto_increment%' AND EXTRA NOT LIKE '%GENERATED%'`, to.Database, to.Name)
	if err != nil {
		k.wrong(part, what, err)
		return
	}
	defer func() { _ = rows.Close() }()
	versions := []string{s.MySQL.ExecuteTime, s.MySQL.Position, s.MySQL.Epoch, s.MySQL.Deleted}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			k.wrong(part, what, err)
			return
		}
		if columnNamed(from, name) < 0 && !slices.ContainsFunc(versions, func(v string) bool { return strings.EqualFold(v, name) }) {
			k.add(part, what, Wrong, "its column %s is NOT NULL without a default, and the source's table %s does not have it: give it a default", name, from)
		}
	}
	if err := rows.Err(); err != nil {
		k.wrong(part, what, err)
	}
}
