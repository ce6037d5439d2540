package envelope

import "github.com/skein-io/skein/perceptor/change"

// canalWriters write everything as a string, as Canal's flat message has it. Of binary columns each byte is a character.
var canalWriters = []writer{
	change.TinyInt: writeText, change.SmallInt: writeText, change.MediumInt: writeText, change.Integer: writeText, change.BigInt: writeText,
	change.Numeric: writeQuoted, change.FloatType: writeText, change.DoubleType: writeText, change.Bit: writeText, change.Year: writeText,
	change.DateType: writeShown, change.TimeType: writeShown, change.DateTimeType: writeShown, change.TimestampType: writeShown,
	change.Char: writeQuoted, change.VarChar: writeQuoted, change.TinyText: writeQuoted, change.TextType: writeQuoted, change.MediumText: writeQuoted,
	change.LongText: writeQuoted, change.Enum: writeQuoted, change.Set: writeQuoted, change.JSONType: writeQuoted,
	change.UUID: writeQuoted, change.INET4: writeQuoted, change.INET6: writeQuoted,
	change.Binary: writeLatin1, change.VarBinary: writeLatin1, change.TinyBlob: writeLatin1, change.Blob: writeLatin1, change.MediumBlob: writeLatin1,
	change.LongBlob: writeLatin1, change.Geometry: writeLatin1, change.INET6 + 1: nil,
}

func writeText(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	switch v.Kind {
	case change.Int, change.Uint, change.Bits, change.Float, change.Double:
		return append(v.AppendText(append(dst, '"'), 0), '"'), nil
	}
	return c.wrong(dst, v)
}

func writeLatin1(c *column, dst []byte, v change.Value, _ *exactValues) ([]byte, error) {
	if v.Kind != change.Bytes {
		return c.wrong(dst, v)
	}
	return appendLatin1(dst, v.Raw()), nil
}

// jdbcTypes are the numbers of java.sql.Types that Canal tells as sqlType.
var jdbcTypes = [...]int{
	change.TinyInt: -6, change.SmallInt: 5, change.MediumInt: 4, change.Integer: 4, change.BigInt: -5, change.Numeric: 3, change.FloatType: 7,
	change.DoubleType: 8, change.Bit: -7, change.Year: 12, change.DateType: 91, change.TimeType: 92, change.DateTimeType: 93, change.TimestampType: 93,
	change.Char: 1, change.VarChar: 12, change.TinyText: 2005, change.TextType: 2005, change.MediumText: 2005, change.LongText: 2005,
	change.Binary: 2004, change.VarBinary: 2004, change.TinyBlob: 2004, change.Blob: 2004, change.MediumBlob: 2004, change.LongBlob: 2004,
	change.Enum: 4, change.Set: -7, change.JSONType: 12, change.Geometry: 2004, change.UUID: 12, change.INET4: 12, change.INET6: 12,
}
