package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// The version of a table's last truncate is in a row of its own, its cut. Each transaction that writes to the table holds that row
// with a shared lock and discards what is older; a truncate waits for them, writes the cut, and then takes the rows away that
// are older. What comes after that sees the cut, so they stay away: the row notes that they are taken, and a truncate that comes again,
// as it does from each partition of its topic, need not go through the table.

// cut is the version of a table's last truncate, if there was one. done: the rows that are older are taken.
type cut struct {
	there   bool
	version change.Version
	done    bool
}

const columnDone = "rows_taken"

// takes reports whether what has this version is older than the truncate.
func (c cut) takes(v change.Version) bool { return c.there && v.Compare(c.version) < 0 }

func (s *Sink) cutSchema() string {
	c := &s.c.Columns
	q := append([]byte("CREATE TABLE IF NOT EXISTS "), s.cuts...)
	q = append(q, " (table_name VARCHAR(129) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, "...)
	q = append(appendName(q, c.Epoch), " INT UNSIGNED, "...)
	q = append(appendName(q, c.ExecuteTime), " BIGINT, "...)
	return string(append(appendName(q, c.Position), " BINARY(16), "+columnDone+" BOOLEAN NOT NULL DEFAULT FALSE) ENGINE=InnoDB"...))
}

// readyCut makes a table's row, because a row that is not there cannot be locked.
func (s *Sink) readyCut(ctx context.Context, t *target) error {
	if s.cuts == "" {
		return nil
	}
	err := s.inTransaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO "+s.cuts+" (table_name) VALUES ("+text(t.String())+") ON DUPLICATE KEY UPDATE table_name=table_name")
		return err
	})
	if err != nil {
		return named(s.c.Truncates, err)
	}
	return nil
}

// lastCut reads a table's cut, and holds it until the transaction ends.
func (s *Sink) lastCut(ctx context.Context, tx *sql.Tx, t *target) (cut, error) {
	return s.readCut(ctx, tx, t, " LOCK IN SHARE MODE")
}

func (s *Sink) readCut(ctx context.Context, tx *sql.Tx, t *target, lock string) (cut, error) {
	if s.cuts == "" {
		return cut{}, nil
	}
	c := &s.c.Columns
	q := appendName([]byte("SELECT "), c.Epoch)
	q = appendName(append(q, ','), c.ExecuteTime)
	q = appendName(append(q, ','), c.Position)
	q = appendString(append(append(q, ","+columnDone+" FROM "+s.cuts...), " WHERE table_name="...), t.String())
	var epoch, at, done sql.RawBytes
	var position []byte
	rows, err := tx.QueryContext(ctx, string(q)+lock)
	if err != nil {
		return cut{}, err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return cut{}, err
		}
		s.forget(t) // so that the row is made again
		return cut{}, fmt.Errorf("the row of %s in %s is gone", t, s.cuts)
	}
	if err := rows.Scan(&epoch, &at, &position, &done); err != nil {
		return cut{}, err
	}
	found, err := parseStored([]sql.RawBytes{epoch, at, position, done})
	return cut{found.versioned, found.version, found.deleted}, errors.Join(err, rows.Err())
}

// Truncate implements sink.Truncater: rows without a version go, too. A table is gone through in pieces by the first column
// of its key, if that is a whole number, a text or bytes; otherwise in one statement. It is gone through once for a truncate, however
// often that comes; several processes to which it comes at the same time may each do so.
func (s *Sink) Truncate(ctx context.Context, c *change.Change) (sink.Outcome, error) {
	refuse := func(err error) (sink.Outcome, error) {
		return sink.Outcome{Err: fmt.Errorf("%s: %w", c.Table, err)}, nil
	}
	switch {
	case c.Op != change.Truncate:
		return refuse(fmt.Errorf("a %s is not a truncate", c.Op))
	case s.cuts == "":
		return refuse(sink.ErrTruncate)
	case c.Version.Check() != nil:
		return refuse(c.Version.Check())
	}
	t, err := s.target(ctx, c.Table)
	if err != nil {
		return sink.Outcome{}, err
	}
	give, err := s.truncating.Take(ctx, t.String())
	if err != nil {
		return sink.Outcome{}, err
	}
	defer give()
	o, done, err := s.putCut(ctx, t, c.Version)
	if err != nil {
		return sink.Outcome{}, named(s.c.Truncates, err)
	}
	if done || o.Verdict == change.Stale || o.Verdict == change.ClockBack { // the later one has taken the rows, or is at it
		return o, nil
	}
	if err := s.cutAll(ctx, t, c.Version); err != nil {
		return sink.Outcome{}, named(t.String(), err)
	}
	if err := s.cutDone(ctx, t, c.Version); err != nil {
		return sink.Outcome{}, named(s.c.Truncates, err)
	}
	return o, nil
}

