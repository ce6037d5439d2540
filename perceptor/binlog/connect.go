package binlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/binlog/internal/gtid"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/server"
)

func isEnd(err error) bool { return errors.Is(err, io.EOF) }

// disconnect ends the connection. What was told of the open transaction is remembered.
func (r *Reader) disconnect() {
	if r.conn != nil {
		r.unwatch()
		_ = r.conn.Close()
		r.conn = nil
	}
	r.closePayload()
	r.image = image{}
	r.tx.interrupt()
}

// connectMax bounds how long a server may take to let a reader in.
const connectMax = time.Minute

// connect makes a connection and asks for the binlog from the last transaction's end on.
func (r *Reader) connect(ctx context.Context) error {
	inTime, cancel := context.WithTimeoutCause(ctx, connectMax, fmt.Errorf("the server at %s did not answer within %v", r.config.Addr, connectMax))
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()

	c, a, err := enter(inTime, &r.config)
	if err != nil {
		return r.refused(ctx, err)
	}
	if err := r.begin(inTime, c, a); err != nil {
		_ = c.Close()
		return r.refused(ctx, err)
	}
	// Reading waits on the caller's context; closing the reader ends it, too.
	r.conn = c
	r.unwatch = context.AfterFunc(r.ctx, func() { _ = c.Close() })
	return nil
}

// refused says whether it is of use to connect again.
func (r *Reader) refused(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var answer *server.Error
	if errors.As(err, &answer) {
		if named, transient := explain(err); transient {
			return &lostError{named}
		}
		return err
	}
	for _, ours := range []error{ErrSettings, ErrOtherServer, ErrPosition, errText} {
		if errors.Is(err, ours) {
			return err
		}
	}
	return &lostError{err}
}

var errText = errors.New("binlog: the start")

// begin sets what the server has to know of this replica, and asks for the binlog.
func (r *Reader) begin(ctx context.Context, c *server.Conn, a about) error {
	moved := r.resume.Server != "" && r.resume.Server != a.name()
	if err := r.sameServer(a); err != nil {
		return err
	}
	settings := []string{
		"@master_binlog_checksum = @@global.binlog_checksum", "@source_binlog_checksum = @@global.binlog_checksum",
		fmt.Sprintf("@master_heartbeat_period = %d", r.config.Heartbeat.Nanoseconds()), fmt.Sprintf("@source_heartbeat_period = %d", r.config.Heartbeat.Nanoseconds()),
	}
	if a.flavor == mariaDB {
		settings = append(settings, "@mariadb_slave_capability = 4") // knows GTID events
	}
	if err := r.knowCommitted(ctx, c, a); err != nil {
		return err
	}
	if a.flavor == mariaDB && r.config.GTID {
		if err := r.hasCommitted(ctx, c); err != nil {
			if moved && errors.Is(err, ErrPosition) {
				err = fmt.Errorf("%w: %w", ErrLags, err)
			}
			return err
		}
		settings = append(settings, "@slave_connect_state = '"+r.maria.String()+"'", "@slave_gtid_strict_mode = 1", "@slave_gtid_ignore_duplicates = 0")
	}
	if _, err := c.Query(ctx, "SET "+strings.Join(settings, ", ")); err != nil {
		return err
	}
	r.about = a
	r.format = event.Format{}
	r.place = place{}
	r.tables.forget()
	r.clock = change.ClockAt(r.resume.Clock)
	if a.flavor == mySQL && r.config.GTID {
		return c.DumpGTID(ctx, r.config.ServerID, r.mysql.Encode())
	}
	file, offset := r.resume.File, max(r.resume.Offset, firstOffset)
	if r.config.GTID {
		file, offset = "", firstOffset
	}
	if offset > 1<<32-1 {
		return fmt.Errorf("%w: %s: an offset has 32 bits", errText, r.resume)
	}
	return c.Dump(ctx, r.config.ServerID, file, uint32(offset), r.config.Statements)
}

// sameServer refuses to go on at another server in the same epoch: positions of two servers' files say nothing about each other.
func (r *Reader) sameServer(a about) error {
	old := r.resume.Server
	switch {
	case old == "" || old == a.name():
	case !r.config.GTID:
		return fmt.Errorf("%w: %s is of server %s, and %s is server %s: go on by GTID, or take a new snapshot", ErrOtherServer, r.resume, old, r.config.Addr, a.name())
	case r.config.Epoch <= r.resume.Epoch:
		return fmt.Errorf("%w: %s was reached at server %s, and %s is server %s: go on with an epoch above %d", ErrOtherServer, r.Position(), old, r.config.Addr, a.name(), r.resume.Epoch)
	}
	if old != "" && old != a.name() {
		r.told, r.mark = filePlace{}, nil // they were the other's
	}
	r.resume.Server, r.resume.Epoch = a.name(), r.config.Epoch
	return nil
}

// knowCommitted finds what was committed before the start, once.
func (r *Reader) knowCommitted(ctx context.Context, c *server.Conn, a about) error {
	if r.gtids {
		return nil
	}
	text := r.config.Start.GTID
	known := text != "" || r.config.GTID
	var err error
	if !known && a.flavor == mariaDB && r.resume.File != "" {
		if text, known, err = mariaGTIDs(ctx, c, r.resume.File, max(r.resume.Offset, firstOffset)); err != nil {
			return err
		}
	}
	if a.flavor == mariaDB {
		r.maria, err = gtid.ParseMaria(text)
	} else {
		r.mysql, err = gtid.ParseSet(text)
	}
	r.text = ""
	r.gtids = known // else the beginning of a file tells it
	if err != nil {
		return fmt.Errorf("%w: %w", errText, err)
	}
	return nil
}

// hasCommitted refuses a MariaDB server that has not got all of what was read. One whose binlog was begun anew would wait
// without a word until its numbers are beyond the position, and everything up to there would be missed.
func (r *Reader) hasCommitted(ctx context.Context, c *server.Conn) error {
	rows, err := c.Query(ctx, "SELECT @@global.gtid_binlog_state")
	if err != nil || len(rows) != 1 {
		return err
	}
	missing, err := r.maria.Missing(rows[0][0])
	if err != nil {
		return err
	}
	if missing != "" {
		return fmt.Errorf("%w: transaction %s was read, and %s has it not in its binlog (%s): it is a replica that lags, or its binlog was reset; in that case take a new snapshot, with a higher epoch",
			ErrPosition, missing, r.config.Addr, rows[0][0])
	}
	return nil
}
