package mysql

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

var _ sink.Reader = (*Sink)(nil)

// Expect implements sink.Reader.
func (s *Sink) Expect(ctx context.Context, t *change.Table, row change.Row) (sink.Stored, error) {
	at, err := s.placed(ctx, t)
	if err != nil {
		return sink.Stored{}, err
	}
	out := sink.Stored{Key: appendMatch(nil, at, row), Columns: make([]sink.StoredColumn, len(at.m.source))}
	for n, i := range at.m.source {
		c := &at.t.columns[at.m.column[n]]
		out.Columns[n] = sink.StoredColumn{Name: c.name, Null: row[i].IsNull()}
		if row[i].Kind == change.Missing {
			return sink.Stored{}, fmt.Errorf("%s: column %q is not told", t, t.Columns[i].Name)
		}
		if !row[i].IsNull() {
			out.Columns[n].Value = c.canonical(row[i].AppendText(nil, c.scale))
		}
	}
	return out, nil
}

// Key implements sink.Reader.
func (s *Sink) Key(ctx context.Context, t *change.Table, row change.Row) ([]byte, error) {
	at, err := s.placed(ctx, t)
	if err != nil {
		return nil, err
	}
	return appendMatch(nil, at, row), nil
}

// KeyTexts implements sink.Reader.
func (s *Sink) KeyTexts(ctx context.Context, t *change.Table, key []byte) ([][]byte, error) {
	at, err := s.placed(ctx, t)
	if err != nil {
		return nil, err
	}
	parts, err := splitParts(key, len(at.m.key))
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(t.Key))
	for k, i := range at.m.key { // in the order of the target's key
		for n, j := range t.Key {
			if i == j {
				out[n] = parts[k]
			}
		}
	}
	return out, nil
}

// splitParts reads what appendPart has written n times.
func splitParts(key []byte, n int) (parts [][]byte, err error) {
	for range n {
		if len(key) < 3 {
			return nil, errors.New("the key ends within a column")
		}
		size := int(key[0])<<16 | int(key[1])<<8 | int(key[2])
		if len(key) < 3+size {
			return nil, errors.New("the key ends within a column")
		}
		parts, key = append(parts, key[3:3+size]), key[3+size:]
	}
	if len(key) > 0 {
		return nil, fmt.Errorf("%d bytes follow the key's last column", len(key))
	}
	return parts, nil
}

// placed is mapped, with an error of the mapping.
func (s *Sink) placed(ctx context.Context, t *change.Table) (mapped, error) {
	at, err := s.mapped(ctx, t)
	if err == nil {
		err = at.m.err
	}
	return at, err
}

// canonical is a value's text such that two are the same if the column would hold them as the same: numbers without zeros
// that do not count and a zero without its sign, no blanks behind a CHAR, which it does not keep, no zeros behind a BINARY.
func (c *targetColumn) canonical(text []byte) []byte {
	switch c.typ {
	case change.Numeric:
		return trimDecimal(text)
	case change.FloatType, change.DoubleType:
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return text
		}
		if c.typ == change.FloatType {
			f = float64(float32(f))
		}
		f += 0 // MariaDB keeps no zero with a sign
		return strconv.AppendFloat(nil, f, 'g', -1, 64)
	case change.Char:
		return bytes.TrimRight(text, " ")
	case change.Binary:
		return bytes.TrimRight(text, "\x00")
	}
	return text
}

func trimDecimal(text []byte) []byte {
	negative := bytes.HasPrefix(text, []byte("-"))
	digits := bytes.TrimPrefix(text, []byte("-"))
	if bytes.IndexByte(digits, '.') >= 0 {
		digits = bytes.TrimRight(bytes.TrimRight(digits, "0"), ".")
	}
	if digits = bytes.TrimLeft(digits, "0"); len(digits) == 0 || digits[0] == '.' {
		digits = append([]byte("0"), digits...)
	}
	if negative && string(digits) != "0" {
		return append([]byte("-"), digits...)
	}
	return digits
}

// Shown is the expression that shows a column of a type as text, exactly: a FLOAT shows six digits otherwise, and a BIT its
// bytes. column is quoted.
func Shown(typ change.Type, column string) string {
	switch typ {
	case change.FloatType, change.DoubleType:
		return "CAST(" + column + " AS DOUBLE)"
	case change.Bit, change.Year, change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt:
		return column + "+0" // without the zeros of a ZEROFILL
	}
	return column
}

// Quote quotes the name of a column, table or database.
func Quote(name string) string { return string(appendName(nil, name)) }

// rowQuery selects the key, the columns of the mapping and in the row the version.
func (s *Sink) rowQuery(at mapped) string {
	var q []string
	for _, i := range at.t.key {
		q = append(q, Shown(at.t.columns[i].typ, Quote(at.t.columns[i].name)))
	}
	for _, i := range at.m.column {
		q = append(q, Shown(at.t.columns[i].typ, Quote(at.t.columns[i].name)))
	}
	text := "SELECT " + strings.Join(q, ",")
	if s.c.Layout == InRow {
		text += string(s.versionNames())
	}
	return text + " FROM " + at.t.quoted
}

// Scan implements sink.Reader. With a side table it tells no versions.
func (s *Sink) Scan(ctx context.Context, t *change.Table) iter.Seq2[sink.Stored, error] {
	return s.ScanWhere(ctx, t, "")
}

// ScanWhere is Scan of the rows for which a condition holds, in SQL of the target; all if it is empty.
func (s *Sink) ScanWhere(ctx context.Context, t *change.Table, condition string) iter.Seq2[sink.Stored, error] {
	return func(yield func(sink.Stored, error) bool) {
		at, err := s.placed(ctx, t)
		if err != nil {
			yield(sink.Stored{}, err)
			return
		}
		q := s.rowQuery(at)
		if condition != "" {
			q += " WHERE " + condition
		}
		rows, err := s.db.QueryContext(ctx, q)
		if err != nil {
			yield(sink.Stored{}, named(at.t.String(), err))
			return
		}
		defer func() { _ = rows.Close() }()
		read := s.reader(at)
		for rows.Next() {
			row, err := read(rows)
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(sink.Stored{}, named(at.t.String(), err))
		}
	}
}

// reader reads rows of rowQuery. What it returns does not share memory with the next.
func (s *Sink) reader(at mapped) func(*sql.Rows) (sink.Stored, error) {
	keys, columns := len(at.t.key), len(at.m.column)
	n := keys + columns
	if s.c.Layout == InRow {
		n += 4
	}
	raw, into := make([]sql.RawBytes, n), make([]any, n)
	for i := range raw {
		into[i] = &raw[i]
	}
	return func(rows *sql.Rows) (sink.Stored, error) {
		if err := rows.Scan(into...); err != nil {
			return sink.Stored{}, err
		}
		out := sink.Stored{Key: []byte{}, Columns: make([]sink.StoredColumn, columns)}
		for k := range keys {
			out.Key = at.t.appendShown(out.Key, k, raw[k])
		}
		for n, i := range at.m.column {
			c := &at.t.columns[i]
			out.Columns[n] = sink.StoredColumn{Name: c.name, Null: raw[keys+n] == nil}
			if raw[keys+n] != nil {
				out.Columns[n].Value = bytes.Clone(c.canonical(raw[keys+n]))
			}
		}
		if s.c.Layout == InRow {
			setVersion(&out, raw[keys+columns:])
		}
		return out, nil
	}
}
