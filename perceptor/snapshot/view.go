package snapshot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/internal/server"
)

// View is the database as it was at one place of its binlog, for as long as the View is open. It is one transaction WITH CONSISTENT
// SNAPSHOT. Tables of engines without transactions are told as they are when they are read.
type View struct {
	// At is the place: File, Offset, Server, and GTID if the server knows it. Its Clock is the server's time when the view was opened.
	At binlog.Position
	// Cheap: another view costs the server nothing. It is false of MySQL, where all writes wait while one is opened.
	Cheap bool

	server uint32
	conn   *server.Conn
}

// openMax bounds how long a server may take to open a view.
const openMax = time.Minute

// Open opens a view. It tries once; Passes says of an error whether it may be gone later.
func Open(ctx context.Context, cfg binlog.Config) (*View, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, openMax, fmt.Errorf("the server at %s opened no view within %v", cfg.Addr, openMax))
	defer cancel()
	const packetMax = 1<<30 + 1<<20 // the servers' own bound of a row
	conn, err := server.Dial(ctx, server.Options{Addr: cfg.Addr, User: cfg.User, Password: cfg.Password, TLS: cfg.TLS, Dial: cfg.Dial, PacketMax: packetMax})
	if err != nil {
		return nil, fmt.Errorf("snapshot: connect to %s: %w", cfg.Addr, err)
	}
	v := &View{conn: conn}
	if err := v.open(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("snapshot: %s: %w", cfg.Addr, err)
	}
	return v, nil
}

// Close ends the transaction.
func (v *View) Close() error { return v.conn.Close() }

// Passes reports whether an error of this package may be gone when the same is tried again: the connection broke, the server is busy or
// shuts down, or a table was changed under a view.
func Passes(err error) bool {
	var answer *server.Error
	switch {
	case errors.Is(err, ErrGone), errors.Is(err, ErrNoKey), errors.Is(err, errData):
		return false
	case errors.Is(err, ErrChanged), errors.Is(err, errHeld):
		return true
	case errors.As(err, &answer):
		return answer.Passes() || changedUnderView(answer)
	}
	return passesInDriver(err)
}

// asker asks a server.
type asker interface {
	Query(ctx context.Context, sql string) ([][]string, error)
}

// session makes values come as they are stored: texts in their own charset, times in UTC. ALLOW_INVALID_DATES lets dates that are stored be
// compared. A reader that has to wait does not lose its rows before ten minutes.
const session = "SET NAMES utf8mb4, character_set_results = NULL, time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES', net_write_timeout = 600, " +
	"sql_select_limit = DEFAULT, lock_wait_timeout = 30"

// open sets the session, and begins the transaction at a place that is known.
func (v *View) open(ctx context.Context, q asker) error {
	about, err := v.about(ctx, q)
	if err != nil {
		return err
	}
	for _, statement := range []string{session, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"} {
		if _, err := q.Query(ctx, statement); err != nil {
			return err
		}
	}
	now, err := one(ctx, q, "SELECT UNIX_TIMESTAMP()")
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(now[0], 10, 64)
	if err != nil {
		return fmt.Errorf("the server's time is %q", now[0])
	}
	v.At.Clock = seconds * 1000
	if v.Cheap = strings.Contains(strings.ToLower(about["version"]), "mariadb"); v.Cheap {
		err = v.beginMaria(ctx, q)
	} else {
		err = v.beginMySQL(ctx, q)
	}
	if err == nil {
		_, err = q.Query(ctx, "SAVEPOINT begun")
	}
	return err
}

// unlock gives back the locks of the tables that were read, so that they can be altered while the view is open.
const unlock = "ROLLBACK TO SAVEPOINT begun"

// about asks who the server is.
func (v *View) about(ctx context.Context, q asker) (map[string]string, error) {
	rows, err := q.Query(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'server_id', 'server_uuid', 'server_uid')")
	if err != nil {
		return nil, err
	}
	about := map[string]string{}
	for _, row := range rows {
		if len(row) == 2 {
			about[strings.ToLower(row[0])] = row[1]
		}
	}
	uuid := about["server_uuid"]
	if uuid == "" {
		uuid = about["server_uid"]
	}
	v.At.Server = server.Identity(about["server_id"], uuid)
	id, err := strconv.ParseUint(about["server_id"], 10, 32)
	v.server = uint32(id)
	if err != nil {
		return nil, fmt.Errorf("server_id is %q", about["server_id"])
	}
	return about, nil
}

const begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"

// beginMaria asks the transaction itself: MariaDB notes where in the binlog it was begun.
func (v *View) beginMaria(ctx context.Context, q asker) error {
	if _, err := q.Query(ctx, begin); err != nil {
		return err
	}
	rows, err := q.Query(ctx, "SHOW STATUS LIKE 'binlog_snapshot_%'")
	if err != nil {
		return err
	}
	for _, row := range rows {
		switch strings.ToLower(row[0]) {
		case "binlog_snapshot_file":
			v.At.File = row[1]
		case "binlog_snapshot_position":
			if v.At.Offset, err = strconv.ParseUint(row[1], 10, 64); err != nil {
				return fmt.Errorf("the view is at %q of %s", row[1], v.At.File)
			}
		}
	}
	if v.At.File == "" || v.At.Offset == 0 {
		return errors.New("the server does not say where in the binlog a view is; is the binlog switched on?")
	}
	if strings.ContainsAny(v.At.File, `'\`) {
		return fmt.Errorf("binlog file %q", v.At.File)
	}
	known, err := one(ctx, q, fmt.Sprintf("SELECT BINLOG_GTID_POS('%s', %d)", v.At.File, v.At.Offset))
	if err != nil {
		return err
	}
	if known[0] != server.Null {
		v.At.GTID = known[0]
	}
	return nil
}

// beginMySQL keeps all from writing while it begins, for only then MySQL knows the place. It needs the right RELOAD.
func (v *View) beginMySQL(ctx context.Context, q asker) error {
	for _, statement := range []string{"FLUSH TABLES WITH READ LOCK", begin} {
		if _, err := q.Query(ctx, statement); err != nil {
			return err
		}
	}
	row, err := one(ctx, q, "SHOW MASTER STATUS")
	var answer *server.Error
	if errors.As(err, &answer) { // 8.4 has it no more
		row, err = one(ctx, q, "SHOW BINARY LOG STATUS")
	}
	if err != nil {
		return err
	}
	if len(row) < 2 {
		return errors.New("the server does not say where its binlog ends")
	}
	v.At.File = row[0]
	if v.At.Offset, err = strconv.ParseUint(row[1], 10, 64); err != nil {
		return fmt.Errorf("the binlog ends at %q of %s", row[1], v.At.File)
	}
	if len(row) > 4 {
		v.At.GTID = strings.ReplaceAll(row[4], "\n", "")
	}
	_, err = q.Query(ctx, "UNLOCK TABLES") // which does not end a transaction that was begun under this lock
	return err
}

// one asks for one row.
func one(ctx context.Context, q asker, sql string) ([]string, error) {
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 || len(rows[0]) == 0 {
		return nil, fmt.Errorf("%s: the server answers with %d rows; is the binlog switched on?", sql, len(rows))
	}
	return rows[0], nil
}
