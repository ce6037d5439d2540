package binlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/internal/server"
)

// flavor is which of the two families a server is of.
type flavor uint8

const (
	mariaDB flavor = iota + 1
	mySQL
)

// about is what a server says of itself.
type about struct {
	flavor    flavor
	variables map[string]string
}

// variables are the settings that are asked for. A server does not have all of them.
var variables = []string{
	"log_bin", "binlog_format", "binlog_row_image", "binlog_row_metadata", "binlog_checksum", "server_id", "server_uuid", "server_uid", "gtid_mode", "version",
}

func ask(ctx context.Context, c *server.Conn) (about, error) {
	rows, err := c.Query(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('"+strings.Join(variables, "','")+"')")
	if err != nil {
		return about{}, err
	}
	a := about{flavor: mySQL, variables: make(map[string]string, len(rows))}
	for _, row := range rows {
		if len(row) == 2 {
			a.variables[strings.ToLower(row[0])] = row[1]
		}
	}
	if strings.Contains(strings.ToLower(a.variables["version"]+c.Server), "mariadb") {
		a.flavor = mariaDB
	}
	return a, nil
}

// name tells servers apart.
func (a about) name() string {
	return server.Identity(a.variables["server_id"], cmp.Or(a.variables["server_uuid"], a.variables["server_uid"]))
}

func (a about) is(variable, want string) bool { return strings.EqualFold(a.variables[variable], want) }

// check finds all settings that are wrong.
func (a about) check(config *Config) error {
	var wrong []error
	setting := func(name, want, way string) {
		if !a.is(name, want) {
			wrong = append(wrong, fmt.Errorf("%s is %q and has to be %s: %s", name, a.variables[name], want, way))
		}
	}
	setting("log_bin", "ON", "start the server with --log-bin")
	setting("binlog_format", "ROW", "SET GLOBAL binlog_format = 'ROW', and in the server's configuration; sessions that are open keep the old one")
	setting("binlog_row_image", "FULL", "SET GLOBAL binlog_row_image = 'FULL', and in the server's configuration; sessions that are open keep the old one")
	if config.Schema == nil {
		setting("binlog_row_metadata", "FULL", "SET GLOBAL binlog_row_metadata = 'FULL', and in the server's configuration, or give a schema")
	}
	if a.variables["server_id"] == fmt.Sprint(config.ServerID) {
		wrong = append(wrong, fmt.Errorf("server_id is %d, which is the number of this replica, too: give one of them another", config.ServerID))
	}
	if config.GTID && a.flavor == mySQL && !a.is("gtid_mode", "ON") && !a.is("gtid_mode", "ON_PERMISSIVE") {
		setting("gtid_mode", "ON", "go on by file and offset, or switch GTIDs on")
	}
	if wrong != nil {
		return fmt.Errorf("%w: %w", ErrSettings, errors.Join(wrong...))
	}
	return nil
}

// Check connects, and looks whether the server's settings and the account's rights are what a Reader needs. It tells all
// that is wrong, and what to change.
func Check(ctx context.Context, config Config) error {
	if err := config.check(); err != nil {
		return err
	}
	config.fill()
	c, _, err := enter(ctx, &config)
	if err != nil {
		return err
	}
	return c.Close()
}

// enter connects, checks and registers.
func enter(ctx context.Context, config *Config) (*server.Conn, about, error) {
	c, err := server.Dial(ctx, config.options())
	if err != nil {
		named, _ := explain(err)
		return nil, about{}, fmt.Errorf("connect to %s: %w", config.Addr, named)
	}
	a, err := ask(ctx, c)
	if err == nil {
		err = a.check(config)
	}
	if err == nil {
		err = c.Register(ctx, config.ServerID)
	}
	if err != nil {
		_ = c.Close()
		named, _ := explain(err)
		return nil, a, fmt.Errorf("%s: %w", config.Addr, named)
	}
	return c, a, nil
}

// Current is where the server's binlog ends now.
func Current(ctx context.Context, config Config) (Position, error) {
	if err := config.check(); err != nil {
		return Position{}, err
	}
	config.fill()
	c, a, err := enter(ctx, &config)
	if err != nil {
		return Position{}, err
	}
	defer func() { _ = c.Close() }()
	rows, err := c.Query(ctx, "SHOW MASTER STATUS")
	if err != nil && a.flavor == mySQL { // 8.4 has it no more
		rows, err = c.Query(ctx, "SHOW BINARY LOG STATUS")
	}
	if err != nil {
		named, _ := explain(err)
		return Position{}, fmt.Errorf("%s: %w", config.Addr, named)
	}
	if len(rows) != 1 || len(rows[0]) < 2 {
		return Position{}, fmt.Errorf("%w: %s writes no binlog", ErrSettings, config.Addr)
	}
	p := Position{File: rows[0][0], Server: a.name(), Epoch: config.Epoch}
	if _, err := fmt.Sscan(rows[0][1], &p.Offset); err != nil {
		return Position{}, fmt.Errorf("%s: the binlog ends at %q: %w", config.Addr, rows[0][1], err)
	}
	if a.flavor == mySQL && len(rows[0]) > 4 {
		p.GTID = strings.ReplaceAll(rows[0][4], "\n", "")
		return p, nil
	}
	p.GTID, _, err = mariaGTIDs(ctx, c, p.File, p.Offset)
	return p, err
}

// mariaGTIDs asks what was committed before a place. The server may not know.
func mariaGTIDs(ctx context.Context, c *server.Conn, file string, offset uint64) (text string, known bool, err error) {
	if strings.ContainsAny(file, `'\`) {
		return "", false, fmt.Errorf("%w: binlog file %q", errText, file)
	}
	rows, err := c.Query(ctx, fmt.Sprintf("SELECT BINLOG_GTID_POS('%s', %d)", file, offset))
	if err != nil || len(rows) != 1 || rows[0][0] == server.Null {
		return "", false, err
	}
	return rows[0][0], true, nil
}
