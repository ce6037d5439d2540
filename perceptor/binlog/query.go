package binlog

import (
	"fmt"
	"strings"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/internal/charset"
)

// query handles a statement: what begins or ends a transaction, DDL, or a change that was not logged as rows.
func (r *Reader) query(h event.Header, body []byte) (Event, bool, error) {
	q, err := event.ParseQuery(h, body, r.config.EventBytesMax)
	if err != nil {
		return Event{}, false, err
	}
	sql := statementText(q)
	switch first, second := firstWords(sql); first {
	case "BEGIN":
		return r.beginQuery(h)
	case "START": // TRANSACTION
		if second == "TRANSACTION" {
			return r.beginQuery(h)
		}
	case "XA":
		return r.xa(h, second)
	case "COMMIT":
		return r.commit(h)
	case "ROLLBACK":
		if r.tx.rows > 0 {
			return Event{}, false, fmt.Errorf("%w: at %s, %q: tables with and without transactions were changed together; take a new snapshot", ErrRolledBack, r.here(), sql)
		}
		if second == "TO" || second == "WORK" && strings.Contains(strings.ToUpper(sql), " TO ") {
			return Event{}, false, nil
		}
		return r.commit(h)
	case "SAVEPOINT", "RELEASE":
		return Event{}, false, nil
	case "INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "WITH", "SELECT", "DO", "CALL":
		return Event{}, false, fmt.Errorf("%w: at %s, %q; set binlog_format to ROW for all sessions, and take a new snapshot", ErrStatement, r.here(), sql[:min(len(sql), 300)])
	}
	// What follows was made by another schema, perhaps.
	r.tables.forget()
	e := r.event(Statement, h)
	e.Database, e.SQL = string(q.Database), sql
	r.clock.Next(int64(h.Time) * 1000)
	if r.tx.open && !r.tx.standalone {
		return e, true, nil
	}
	return e, true, r.boundary()
}

func (r *Reader) beginQuery(h event.Header) (Event, bool, error) {
	if r.tx.open && r.tx.standalone { // MySQL: the GTID was in front
		r.tx.standalone = false
		return r.event(Begin, h), true, nil
	}
	if r.tx.open {
		return Event{}, false, nil
	}
	if err := r.tx.begin(""); err != nil {
		return Event{}, false, err
	}
	return r.event(Begin, h), true, nil
}

// xa handles XA START, END, COMMIT and ROLLBACK.
func (r *Reader) xa(h event.Header, what string) (Event, bool, error) {
	switch what {
	case "START", "BEGIN":
		e, told, err := r.beginQuery(h)
		r.tx.prepared = true
		return e, told, err
	case "END":
		return Event{}, false, nil
	}
	// COMMIT and ROLLBACK of one whose rows came before, and were refused.
	if !r.tx.open {
		return Event{}, false, nil
	}
	if r.tx.standalone { // its beginning was not told
		r.tx.standalone = false
		return Event{}, false, r.quietBoundary()
	}
	return r.commit(h)
}

// quietBoundary is boundary for what is not told.
func (r *Reader) quietBoundary() error {
	err := r.boundary()
	r.tx.told, r.tx.seen = 0, 0
	return err
}

// statementText is the statement in UTF-8. Where its charset is not told it is taken to be UTF-8 already, and what is not is replaced.
func statementText(q event.Query) string {
	if set, ok := charset.OfCollation(q.Collation); ok && !set.IsUTF8() && !set.IsBinary() {
		if text, err := set.Append(nil, q.SQL); err == nil {
			return string(text)
		}
	}
	return strings.ToValidUTF8(string(q.SQL), "\ufffd")
}

// firstWords returns the first two words in capitals; comments are passed over, and what is in one that the server executes is not one.
func firstWords(sql string) (first, second string) {
	first, sql = word(sql)
	second, _ = word(sql)
	return first, second
}

func word(sql string) (word, rest string) {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n\f\v(;")
		switch {
		case strings.HasPrefix(sql, "/*!"):
			sql = strings.TrimLeft(sql[3:], "0123456789")
		case strings.HasPrefix(sql, "/*M!"):
			sql = strings.TrimLeft(sql[4:], "0123456789")
		case strings.HasPrefix(sql, "/*"):
			_, after, ok := strings.Cut(sql[2:], "*/")
			if !ok {
				return "", ""
			}
			sql = after
		case strings.HasPrefix(sql, "*/"):
			sql = sql[2:]
		case strings.HasPrefix(sql, "#"), strings.HasPrefix(sql, "-- "):
			_, after, ok := strings.Cut(sql, "\n")
			if !ok {
				return "", ""
			}
			sql = after
		default:
			end := strings.IndexFunc(sql, func(c rune) bool { return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_') })
			if end < 0 {
				end = len(sql)
			}
			return strings.ToUpper(sql[:end]), sql[end:]
		}
	}
}
