package snapshot

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
)

// appendKept appends a value of a key as it is kept: what appendLiteral makes the same value of again, whatever the server's collation. stored is
// what the server sent for it: the bytes of a text in the column's own charset, the number of an ENUM, the bits of a SET.
func appendKept(dst []byte, c *change.Column, v change.Value, stored []byte) []byte {
	switch c.Type {
	case change.Enum, change.Set:
		return append(dst, stored...)
	case change.FloatType, change.DoubleType:
		return strconv.AppendFloat(dst, v.Float64(), 'e', 17, 64)
	}
	switch v.Kind {
	case change.Text:
		if isAddress(c.Type) {
			return append(dst, stored...)
		}
		return hex.AppendEncode(dst, stored)
	case change.Bytes, change.JSON:
		return hex.AppendEncode(dst, stored)
	}
	return v.AppendText(dst, 6)
}

func isAddress(t change.Type) bool { return t == change.UUID || t == change.INET4 || t == change.INET6 }

// appendLiteral appends a kept value as SQL that the server compares with the column as it compares the column's own values. It refuses
// what appendKept does not make.
func appendLiteral(dst []byte, c *change.Column, kept string) ([]byte, error) {
	allowed, quote := "", ""
	switch c.Type {
	case change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.BigInt, change.Numeric, change.Bit, change.Year, change.Enum, change.Set:
		allowed = "0123456789.-"
	case change.FloatType, change.DoubleType:
		allowed = "0123456789.-+e"
	case change.DateType, change.TimeType, change.DateTimeType, change.TimestampType:
		allowed, quote = "0123456789.-: ", "'"
	case change.UUID, change.INET4, change.INET6:
		allowed, quote = "0123456789abcdefABCDEF.-:", "'"
	default:
		allowed = "0123456789abcdef"
		if c.Charset != "" && c.Charset != "binary" {
			dst = append(append(append(dst, '_'), c.Charset...), ' ')
		}
		dst, quote = append(dst, 'x'), "'"
	}
	if strings.Trim(kept, allowed) != "" || kept == "" && quote == "" {
		return dst, fmt.Errorf("the value %.100q is kept for column %q, which is none of a %s", kept, c.Name, c.Type)
	}
	dst = append(dst, quote...)
	dst = append(dst, kept...)
	return append(dst, quote...), nil
}

func appendName(dst []byte, name string) []byte {
	return append(append(append(dst, '`'), strings.ReplaceAll(name, "`", "``")...), '`')
}

// appendAfter appends the condition that a row's key is greater than last, in the order of the key:
//
//	(a > 1 OR (a = 1 AND (b > 2)))
//
// Servers find the range of an index in that, and not in (a, b) > (1, 2).
func appendAfter(dst []byte, t *change.Table, last []string) ([]byte, error) {
	if len(last) != len(t.Key) {
		return dst, fmt.Errorf("%d values are kept for the %d columns of the key of table %s", len(last), len(t.Key), t)
	}
	for i, text := range last {
		c := &t.Columns[t.Key[i]]
		literal, err := appendLiteral(nil, c, text)
		if err != nil {
			return dst, fmt.Errorf("table %s: %w", t, err)
		}
		dst = append(dst, '(')
		dst = append(append(appendName(dst, c.Name), " > "...), literal...)
		if i < len(last)-1 {
			dst = append(dst, " OR ("...)
			dst = append(append(appendName(dst, c.Name), " = "...), literal...)
			dst = append(dst, " AND "...)
		}
	}
	dst = append(dst, strings.Repeat("))", len(last)-1)...)
	return append(dst, ')'), nil
}
