package envelope

import (
	"fmt"
	"strconv"

	"github.com/skein-io/skein/perceptor/change"
)

// field is a column, and how its values are read.
type field struct {
	column change.Column
	read   reader
	scale  int // of Connect's Decimal
}

// reader reads the value of a node.
type reader func(f *field, d *Decoder, i int32) (change.Value, error)

// scaleMax bounds the digits after the point: MySQL has up to 30, MariaDB 38.
const scaleMax = 65

// schemaField makes a field out of its schema.
func schemaField(t *tape, i int32) (f field, err error) {
	var kind, meaning, name, sql, length, scale, allowed string
	parameters := t.member(i, "parameters")
	for _, s := range []struct {
		object int32
		name   string
		into   *string
	}{
		{i, "type", &kind}, {i, "name", &meaning}, {i, "field", &name},
		{parameters, sourceType, &sql}, {parameters, sourceLength, &length}, {parameters, sourceScale, &scale}, {parameters, "allowed", &allowed},
	} {
		if *s.into, err = t.textOf(s.object, s.name); err != nil {
			return f, err
		}
	}
	if name == "" {
		return f, fmt.Errorf("a field of the row has no name")
	}
	number := func(text string) int { n, _ := strconv.Atoi(text); return min(max(n, 0), 1<<30) }
	var known bool
	if f, known = connectField(kind, meaning); !known {
		return f, fmt.Errorf("column %q: type %s %s is not known", name, kind, meaning)
	}
	switch meaning {
	case decimalName:
		text, _ := t.textOf(parameters, "scale")
		precision, _ := t.textOf(parameters, "connect.decimal.precision")
		if f.scale = number(text); strconv.Itoa(f.scale) != text || f.scale > scaleMax {
			return f, fmt.Errorf("column %q: a decimal of scale %q", name, text)
		}
		f.column.Scale, f.column.Length = f.scale, number(precision)
	case bitsName:
		text, _ := t.textOf(parameters, "length")
		f.column.Length = number(text)
	case enumName, setName:
		f.column.Members = splitNames(allowed)
	}
	if sql != "" { // the exact type
		c := parseColumnType(name, sql)
		if c.Type != change.Unknown {
			if c.Type != change.Bit || length != "" {
				setLength(&c, number(length), number(scale))
			}
			c.Members = f.column.Members
			f.column = c
		}
		if n := number(scale); n > 0 {
			f.column.Scale = n
		}
	}
	f.column.Name = name
	f.column.Nullable = t.kind(t.member(i, "optional")) == 't'
	return f, nil
}

// connectField finds how a type of Connect is read, and which column it may come from.
func connectField(kind, meaning string) (field, bool) {
	col := func(c change.Type) change.Column { return change.Column{Type: c} }
	switch meaning {
	case "":
		switch kind {
		case "int8", "int16":
			return field{column: col(change.SmallInt), read: readWhole}, true
		case "int32":
			return field{column: col(change.Integer), read: readWhole}, true
		case "int64":
			return field{column: col(change.BigInt), read: readWhole}, true
		case "float":
			return field{column: col(change.FloatType), read: readFloat}, true
		case "double":
			return field{column: col(change.DoubleType), read: readFloat}, true
		case "boolean":
			return field{column: change.Column{Type: change.Bit, Length: 1}, read: readBool}, true
		case "string":
			return field{column: col(change.LongText), read: readTyped}, true
		case "bytes":
			return field{column: col(change.LongBlob), read: readBase64}, true
		}
	case decimalName:
		return field{column: col(change.Numeric), read: readUnscaled}, kind == "bytes"
	case bitsName:
		return field{column: col(change.Bit), read: readBits}, kind == "bytes"
	case enumName:
		return field{column: col(change.Enum), read: readTyped}, kind == "string"
	case setName:
		return field{column: col(change.Set), read: readTyped}, kind == "string"
	case jsonName:
		return field{column: col(change.JSONType), read: readTyped}, kind == "string"
	case uuidName:
		return field{column: col(change.UUID), read: readTyped}, kind == "string"
	case yearName:
		return field{column: col(change.Year), read: readWhole}, true
	case geometry, "io.debezium.data.geometry.Geography", "io.debezium.data.geometry.Point":
		return field{column: col(change.Geometry), read: readGeometry}, kind == "struct"
	case zonedName:
		return field{column: change.Column{Type: change.TimestampType, Scale: 6}, read: readZoned}, kind == "string"
	}
	if read, c, ok := epochField(meaning); ok {
		return field{column: c, read: read}, kind == "int32" || kind == "int64"
	}
	return field{}, false
}

// epochField finds the times that are numbers.
func epochField(meaning string) (reader, change.Column, bool) {
	switch meaning {
	case dateName, "org.apache.kafka.connect.data.Date":
		return readCount(readEpochDays), change.Column{Type: change.DateType}, true
	case "io.debezium.time.Time", "org.apache.kafka.connect.data.Time":
		return readClock(1000, 1), change.Column{Type: change.TimeType, Scale: 3}, true
	case microTime:
		return readClock(1, 1), change.Column{Type: change.TimeType, Scale: 6}, true
	case "io.debezium.time.NanoTime":
		return readClock(1, 1000), change.Column{Type: change.TimeType, Scale: 6}, true
	case milliStamp, "org.apache.kafka.connect.data.Timestamp":
		return readMoment(1000, 1), change.Column{Type: change.DateTimeType, Scale: 3}, true
	case microStamp:
		return readMoment(1, 1), change.Column{Type: change.DateTimeType, Scale: 6}, true
	case "io.debezium.time.NanoTimestamp":
		return readMoment(1, 1000), change.Column{Type: change.DateTimeType, Scale: 6}, true
	}
	return nil, change.Column{}, false
}

// plainField makes a field of Debezium's JSON without a schema, out of the column that is declared, or of nothing.
func (d *Decoder) plainField(c change.Column) field {
	f := field{column: c, scale: c.Scale, read: readTyped}
	switch c.Type {
	case change.Unknown:
		f.read = readAny
	case change.TinyInt, change.SmallInt, change.MediumInt, change.Integer, change.Year:
		f.read = readWhole
	case change.BigInt:
		f.read, f.scale = readWhole, 0
	case change.Numeric:
		if d.o.Decimals == Precise {
			f.read = readUnscaled
		}
	case change.FloatType, change.DoubleType:
		f.read = readFloat
	case change.Bit:
		if f.read = readBits; c.Length == 1 {
			f.read = readBool
		}
	case change.DateType:
		f.read = readCount(readEpochDays)
	case change.TimeType:
		f.read = readClock(1, 1)
	case change.DateTimeType:
		if f.read = readMoment(1000, 1); c.Scale > 3 {
			f.read = readMoment(1, 1)
		}
	case change.TimestampType:
		f.read = readZoned
	case change.Binary, change.VarBinary, change.TinyBlob, change.Blob, change.MediumBlob, change.LongBlob:
		f.read = readBase64
	case change.Geometry:
		f.read = readGeometry
	}
	return f
}
