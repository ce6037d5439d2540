package mysql

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/skein-io/skein/perceptor/change"
)

// versionNames are the columns of a version, after others in a SELECT.
func (s *Sink) versionNames() []byte {
	var q []byte
	for _, name := range []string{s.c.Columns.Epoch, s.c.Columns.ExecuteTime, s.c.Columns.Position, s.c.Columns.Deleted} {
		q = appendName(append(q, ','), name)
	}
	return q
}

// appendVersion appends what goes into the columns of the version: flag, epoch, time, position.
func appendVersion(dst []byte, c *change.Change) []byte {
	flag := byte('0')
	if c.Op == change.Delete {
		flag = '1'
	}
	dst = strconv.AppendUint(append(dst, flag, ','), uint64(c.Version.Epoch), 10)
	dst = strconv.AppendInt(append(dst, ','), c.Version.ExecuteTime, 10)
	return appendString(append(dst, ",_binary"...), c.Version.Position.Append(nil))
}

func appendKeyNames(dst []byte, t *target) []byte {
	for n, at := range t.key {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = appendName(dst, t.columns[at].name)
	}
	return dst
}

// appendKeys appends the condition that a row is one of these: an IN for a key of one column, an OR for others, which both
// servers look up in the index.
func (b *batch) appendKeys(dst []byte, rows []int) []byte {
	t := b.rows[rows[0]].t
	if len(t.key) == 1 {
		dst = append(appendKeyNames(dst, t), " IN ("...)
	}
	for n, i := range rows {
		if len(t.key) > 1 {
			if n > 0 {
				dst = append(dst, " OR "...)
			}
			dst = b.appendKey(append(dst, '('), i)
			dst = append(dst, ')')
			continue
		}
		if n > 0 {
			dst = append(dst, ',')
		}
		dst, _ = appendLiteral(dst, b.keyValue(i, 0)) // it was written among the values already
	}
	if len(t.key) == 1 {
		dst = append(dst, ')')
	}
	return dst
}

// appendKey appends the condition that a row is this one.
func (b *batch) appendKey(dst []byte, i int) []byte {
	t := b.rows[i].t
	for k, at := range t.key {
		if k > 0 {
			dst = append(dst, " AND "...)
		}
		dst = append(appendName(dst, t.columns[at].name), '=')
		dst, _ = appendLiteral(dst, b.keyValue(i, k))
	}
	return dst
}

// keyValue is the value of the k-th column of the target's key.
func (b *batch) keyValue(i, k int) change.Value { return b.changes[i].Image()[b.rows[i].m.key[k]] }

// appendMatch appends the key as the target shows it, in the order of its key.
func appendMatch(dst []byte, at mapped, image change.Row) []byte {
	var text []byte
	for k, i := range at.m.key {
		text = image[i].AppendText(text[:0], at.t.columns[at.t.key[k]].scale)
		dst = at.t.appendShown(dst, k, text)
	}
	return dst
}

// appendShown appends the k-th part of a key as it is shown. The zeros at the end of a decimal are not part of it.
func (t *target) appendShown(dst []byte, k int, text []byte) []byte {
	if t.columns[t.key[k]].typ == change.Numeric && bytes.IndexByte(text, '.') > 0 {
		text = bytes.TrimRight(bytes.TrimRight(text, "0"), ".")
	}
	return appendPart(dst, text)
}

// holds reports whether a column keeps all digits of a value. Of a key it has to: what it rounds may be another row's.
func (c *targetColumn) holds(v change.Value) bool {
	switch {
	case c.typ == change.FloatType && v.Kind == change.Double:
		f := v.Float64()
		return float64(float32(f)) == f
	case c.typ == change.Numeric && v.Kind == change.Decimal:
		_, fraction, _ := bytes.Cut(v.Raw(), []byte{'.'})
		return len(bytes.TrimRight(fraction, "0")) <= c.scale
	case slices.Contains([]change.Kind{change.Time, change.DateTime, change.Timestamp}, v.Kind) && slices.Contains([]change.Type{change.TimeType, change.DateTimeType, change.TimestampType}, c.typ):
		_, fraction, _ := bytes.Cut(v.AppendText(nil, 6), []byte{'.'})
		return len(bytes.TrimRight(fraction, "0")) <= c.scale
	}
	return true
}

// appendPart appends a part of a key with its length in front.
func appendPart(dst, text []byte) []byte {
	n := len(text)
	return append(append(dst, byte(n>>16), byte(n>>8), byte(n)), text...)
}
