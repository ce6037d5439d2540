package pipeline

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/catalog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
)

// OpenSource is a connection to the source's database for questions. The caller closes it.
func OpenSource(c *Config) (*sql.DB, error) {
	b, err := BinlogConfig(c)
	if err != nil {
		return nil, err
	}
	return openDB(b.Addr, b.User, b.Password, b.TLS)
}

func openDB(addr, user, password string, encrypted *tls.Config) (*sql.DB, error) {
	d := driver.NewConfig()
	d.User, d.Passwd, d.Net, d.Addr, d.TLS, d.Timeout, d.Logger = user, password, "tcp", addr, encrypted, 10*time.Second, silent{}
	connector, err := driver.NewConnector(d)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

type silent struct{}

func (silent) Print(...any) {}

// source looks at the database: what it needs to be read if that is wanted, and its tables, which the sinks are compared with.
func (k *checker) source(ctx context.Context, wanted bool) {
	what := k.c.Source.Connector + " " + k.c.Source.Address
	ctx, cancel := context.WithTimeout(ctx, checkMax)
	defer cancel()
	b, err := BinlogConfig(k.c)
	if err != nil {
		k.wrong(SourcePart, what, err)
		return
	}
	if wanted {
		if err := binlog.Check(ctx, b); err != nil {
			k.wrong(SourcePart, what, err)
		} else {
			k.add(SourcePart, what, Fine, "settings and rights are what is needed to read the binlog")
		}
	}
	db, err := openDB(b.Addr, b.User, b.Password, b.TLS)
	if err == nil {
		defer func() { _ = db.Close() }()
		k.tables, err = catalog.Tables(ctx, db, k.c.Source.Wants)
	}
	if err != nil {
		if !slices.ContainsFunc(k.found, func(f Finding) bool { return f.Part == SourcePart && f.Verdict == Wrong }) {
			k.wrong(SourcePart, what, err)
		}
		return
	}
	if !wanted {
		return
	}
	k.server(ctx, db, what)
	for _, p := range k.c.Source.Tables {
		if !slices.ContainsFunc(k.tables, func(t *change.Table) bool { return p.Match(t.Database, t.Name) }) {
			v, way := Doubt, "it is read when it is made"
			if p.Exact() {
				v, way = Wrong, "make it, or give the account the right SELECT on it"
			}
			k.add(SourcePart, "tables", v, "there is no table %s that the account can see: %s", p, way)
		}
	}
	for _, t := range k.tables {
		k.sourceTable(ctx, db, t)
	}
}

// server looks whether it is what the file says it is.
func (k *checker) server(ctx context.Context, db *sql.DB, what string) {
	var version string
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		k.wrong(SourcePart, what, err)
		return
	}
	is := "mysql"
	if strings.Contains(version, "MariaDB") {
		is = "mariadb"
	}
	if is != k.c.Source.Connector {
		k.add(SourcePart, what, Wrong, "it is %s: write source.connector: %s", version, is)
	}
}

// sourceTable looks whether a table has a key, and may be read.
func (k *checker) sourceTable(ctx context.Context, db *sql.DB, t *change.Table) {
	what := "table " + t.String()
	before := len(k.found)
	declared := slices.IndexFunc(k.c.Source.Keys, func(d spec.DeclaredKey) bool { return d.Table == t.String() })
	switch {
	case declared >= 0:
		for _, name := range k.c.Source.Keys[declared].Columns {
			at := t.Column(name)
			switch {
			case at < 0:
				k.add(SourcePart, what, Wrong, "source.keys names column %q, which it does not have", name)
			case t.Columns[at].Nullable:
				k.add(SourcePart, what, Wrong, "source.keys names column %q, which may be NULL: make it NOT NULL", name)
			}
		}
		if len(k.found) == before && !uniqueIndex(ctx, db, t, k.c.Source.Keys[declared].Columns) {
			k.add(SourcePart, what, Wrong, "source.keys names (%[1]s), and no unique index has these columns: ALTER TABLE %[2]s ADD UNIQUE (%[1]s)",
				strings.Join(k.c.Source.Keys[declared].Columns, ", "), quoted(t.Database, t.Name))
		}
	case len(t.Key) == 0:
		k.add(SourcePart, what, Wrong, "it has no primary key: give it one, name columns that are different in each row in source.keys, or leave it out with source.except")
	}
	if err := spec.CheckTopic(TopicOf(k.c, t.String())); err != nil {
		k.add(SourcePart, what, Wrong, "Kafka has no topic of the name %s: leave it out with source.except", TopicOf(k.c, t.String()))
	}
	if k.c.Source.Snapshot != spec.SnapshotNever {
		rows, err := db.QueryContext(ctx, "SELECT * FROM "+quoted(t.Database, t.Name)+" LIMIT 0")
		if err == nil {
			err = errors.Join(rows.Err(), rows.Close())
		}
		if err != nil {
			k.add(SourcePart, what, Wrong, "it cannot be read for the snapshot: %v; GRANT SELECT ON %s TO the account", err, quoted(t.Database, t.Name))
		}
	}
	if len(k.found) == before {
		k.add(SourcePart, what, Fine, "%d columns, key %s", len(t.Columns), strings.Join(keyNames(k.c, t), ", "))
	}
}

// uniqueIndex says whether a unique index has these columns and no others.
func uniqueIndex(ctx context.Context, db *sql.DB, t *change.Table, columns []string) bool {
	rows, err := db.QueryContext(ctx, "SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY COLUMN_NAME SEPARATOR '\x00') FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND TABLE_SCHEMA = ? AND TABLE_NAME = ? GROUP BY INDEX_NAME", t.Database, t.Name)
	if err != nil {
		return false
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var names sql.NullString
		if rows.Scan(&names) == nil && sameNames(strings.Split(names.String, "\x00"), columns) {
			return true
		}
	}
	return false
}

// keyNames are the columns of a table's key: the declared one if there is one.
func keyNames(c *Config, t *change.Table) []string {
	if c.Source != nil {
		for _, d := range c.Source.Keys {
			if d.Table == t.String() {
				return d.Columns
			}
		}
	}
	var names []string
	for _, i := range t.Key {
		names = append(names, t.Columns[i].Name)
	}
	return names
}

// quoted is a table's name in SQL.
func quoted(database, table string) string {
	quote := func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
	return fmt.Sprintf("%s.%s", quote(database), quote(table))
}
