package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/hbase"
	"github.com/skein-io/skein/perceptor/hbase/client"
	"github.com/skein-io/skein/perceptor/mysql"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/sink"
)

// BinlogConfig is how the source's server is reached and what is read of it; Start, Epoch and Schema are for the caller.
func BinlogConfig(c *Config) (binlog.Config, error) {
	s := c.Source
	password, err := Reveal(c, "source.password", s.Password)
	if err != nil {
		return binlog.Config{}, err
	}
	encrypted, err := encryption(c, "source.tls", s.TLS)
	if err != nil {
		return binlog.Config{}, err
	}
	return binlog.Config{
		Addr: s.Address, User: s.User, Password: password, TLS: encrypted, ServerID: s.ServerID, GTID: s.GTID, Tables: s.Wants, Heartbeat: s.Heartbeat,
	}, nil
}

// ReadOptions say how a sink's records are read.
func ReadOptions(c *Config) (envelope.ReadOptions, error) {
	format, err := envelope.ParseFormat(c.Read.Format)
	if err != nil {
		return envelope.ReadOptions{}, err
	}
	order, err := envelope.ParseOrdering(c.Read.Order)
	if err != nil {
		return envelope.ReadOptions{}, err
	}
	decimals := c.Read.Decimals
	if c.Source != nil {
		decimals = c.Source.Decimals
	}
	return envelope.ReadOptions{Format: format, Order: order, Epoch: c.Read.Epoch, Zone: c.Read.Zone, Decimals: decimalsOf(decimals)}, nil
}

func decimalsOf(word string) envelope.Decimals {
	if word == "text" {
		return envelope.DecimalText
	}
	return envelope.Precise
}

// OpenSink connects a sink for tables, each DATABASE.TABLE. The caller closes it.
func OpenSink(ctx context.Context, c *Config, s *spec.Sink, tables []string) (sink.Sink, error) {
	switch s.Type {
	case spec.HBase:
		return hbase.Open(HBaseOptions(s, tables))
	case spec.MySQL:
		config, err := MySQLConfig(c, s)
		if err != nil {
			return nil, err
		}
		return mysql.Open(ctx, config)
	}
	return nil, fmt.Errorf("sink %s: there is no type %q", s.Name, s.Type)
}

// HBaseOptions are those of a sink of type hbase, for tables, each DATABASE.TABLE.
func HBaseOptions(s *spec.Sink, tables []string) hbase.Options {
	options := hbase.Options{
		Client: client.Options{ZooKeeper: s.HBase.ZooKeeper, Root: s.HBase.Root, User: s.HBase.User}, Tables: map[string]hbase.Table{},
	}
	if s.Truncates {
		options.Truncates = s.TruncateVersions
	}
	for _, name := range tables {
		database, table, _ := spec.SplitTable(name)
		to, ok := s.Target(database, table)
		if !ok {
			continue
		}
		t := hbase.Table{Name: to.NameFor(database, table), Family: to.Family, Salt: to.Salt, Columns: map[string]hbase.Column{}}
		if to.KeyBytes {
			t.Key = hbase.KeyBytes
		}
		if to.Bytes {
			t.Values = hbase.ValuesBytes
		}
		if to.NullsEmpty {
			t.Nulls = hbase.NullsEmpty
		}
		for _, column := range to.Columns {
			t.Columns[column.Source] = hbase.Column{Family: column.Family, Qualifier: column.Qualifier, Skip: column.Skip}
		}
		options.Tables[name] = t
	}
	return options
}

// errNoAddress is of what is configured of a target. The driver's own error may have the password.
var errNoAddress = errors.New("user, address and database make no connection")

// openTarget prepares connections to the server of a sink of type mysql.
func openTarget(config mysql.Config) (*sql.DB, error) {
	d, err := driver.ParseDSN(config.DSN)
	if err != nil {
		return nil, errNoAddress
	}
	return openDB(d.Addr, d.User, d.Passwd, d.TLS)
}

// MySQLConfig is that of a sink of type mysql.
func MySQLConfig(c *Config, s *spec.Sink) (mysql.Config, error) {
	key := "sink " + s.Name
	password, err := Reveal(c, key+": password", s.MySQL.Password)
	if err != nil {
		return mysql.Config{}, err
	}
	d := driver.NewConfig()
	d.User, d.Passwd, d.Net, d.Addr, d.DBName, d.Timeout = s.MySQL.User, password, "tcp", s.MySQL.Address, s.MySQL.Database, 10*time.Second
	if d.TLS, err = encryption(c, key+": tls", s.MySQL.TLS); err != nil {
		return mysql.Config{}, err
	}
	if d.TLS != nil {
		if d.TLSConfig, err = registerTLS(c.Name+"-"+s.Name, d); err != nil {
			return mysql.Config{}, err
		}
	}
	config := mysql.Config{
		DSN: d.FormatDSN(), Versions: s.MySQL.Versions, Generations: s.MySQL.Generations, BatchRows: min(s.BatchChanges, 900), Target: func(database, table string) (string, string) {
			to, ok := s.Target(database, table)
			if !ok {
				return s.MySQL.Database, table
			}
			return targetOf(s, to, database, table)
		},
		Columns: mysql.Columns{ExecuteTime: s.MySQL.ExecuteTime, Position: s.MySQL.Position, Epoch: s.MySQL.Epoch, Deleted: s.MySQL.Deleted},
	}
	if s.MySQL.SideTable {
		config.Layout = mysql.SideTable
	}
	if s.Truncates {
		config.Truncates = s.TruncateVersions
	}
	return config, nil
}

// registerTLS gives the driver a configuration by name: a DSN can only carry that.
func registerTLS(name string, d *driver.Config) (string, error) {
	name = "skein-" + name
	return name, driver.RegisterTLSConfig(name, d.TLS)
}

// TablesOf are the tables of a sink, DATABASE.TABLE: those it names, and those of its patterns that have a topic among all.
func TablesOf(c *Config, s *spec.Sink, topics []string) []string {
	var tables []string
	for _, t := range s.Tables {
		if t.Source.Exact() {
			tables = append(tables, t.Source.String())
		}
	}
	for _, topic := range topics {
		name, ok := tableOf(c, topic)
		if !ok || slices.Contains(tables, name) {
			continue
		}
		database, table, _ := spec.SplitTable(name)
		if _, wanted := s.Target(database, table); wanted {
			tables = append(tables, name)
		}
	}
	slices.Sort(tables)
	return tables
}