// putCut keeps the version of a truncate, if no later one is kept. done: it has taken the rows already.
func (s *Sink) putCut(ctx context.Context, t *target, v change.Version) (o sink.Outcome, done bool, err error) {
	err = s.inTransaction(ctx, func(tx *sql.Tx) error {
		last, err := s.readCut(ctx, tx, t, " FOR UPDATE")
		if err != nil {
			return err
		}
		o = sink.Outcome{Verdict: change.Judge(last.version, last.there, v), Stored: last.version}
		if done = o.Verdict == change.Duplicate && last.done; !o.Verdict.Puts() {
			return nil
		}
		q := append([]byte("UPDATE "+s.cuts+" SET "+columnDone+"=0,"), s.assignVersion(v)...)
		_, err = tx.ExecContext(ctx, string(appendString(append(q, " WHERE table_name="...), t.String())))
		return err
	})
	return o, done, err
}

// cutDone notes that the rows that are older than a truncate are taken, if there is no later one.
func (s *Sink) cutDone(ctx context.Context, t *target, v change.Version) error {
	return s.inTransaction(ctx, func(tx *sql.Tx) error {
		last, err := s.readCut(ctx, tx, t, " FOR UPDATE")
		if err != nil || last.version != v {
			return err
		}
		_, err = tx.ExecContext(ctx, string(appendString([]byte("UPDATE "+s.cuts+" SET "+columnDone+"=1 WHERE table_name="), t.String())))
		return err
	})
}

// assignVersion is epoch=..., execute_time=..., position=... .
func (s *Sink) assignVersion(v change.Version) []byte {
	c := &s.c.Columns
	q := append(appendName(nil, c.Epoch), '=')
	q = append(strconv.AppendUint(q, uint64(v.Epoch), 10), ',')
	q = append(appendName(q, c.ExecuteTime), '=')
	q = append(strconv.AppendInt(q, v.ExecuteTime, 10), ',')
	q = append(appendName(q, c.Position), "=_binary"...)
	return appendString(q, v.Position.Append(nil))
}

// olderThan is the condition that a row has no version or an older one. It is change.Version.Compare in SQL.
func (s *Sink) olderThan(v change.Version) string {
	name := func(column string) string { return string(appendName(nil, column)) }
	c := &s.c.Columns
	position := string(appendString([]byte("_binary"), v.Position.Append(nil)))
	zero := string(appendString([]byte("_binary"), change.Position{}.Append(nil)))
	return fmt.Sprintf("(%[1]s IS NULL OR COALESCE(%[2]s,0)<%[4]d OR COALESCE(%[2]s,0)=%[4]d AND (%[1]s<%[5]d OR %[1]s=%[5]d AND COALESCE(%[3]s,%[7]s)<%[6]s))",
		name(c.ExecuteTime), name(c.Epoch), name(c.Position), v.Epoch, v.ExecuteTime, position, zero)
}

// cutPage is about how many rows one statement goes through.
const cutPage = 1000

// cutAll marks the rows of a table that are older than a truncate as deleted by it.
func (s *Sink) cutAll(ctx context.Context, t *target, v change.Version) error {
	q := append(append(append([]byte("UPDATE "), t.quoted...), " SET "...), s.assignVersion(v)...)
	q = append(appendName(append(q, ','), s.c.Columns.Deleted), "=1"...)
	for at := range t.columns {
		if column := &t.columns[at]; column.nullable && !column.generated && !slices.Contains(t.key, at) && !s.ofVersion(column.name) {
			q = append(appendName(append(q, ','), column.name), "=NULL"...)
		}
	}
	update := string(q) + " WHERE " + s.olderThan(v)
	first := string(appendName(nil, t.columns[t.key[0]].name))
	for from := ""; ; {
		next, err := s.pageEnd(ctx, t, first, from)
		if err != nil {
			return err
		}
		part := update
		if from != "" {
			part += " AND " + first + ">" + from
		}
		if next != "" {
			part += " AND " + first + "<=" + next
		}
		if err := s.inTransaction(ctx, func(tx *sql.Tx) error { _, err := tx.ExecContext(ctx, part); return err }); err != nil {
			return err
		}
		if from = next; from == "" {
			return nil
		}
	}
}

func (s *Sink) ofVersion(column string) bool {
	c := &s.c.Columns
	return slices.ContainsFunc([]string{c.Epoch, c.ExecuteTime, c.Position, c.Deleted}, func(name string) bool { return strings.EqualFold(name, column) })
}

// pageEnd is the first column of the key of the row that a page ends with, as a literal; empty if the page ends with the table.
func (s *Sink) pageEnd(ctx context.Context, t *target, first, from string) (end string, err error) {
	var literal func([]byte) []byte
	switch t.columns[t.key[0]].typ {
	case change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt:
		literal = func(b []byte) []byte { return b }
	case change.Char, change.VarChar:
		literal = func(b []byte) []byte { return appendString(nil, b) }
	case change.Binary, change.VarBinary:
		literal = func(b []byte) []byte { return appendString([]byte("_binary"), b) }
	default:
		return "", nil
	}
	q := "SELECT " + first + " FROM " + t.quoted
	if from != "" {
		q += " WHERE " + first + ">" + from
	}
	err = s.query(ctx, q+" ORDER BY "+first+" LIMIT 1 OFFSET "+strconv.Itoa(cutPage-1), func(rows *sql.Rows) error {
		var raw sql.RawBytes
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		end = string(literal(raw))
		return nil
	})
	return end, err
}
