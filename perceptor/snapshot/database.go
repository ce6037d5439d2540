package snapshot

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/internal/server"
)

// Database is the server for what is asked of its catalog. It connects when it is used.
func Database(cfg binlog.Config) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr = cfg.User, cfg.Password, "tcp", cfg.Addr
	c.TLS, c.DialFunc = cfg.TLS, cfg.Dial
	c.Timeout, c.ReadTimeout, c.WriteTimeout = openMax, openMax, openMax
	c.InterpolateParams = true
	if c.TLS != nil && c.TLS.ServerName == "" && !c.TLS.InsecureSkipVerify {
		host, _, err := net.SplitHostPort(cfg.Addr)
		if err != nil {
			return nil, fmt.Errorf("snapshot: %w", err)
		}
		c.TLS = c.TLS.Clone()
		c.TLS.ServerName = host
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(2)
	return db, nil
}

// Tables lists the names of tables, as database and table, in their order.
func Tables(ctx context.Context, db *sql.DB, wanted func(database, table string) bool) ([][2]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY TABLE_SCHEMA, TABLE_NAME`)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all [][2]string
	for rows.Next() {
		var name [2]string
		if err := rows.Scan(&name[0], &name[1]); err != nil {
			return nil, fmt.Errorf("snapshot: %w", err)
		}
		if wanted(name[0], name[1]) {
			all = append(all, name)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return all, nil
}

// Numbers of errors of a table that was changed under a view, or between its description and its reading.
const (
	codeNoSuchColumn   = 1054
	codeNoSuchTable    = 1146
	codeNoSuchIndex    = 1176
	codeTableChanged   = 1412
	codeStatementStale = 1615 // a prepared statement whose table is another
	codeChangedRow     = 1020
)

func changedUnderView(e *server.Error) bool {
	switch e.Number {
	case codeNoSuchColumn, codeNoSuchTable, codeNoSuchIndex, codeTableChanged, codeStatementStale, codeChangedRow:
		return true
	}
	return false
}

// passesInDriver is Passes for what is no answer of a view's connection.
func passesInDriver(err error) bool {
	var answer *mysql.MySQLError
	if errors.As(err, &answer) {
		return (&server.Error{Number: answer.Number}).Passes()
	}
	var broken net.Error
	return errors.As(err, &broken) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded)
}
