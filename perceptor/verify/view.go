package verify

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/mysql"
)

// view is a source's table at one moment. It is used by one goroutine, and holds a transaction until it is closed.
type view struct {
	s    *Source
	conn *sql.Conn
	// at is a place in the binlog. On MariaDB the view has every change in front of it and none behind it; MySQL does not tell:
	// some may be, and of those that are being committed just now some may be missing.
	at change.Position
}

// view begins a consistent view.
func (s *Source) view(ctx context.Context) (*view, error) { return s.viewWith(ctx, false) }

// viewBehindMax is how long a view is waited for that has what the binlog has told already.
const viewBehindMax = 10 * time.Second

// viewBehind begins a view that certainly has every change in front of a place, if the server gets there.
func (s *Source) viewBehind(ctx context.Context, at change.Position) (*view, error) {
	for deadline := time.Now().Add(viewBehindMax); ; {
		v, err := s.viewWith(ctx, true)
		if err != nil || !behind(v.at, at) || time.Now().After(deadline) {
			return v, err
		}
		v.close()
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Source) viewWith(ctx context.Context, certain bool) (*view, error) {
	conn, err := s.conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	v := &view{s: s, conn: conn}
	if err := v.begin(ctx, certain); err != nil {
		v.close()
		return nil, fmt.Errorf("source: a consistent view of %s: %w", s.table, err)
	}
	return v, nil
}

// begin begins. On MySQL a transaction may be in the binlog and not in the view yet. To be certain, those that write to the
// table are waited for: a lock that it takes for a moment, which START TRANSACTION lets go.
func (v *view) begin(ctx context.Context, certain bool) (err error) {
	if certain && !v.s.mariaDB {
		for _, statement := range []string{"SET SESSION lock_wait_timeout = 10", "LOCK TABLES " + v.s.quoted() + " READ"} {
			if _, err := v.conn.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
	}
	if !v.s.mariaDB {
		if err := v.masterStatus(ctx); err != nil {
			return err
		}
	}
	for _, statement := range []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"} {
		if _, err := v.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if !v.s.mariaDB {
		return nil
	}
	var file, offset string
	rows, err := v.conn.QueryContext(ctx, "SHOW STATUS LIKE 'binlog_snapshot_%'")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		switch strings.ToLower(name) {
		case "binlog_snapshot_file":
			file = value
		case "binlog_snapshot_position":
			offset = value
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return v.place(file, offset)
}

// masterStatus asks where the binlog ends.
func (v *view) masterStatus(ctx context.Context) error {
	rows, err := v.conn.QueryContext(ctx, "SHOW MASTER STATUS")
	if err != nil { // 8.4 has it no more
		if rows, err = v.conn.QueryContext(ctx, "SHOW BINARY LOG STATUS"); err != nil {
			return err
		}
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil || len(columns) < 2 || !rows.Next() {
		return errors.Join(err, rows.Err(), errNoBinlog)
	}
	raw, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range raw {
		into[i] = &raw[i]
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	return v.place(string(raw[0]), string(raw[1]))
}

var errNoBinlog = errors.New("the server writes no binlog")

func (v *view) place(file, offset string) error {
	if file == "" {
		return errNoBinlog
	}
	number, err := binlog.FileNumber(file)
	if err != nil {
		return err
	}
	at, err := strconv.ParseUint(offset, 10, 64)
	if err != nil {
		return fmt.Errorf("the binlog's position %q is no number", offset)
	}
	v.at = change.Position{File: number, Offset: at}
	return nil
}

// closeMax is how long the end of a transaction is waited for. A connection that takes longer is not used again.
const closeMax = 5 * time.Second

func (v *view) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeMax)
	defer cancel()
	_, _ = v.conn.ExecContext(ctx, "ROLLBACK")
	_ = v.conn.Close()
}

// rows gives the rows for which a condition holds, all if it is empty, in no order. What is given is valid until the next.
func (v *view) rows(ctx context.Context, condition string) iter.Seq2[change.Row, error] {
	return func(yield func(change.Row, error) bool) {
		t := v.s.table
		list := make([]string, len(t.Columns))
		for i := range t.Columns {
			list[i] = mysql.Shown(t.Columns[i].Type, mysql.Quote(t.Columns[i].Name))
		}
		q := "SELECT " + strings.Join(list, ",") + " FROM " + v.s.quoted()
		if condition != "" {
			q += " WHERE " + condition
		}
		rows, err := v.conn.QueryContext(ctx, q)
		if err != nil {
			yield(nil, fmt.Errorf("source: %s: %w", t, err))
			return
		}
		defer func() { _ = rows.Close() }()
		raw, into := make([]sql.RawBytes, len(t.Columns)), make([]any, len(t.Columns))
		for i := range raw {
			into[i] = &raw[i]
		}
		for rows.Next() {
			row, err := readRow(t, rows, raw, into)
			if err != nil {
				err = fmt.Errorf("source: %s: %w", t, err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, fmt.Errorf("source: %s: %w", t, err))
		}
	}
}

func readRow(t *change.Table, rows *sql.Rows, raw []sql.RawBytes, into []any) (change.Row, error) {
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	row := make(change.Row, len(raw))
	for i, text := range raw {
		if text == nil {
			row[i] = change.NullValue()
			continue
		}
		v, err := envelope.ParseText(&t.Columns[i], bytes.Clone(text))
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", t.Columns[i].Name, err)
		}
		row[i] = v
	}
	return row, nil
}

// keyCondition is the condition that a row is one of those whose key has these texts.
func (s *Source) keyCondition(keys [][][]byte) (string, error) {
	var q []byte
	for n, key := range keys {
		if n > 0 {
			q = append(q, " OR "...)
		}
		q = append(q, '(')
		for k, i := range s.table.Key {
			c := &s.table.Columns[i]
			if k > 0 {
				q = append(q, " AND "...)
			}
			q = append(append(q, mysql.Quote(c.Name)...), '=')
			var err error
			if q, err = mysql.AppendTyped(q, c.Type, key[k]); err != nil {
				return "", fmt.Errorf("column %s of the key: %w", c.Name, err)
			}
		}
		q = append(q, ')')
	}
	return string(q), nil
}
