package change

import (
	"math"
	"strconv"
	"unsafe"
)

// Kind is what a Value is.
type Kind uint8

const (
	// Missing: the change does not say. A full row image has none.
	Missing Kind = iota
	// Null is SQL's NULL.
	Null
	// Int and Uint are whole numbers; a YEAR is a Uint.
	Int
	Uint
	// Float is a FLOAT and Double a DOUBLE.
	Float
	Double
	// Decimal is a number in text, exact: [-]digits[.digits].
	Decimal
	// Bits is BIT(n), a number of up to 64 bits.
	Bits
	// Text is characters, UTF-8. ENUM and SET are their names as text.
	Text
	// Bytes is what has no charset.
	Bytes
	// JSON is a document as text.
	JSON
	// Date is a calendar day without a zone. MySQL lets year, month and day be zero.
	Date
	// Time is a clock time: from -838:59:59 to 838:59:59, with up to 6 digits of fraction.
	Time
	// DateTime is a day and a time of day, without a zone.
	DateTime
	// Timestamp is a moment. MySQL's zero timestamp is ZeroTimestamp.
	Timestamp
)

// Value is one column of a row. The zero Value is Missing. Copies share the bytes, which nobody changes.
//
// The bytes are held as a string, which is a word smaller than a slice: of what a change takes in memory most is its values.
type Value struct {
	Kind Kind
	num  uint64
	text string
}

// textOf makes a value of bytes without copying them. That nobody changes them afterwards is what a Value demands anyway.
func textOf(kind Kind, b []byte) Value {
	return Value{Kind: kind, text: unsafe.String(unsafe.SliceData(b), len(b))}
}

// ZeroTimestamp is 0000-00-00 00:00:00 of a TIMESTAMP column, in microseconds: not a moment.
const ZeroTimestamp = math.MinInt64

// NullValue is SQL's NULL.
func NullValue() Value { return Value{Kind: Null} }

// IntValue is a whole number.
func IntValue(n int64) Value { return Value{Kind: Int, num: uint64(n)} }

// UintValue is a whole number that is not negative.
func UintValue(n uint64) Value { return Value{Kind: Uint, num: n} }

// FloatValue is a FLOAT.
func FloatValue(f float32) Value { return Value{Kind: Float, num: uint64(math.Float32bits(f))} }

// DoubleValue is a DOUBLE.
func DoubleValue(f float64) Value { return Value{Kind: Double, num: math.Float64bits(f)} }

// DecimalValue is an exact number in text, which is kept and not copied.
func DecimalValue(text []byte) Value { return textOf(Decimal, text) }

// BitsValue is a BIT(n).
func BitsValue(n uint64) Value { return Value{Kind: Bits, num: n} }

// TextValue is UTF-8, which is kept and not copied.
func TextValue(text []byte) Value { return textOf(Text, text) }

// BytesValue keeps the bytes and does not copy them.
func BytesValue(b []byte) Value { return textOf(Bytes, b) }

// JSONValue is a document as text, which is kept and not copied.
func JSONValue(text []byte) Value { return textOf(JSON, text) }

// DateValue is a day. Year is 0 to 9999, month 0 to 12, day 0 to 31.
func DateValue(year, month, day int) Value { return Value{Kind: Date, num: packDay(year, month, day)} }

// TimeValue is a clock time in microseconds.
func TimeValue(microseconds int64) Value { return Value{Kind: Time, num: uint64(microseconds)} }

// DateTimeValue is a day and the microseconds since its midnight.
func DateTimeValue(year, month, day int, microseconds int64) Value {
	return Value{Kind: DateTime, num: packDay(year, month, day)<<dayBits | uint64(microseconds)}
}

// TimestampValue is a moment in microseconds since 1970, or ZeroTimestamp.
func TimestampValue(microseconds int64) Value {
	return Value{Kind: Timestamp, num: uint64(microseconds)}
}

const dayBits = 37 // microseconds of a day

func packDay(year, month, day int) uint64 { return uint64(year)<<9 | uint64(month)<<5 | uint64(day) }

func unpackDay(n uint64) (year, month, day int) { return int(n >> 9), int(n >> 5 & 15), int(n & 31) }

// IsNull reports whether the value is SQL's NULL.
func (v Value) IsNull() bool { return v.Kind == Null }

// Int returns an Int, a Uint, a Bits, the microseconds of a Time or a Timestamp.
func (v Value) Int() int64 { return int64(v.num) }

// Uint is Int for what is not negative.
func (v Value) Uint() uint64 { return v.num }

// Float64 returns a Float or a Double.
func (v Value) Float64() float64 {
	if v.Kind == Float {
		return float64(math.Float32frombits(uint32(v.num)))
	}
	return math.Float64frombits(v.num)
}

// Raw returns the bytes of a Decimal, Text, Bytes or JSON. They must not be changed.
func (v Value) Raw() []byte { return unsafe.Slice(unsafe.StringData(v.text), len(v.text)) }

// Day returns the day of a Date or a DateTime.
func (v Value) Day() (year, month, day int) {
	if v.Kind == DateTime {
		return unpackDay(v.num >> dayBits)
	}
	return unpackDay(v.num)
}

// TimeOfDay returns the microseconds since midnight of a DateTime.
func (v Value) TimeOfDay() int64 { return int64(v.num & (1<<dayBits - 1)) }

// Equal reports whether two values are the same: same kind, same content. NULL equals NULL.
func (v Value) Equal(w Value) bool {
	return v.Kind == w.Kind && v.num == w.num && v.text == w.text
}

// AppendText appends the value as MySQL would show it. digits is the number of digits after the second, 0 to 6. A
// Timestamp is shown in UTC. NULL and Missing append nothing.
func (v Value) AppendText(dst []byte, digits int) []byte {
	switch v.Kind {
	case Int:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case Uint, Bits:
		return strconv.AppendUint(dst, v.num, 10)
	case Float:
		return AppendDouble(dst, v.Float64(), 32)
	case Double:
		return AppendDouble(dst, v.Float64(), 64)
	case Decimal, Text, Bytes, JSON:
		return append(dst, v.text...)
	case Date:
		return v.appendDay(dst)
	case Time:
		return appendClock(dst, int64(v.num), digits)
	case DateTime:
		dst = append(v.appendDay(dst), ' ')
		return appendClock(dst, v.TimeOfDay(), digits)
	case Timestamp:
		return appendMoment(dst, int64(v.num), digits)
	}
	return dst
}

func (v Value) String() string {
	switch v.Kind {
	case Missing:
		return "missing"
	case Null:
		return "NULL"
	}
	return string(v.AppendText(nil, 6))
}
