package mysql

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// setVersion reads the columns of a version into a row.
func setVersion(out *sink.Stored, raw []sql.RawBytes) {
	found, err := parseStored(raw)
	switch {
	case err != nil:
		out.Invalid = fmt.Errorf("the row's version: %w", err)
	case !found.versioned:
		out.Invalid = errors.New("the row has no version: it takes any change")
	case raw[0] == nil || raw[2] == nil:
		out.Invalid = errors.New("the row's version has a time and no epoch or position")
	case found.version.ExecuteTime < 0:
		out.Invalid = found.version.Check()
	default:
		out.Version, out.Versioned, out.Deleted = found.version, true, found.deleted
	}
}

// Look implements sink.Reader.
func (s *Sink) Look(ctx context.Context, t *change.Table, keys [][]byte) ([]sink.Stored, error) {
	at, err := s.placed(ctx, t)
	if err != nil {
		return nil, err
	}
	out := make([]sink.Stored, len(keys))
	index := make(map[string]int, len(keys))
	for i, key := range keys {
		index[string(key)] = i
	}
	for from := 0; from < len(keys); from += s.c.BatchRows {
		part := keys[from:min(from+s.c.BatchRows, len(keys))]
		condition, err := keyCondition(at, part)
		if err != nil {
			return nil, err
		}
		for row, err := range s.ScanWhere(ctx, t, condition) {
			if err != nil {
				return nil, err
			}
			if i, ok := index[string(row.Key)]; ok { // a collation finds others, too
				out[i] = row
			}
		}
		if s.c.Layout == SideTable {
			if err := s.lookBeside(ctx, at, t, part, out[from:]); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// lookBeside takes the versions of rows out of the side table.
func (s *Sink) lookBeside(ctx context.Context, at mapped, t *change.Table, keys [][]byte, out []sink.Stored) error {
	index := make(map[string]int, len(keys))
	q := append([]byte("SELECT row_key"), s.versionNames()...)
	q = append(append(q, " FROM "+s.side+" WHERE table_name="...), text(at.t.String())...)
	q = append(q, " AND row_key IN ("...)
	for i, key := range keys {
		named, err := s.sideName(ctx, t, key)
		if err != nil {
			return err
		}
		index[string(named)] = i
		if i > 0 {
			q = append(q, ',')
		}
		q = appendString(append(q, "_binary"...), named)
	}
	versions := make([]sink.Stored, len(keys))
	err := s.query(ctx, string(append(q, ')')), func(rows *sql.Rows) error {
		var name sql.RawBytes
		raw := make([]sql.RawBytes, 4)
		if err := rows.Scan(&name, &raw[0], &raw[1], &raw[2], &raw[3]); err != nil {
			return err
		}
		if i, ok := index[string(name)]; ok {
			versions[i].Key = keys[i]
			setVersion(&versions[i], raw)
		}
		return nil
	})
	for i := range versions {
		v, row := &versions[i], &out[i]
		switch {
		case v.Key == nil && row.Key == nil:
		case v.Key == nil:
			row.Invalid = errors.New("the row has no version in the side table")
		case row.Key == nil && v.Invalid == nil && !v.Deleted:
			row.Key, row.Invalid = v.Key, errors.New("the side table has a version of a row that is not there")
			row.Deleted = true
		case row.Key != nil && v.Deleted:
			row.Version, row.Versioned = v.Version, v.Versioned
			row.Invalid = errors.New("the side table says that the row is deleted")
		default:
			row.Key, row.Version, row.Versioned, row.Deleted, row.Invalid = v.Key, v.Version, v.Versioned, v.Deleted, v.Invalid
		}
	}
	return err
}

// sideName is the row's name in the side table. It is made of the source's texts; zeros of a decimal that do not count are
// part of it.
func (s *Sink) sideName(ctx context.Context, t *change.Table, key []byte) ([]byte, error) {
	parts, err := s.KeyTexts(ctx, t, key)
	if err != nil {
		return nil, err
	}
	var name []byte
	for n, i := range t.Key {
		part := parts[n]
		switch column := &t.Columns[i]; column.Type {
		case change.Numeric:
			part = padDecimal(part, column.Scale)
		case change.TimeType, change.DateTimeType, change.TimestampType:
			part = padFraction(part)
		}
		name = appendPart(name, part)
	}
	return sideKey(name), nil
}

// padDecimal gives a decimal all digits that its column shows.
func padDecimal(text []byte, scale int) []byte {
	if scale == 0 {
		return text
	}
	whole, fraction, _ := bytes.Cut(text, []byte{'.'})
	out := append(bytes.Clone(whole), '.')
	out = append(out, fraction...)
	for range scale - len(fraction) {
		out = append(out, '0')
	}
	return out
}

// padFraction gives a time six digits behind the second.
func padFraction(text []byte) []byte {
	whole, fraction, _ := bytes.Cut(text, []byte{'.'})
	out := append(append(bytes.Clone(whole), '.'), fraction...)
	for range 6 - len(fraction) {
		out = append(out, '0')
	}
	return out
}

// keyCondition is the condition that a row is one of these.
func keyCondition(at mapped, keys [][]byte) (string, error) {
	var q []byte
	single := len(at.t.key) == 1
	if single {
		q = append(appendKeyNames(q, at.t), " IN ("...)
	}
	for n, key := range keys {
		parts, err := splitParts(key, len(at.t.key))
		if err != nil {
			return "", err
		}
		if n > 0 && single {
			q = append(q, ',')
		} else if n > 0 {
			q = append(q, " OR "...)
		}
		if !single {
			q = append(q, '(')
		}
		for k, part := range parts {
			c := &at.t.columns[at.t.key[k]]
			if !single {
				if k > 0 {
					q = append(q, " AND "...)
				}
				q = append(appendName(q, c.name), '=')
			}
			if q, err = AppendTyped(q, c.typ, part); err != nil {
				return "", fmt.Errorf("target table %s, column %s: %w", at.t, c.name, err)
			}
		}
		if !single {
			q = append(q, ')')
		}
	}
	if single {
		q = append(q, ')')
	}
	return string(q), nil
}

// AppendTyped appends a text as a literal that a column of the type is compared with, escaped for a session in which a
// backslash escapes.
func AppendTyped(dst []byte, typ change.Type, text []byte) ([]byte, error) {
	switch typ {
	case change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt, change.Numeric, change.Bit, change.Year:
		if !isDecimal(text) {
			return dst, fmt.Errorf("%.40q is no number", text)
		}
		return append(dst, text...), nil
	case change.FloatType, change.DoubleType:
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return dst, fmt.Errorf("%.40q is no number", text)
		}
		return appendLiteral(dst, change.DoubleValue(f))
	case change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob, change.Geometry:
		return appendString(append(dst, "_binary"...), text), nil
	}
	return appendString(dst, text), nil
}
