package verify

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/envelope"
	"github.com/skein-io/skein/perceptor/sink"
)

// shownBytesMax is how much of a value a report shows.
const shownBytesMax = 200

// shown is a column's value as text, as hexadecimal if it is none, and cut if it is long.
func shown(c *sink.StoredColumn) *string {
	if c.Null {
		return nil
	}
	value, cut := c.Value, ""
	if len(value) > shownBytesMax {
		value, cut = value[:shownBytesMax], fmt.Sprintf("... (%d bytes)", len(c.Value))
		for len(value) > 0 && utf8.Valid(c.Value) && !utf8.Valid(value) {
			value = value[:len(value)-1]
		}
	}
	text := string(value)
	if !utf8.Valid(value) {
		text = fmt.Sprintf("0x%x", value)
	}
	text += cut
	return &text
}

// keyRow is a row of which only the key is told.
func keyRow(t *change.Table, texts [][]byte) (change.Row, error) {
	row := make(change.Row, len(t.Columns))
	for n, i := range t.Key {
		v, err := envelope.ParseText(&t.Columns[i], texts[n])
		if err != nil {
			return nil, fmt.Errorf("column %s of the key: %w", t.Columns[i].Name, err)
		}
		row[i] = v
	}
	return row, nil
}

// keyText is the key of a row as a report names it.
func keyText(t *change.Table, row change.Row) string {
	parts := make([][]byte, len(t.Key))
	for n, i := range t.Key {
		parts[n] = row[i].AppendText(nil, t.Columns[i].Scale)
	}
	return joinKey(parts)
}

func joinKey(parts [][]byte) string {
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteByte(',')
		}
		if utf8.Valid(part) {
			b.Write(part)
		} else {
			fmt.Fprintf(&b, "0x%x", part)
		}
	}
	return b.String()
}

func (r *run) keyText(s *suspect) string {
	if s.texts == nil {
		return fmt.Sprintf("%q (a key of the sink that no row of the source could have)", s.key)
	}
	return joinKey(s.texts)
}

// placeOf is where a position is, as versions have it.
func placeOf(p binlog.Position) (change.Position, error) {
	n, err := strconv.ParseUint(p.File[strings.LastIndexByte(p.File, '.')+1:], 10, 32)
	if err != nil {
		return change.Position{}, fmt.Errorf("binlog file %q has no number at the end of its name", p.File)
	}
	return change.Position{File: uint32(n), Offset: p.Offset}, nil
}
