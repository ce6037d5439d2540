package envelope

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/skein-io/skein/perceptor/change"
)

// column writes the values of one column in one format.
type column struct {
	change.Column
	write writer
}

// writer appends a value that is neither NULL nor missing. It tells x about a value that it cannot write exactly.
type writer func(c *column, dst []byte, v change.Value, x *exactValues) ([]byte, error)

var errMissing = errors.New("its value is not told: changes are written with full row images only (binlog_row_image=FULL)")

func (c *column) append(dst []byte, v change.Value, x *exactValues) ([]byte, error) {
	switch v.Kind {
	case change.Missing:
		return dst, errMissing
	case change.Null:
		return append(dst, "null"...), nil
	}
	return c.write(c, dst, v, x)
}

func (c *column) wrong(dst []byte, v change.Value) ([]byte, error) {
	return dst, fmt.Errorf("%.40q (kind %d) is no value of type %s", v.String(), v.Kind, columnType(&c.Column))
}

// writers finds how a column is written.
func writerOf(f Format, o *Options, c *change.Column) (writer, error) {
	table := [...][]writer{Debezium: debeziumWriters, Canal: canalWriters, Maxwell: maxwellWriters}[f]
	w := table[c.Type]
	switch {
	case w == nil:
		return nil, fmt.Errorf("column %q: the format %s has no form for type %s", c.Name, f, c.Type)
	case f == Debezium && c.Type == change.BigInt && c.Unsigned:
		return writeUnscaled, nil
	case f == Debezium && c.Type == change.Numeric && o.Decimals == DecimalText:
		return writeQuoted, nil
	}
	return w, nil
}

// The writers that several formats share.

func writeWhole(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	switch v.Kind {
	case change.Int:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case change.Uint:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	}
	return c.wrong(dst, v)
}

func writeFloat(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	if v.Kind != change.Float && v.Kind != change.Double {
		return c.wrong(dst, v)
	}
	return appendFloat(dst, v), nil
}

// writeQuoted writes characters, or the digits of a decimal.
func writeQuoted(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	switch v.Kind {
	case change.Text, change.JSON:
		if !utf8.Valid(v.Raw()) {
			return dst, errors.New("its characters are no UTF-8")
		}
	case change.Decimal:
	default:
		return c.wrong(dst, v)
	}
	return appendQuoted(dst, v.Raw()), nil
}

// writeShown writes what MySQL shows of a time, in quotes, with the digits that the column has.
func writeShown(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	switch v.Kind {
	case change.Date, change.Time, change.DateTime, change.Timestamp:
	default:
		return c.wrong(dst, v)
	}
	return append(v.AppendText(append(dst, '"'), c.Scale), '"'), nil
}

func writeBase64(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	if v.Kind != change.Bytes {
		return c.wrong(dst, v)
	}
	return appendBase64(dst, v.Raw()), nil
}
