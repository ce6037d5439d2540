package envelope

import (
	"bytes"
	"errors"

	"github.com/skein-io/skein/perceptor/change"
)

// maxwellWriters write numbers as numbers, a SET as a list, and a JSON document as it is. Geometry, which Maxwell turns
// into GeoJSON, is not written.
var maxwellWriters = []writer{
	change.TinyInt: writeWhole, change.SmallInt: writeWhole, change.MediumInt: writeWhole, change.Integer: writeWhole, change.BigInt: writeWhole,
	change.Numeric: writeDecimal, change.FloatType: writeFloat, change.DoubleType: writeFloat, change.Bit: writeBitNumber, change.Year: writeWhole,
	change.DateType: writeShown, change.TimeType: writeShown, change.DateTimeType: writeShown, change.TimestampType: writeShown,
	change.Char: writeQuoted, change.VarChar: writeQuoted, change.TinyText: writeQuoted, change.TextType: writeQuoted, change.MediumText: writeQuoted,
	change.LongText: writeQuoted, change.Enum: writeQuoted, change.Set: writeSet, change.JSONType: writeDocument,
	change.UUID: writeQuoted, change.INET4: writeQuoted, change.INET6: writeQuoted,
	change.Binary: writeBase64, change.VarBinary: writeBase64, change.TinyBlob: writeBase64, change.Blob: writeBase64, change.MediumBlob: writeBase64,
	change.LongBlob: writeBase64, change.INET6 + 1: nil,
}

// writeDecimal writes the digits as a number, unrounded.
func writeDecimal(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	if v.Kind != change.Decimal {
		return c.wrong(dst, v)
	}
	if !isNumber(v.Raw()) {
		return c.wrong(dst, v)
	}
	return append(dst, v.Raw()...), nil
}

func writeBitNumber(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	if v.Kind != change.Bits {
		return c.wrong(dst, v)
	}
	return v.AppendText(dst, 0), nil
}

// writeSet writes a list of names. No name of a SET has a comma.
func writeSet(c *column, dst []byte, v change.Value, x *exactValues) ([]byte, error) {
	if v.Kind != change.Text {
		return c.wrong(dst, v)
	}
	dst = append(dst, '[')
	for n, rest := 0, v.Raw(); len(rest) > 0; n++ {
		name, after, _ := bytes.Cut(rest, []byte{','})
		if n > 0 {
			dst = append(dst, ',')
		}
		dst, rest = appendQuoted(dst, name), after
	}
	return append(dst, ']'), nil
}

// writeDocument writes a document as it is. The document null looks like SQL's NULL, so the exact value goes along.
func writeDocument(c *column, dst []byte, v change.Value, x *exactValues) ([]byte, error) {
	if v.Kind != change.JSON {
		return c.wrong(dst, v)
	}
	if err := validDocument(v.Raw()); err != nil {
		return dst, errors.Join(errors.New("it is no JSON document"), err)
	}
	inner := bytes.TrimSpace(v.Raw())
	if string(inner) == "null" || len(inner) != len(v.Raw()) {
		x.note(v)
	}
	return append(dst, inner...), nil
}
