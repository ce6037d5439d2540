package hbase

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strings"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/hbase/client"
)

// KeyFormat is how a row's key is made of the columns of the primary key. Either way two keys are the same only if all
// their columns are.
type KeyFormat uint8

const (
	// KeyText joins the columns as MySQL would show them with '|'. In keys of several columns, '|' and '\' within one have a
	// '\' in front. A key of one column is its text. It is not ordered as the columns are.
	KeyText KeyFormat = iota
	// KeyBytes is ordered as the columns are: for each a byte that tells its kind, then its value (see appendOrdered).
	KeyBytes
)

// appendKey appends the key of a row. key are the indexes of its columns.
func (f KeyFormat) appendKey(dst []byte, row change.Row, key []int) ([]byte, error) {
	from := len(dst)
	for i, at := range key {
		if f == KeyBytes {
			var err error
			if dst, err = appendOrdered(dst, row[at], i == len(key)-1); err != nil {
				return dst, err
			}
			continue
		}
		if i > 0 {
			dst = append(dst, '|')
		}
		if len(key) == 1 {
			dst = row[at].AppendText(dst, 6)
			continue
		}
		var text [64]byte
		for _, c := range row[at].AppendText(text[:0], 6) {
			if c == '|' || c == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
	}
	switch size := len(dst) - from; {
	case size == 0:
		return dst, errors.New("the key is an empty text, which HBase does not take as the key of a row")
	case size > client.MaxRow-1: // a salt may stand in front
		return dst, fmt.Errorf("the row's key has %d bytes: %w, at most %d", size, client.ErrTooLarge, client.MaxRow-1)
	}
	return dst, nil
}

// What stands in front of a column's value in a key. The order is that of the values within one kind of column.
const (
	kindNegative     = 0x10 // 8 bytes, two's complement
	kindWhole        = 0x11 // 8 bytes
	kindDecimalMinus = 0x18 // as kindDecimalPlus, all bits turned
	kindDecimalZero  = 0x19
	kindDecimalPlus  = 0x1a // 4 bytes: digits in front of the point, 2^31 added; the digits from the first that is not 0 to the last; 0
	kindFloat        = 0x20 // 8 bytes: an IEEE 754 double, turned so that bytes order as numbers
	kindText         = 0x30
	kindBytes        = 0x31
	kindDate         = 0x40 // year 2, month 1, day 1
	kindDateTime     = 0x41 // the same, microseconds 8
	kindTime         = 0x42 // microseconds 8, 2^63 added
	kindTimestamp    = 0x43 // the same
)

// appendOrdered appends a value so that bytes are ordered as values are, and so that what follows cannot be taken for a part
// of it: all kinds tell their length but text and bytes, in which 0 becomes 0 255 and which end with 0 1 unless they are
// last. Int, Uint and Bits are one kind: what tells a column's sign differs from source to source.
func appendOrdered(dst []byte, v change.Value, last bool) ([]byte, error) {
	switch v.Kind {
	case change.Int:
		if v.Int() < 0 {
			return binary.BigEndian.AppendUint64(append(dst, kindNegative), v.Uint()), nil
		}
		return binary.BigEndian.AppendUint64(append(dst, kindWhole), v.Uint()), nil
	case change.Uint, change.Bits:
		return binary.BigEndian.AppendUint64(append(dst, kindWhole), v.Uint()), nil
	case change.Float, change.Double:
		f := v.Float64()
		if math.IsNaN(f) {
			return dst, errors.New("a number in the key is not a number")
		}
		bits := math.Float64bits(f + 0) // -0 is 0
		if bits>>63 == 1 {
			bits = ^bits
		} else {
			bits |= 1 << 63
		}
		return binary.BigEndian.AppendUint64(append(dst, kindFloat), bits), nil
	case change.Decimal:
		return appendDecimal(dst, string(v.Raw()))
	case change.Text, change.JSON:
		return appendBytesOrdered(append(dst, kindText), v.Raw(), last), nil
	case change.Bytes:
		return appendBytesOrdered(append(dst, kindBytes), v.Raw(), last), nil
	case change.Date:
		return appendDay(append(dst, kindDate), v), nil
	case change.DateTime:
		return binary.BigEndian.AppendUint64(appendDay(append(dst, kindDateTime), v), uint64(v.TimeOfDay())), nil
	case change.Time:
		return binary.BigEndian.AppendUint64(append(dst, kindTime), v.Uint()^1<<63), nil
	case change.Timestamp:
		return binary.BigEndian.AppendUint64(append(dst, kindTimestamp), v.Uint()^1<<63), nil
	}
	return dst, fmt.Errorf("a column of the key is %s", v)
}

func appendDay(dst []byte, v change.Value) []byte {
	year, month, day := v.Day()
	return append(binary.BigEndian.AppendUint16(dst, uint16(year)), byte(month), byte(day))
}

func appendBytesOrdered(dst, b []byte, last bool) []byte {
	if last {
		return append(dst, b...)
	}
	for _, c := range b {
		dst = append(dst, c)
		if c == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 1)
}

// appendDecimal appends [-]digits[.digits]. 1.0 and 1.00 are the same number and get the same key.
func appendDecimal(dst []byte, text string) ([]byte, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	for _, c := range []byte(whole + fraction) {
		if c < '0' || c > '9' {
			return dst, fmt.Errorf("%q in the key is not a decimal number", text)
		}
	}
	if whole+fraction == "" {
		return dst, fmt.Errorf("%q in the key is not a decimal number", text)
	}
	whole = strings.TrimLeft(whole, "0")
	exponent := int64(len(whole))
	significant := whole + fraction
	if whole == "" {
		significant = strings.TrimLeft(fraction, "0")
		exponent = int64(len(significant) - len(fraction)) // not positive
	}
	significant = strings.TrimRight(significant, "0")
	if significant == "" {
		return append(dst, kindDecimalZero), nil
	}
	if negative {
		dst = append(dst, kindDecimalMinus)
	} else {
		dst = append(dst, kindDecimalPlus)
	}
	from := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(exponent+1<<31))
	dst = append(append(dst, significant...), 0)
	if negative {
		for i := range dst[from:] {
			dst[from+i] = ^dst[from+i]
		}
	}
	return dst, nil
}

// salted puts a byte in front of a key that spreads keys which follow each other over so many buckets. It depends on the
// key only, so that all changes of a row go to the same row. key has one byte free in front.
func salted(key []byte, buckets int) []byte {
	if buckets == 0 {
		return key[1:]
	}
	hash := fnv.New32a()
	_, _ = hash.Write(key[1:])
	key[0] = byte(hash.Sum32() % uint32(buckets))
	return key
}
