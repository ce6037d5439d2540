package hbase

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

// Form is how somebody wrote an execute time or an offset.
type Form uint8

const (
	// FormNone: there is no such cell.
	FormNone Form = iota
	// FormOurs is what this sink writes: a time that version agrees with, an offset of 16 bytes.
	FormOurs
	// FormOverwritten is a time of any form beside a version that says otherwise: somebody wrote after this sink did.
	FormOverwritten
	FormTextSeconds
	FormTextMillis
	FormTextMicros
	// FormTextDate is 2026-01-31 12:00:00, with T and a zone or without, with a fraction, or the same in 14 or 8 digits.
	FormTextDate
	// FormLong* are Java's Bytes.toBytes(long), FormInt of an int.
	FormLongSeconds
	FormLongMillis
	FormLongMicros
	FormIntSeconds
	// FormText, FormLong and FormInt are offsets, FormFile one with the file's name: mysql-bin.000007:1234.
	FormText
	FormFile
	FormLong
	FormInt
	// FormUnread is none of them.
	FormUnread
	forms
)

var formNames = [forms]string{
	FormNone: "none", FormOurs: "ours", FormOverwritten: "overwritten by others",
	FormTextSeconds: "text, seconds", FormTextMillis: "text, milliseconds", FormTextMicros: "text, microseconds", FormTextDate: "text, date and time",
	FormLongSeconds: "long, seconds", FormLongMillis: "long, milliseconds", FormLongMicros: "long, microseconds", FormIntSeconds: "int, seconds",
	FormText: "text", FormFile: "text, with file", FormLong: "long", FormInt: "int", FormUnread: "unreadable",
}

func (f Form) String() string {
	if f < forms {
		return formNames[f]
	}
	return fmt.Sprintf("form %d", uint8(f))
}

// Unit is what numbers count that are execute times.
type Unit uint8

const (
	// UnitAuto finds it out of each number: seconds, milliseconds and microseconds of the years 1980 to 2099 cannot be taken for
	// each other. Other numbers but 0 are not read.
	UnitAuto Unit = iota
	UnitSeconds
	UnitMillis
	UnitMicros
)

// Bounds of execute times, in milliseconds since 1970.
var (
	autoFrom = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	autoTo   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	timeMax  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

func plausible(ms int64) bool { return ms >= autoFrom && ms < autoTo }

// parseTime reads an execute time as others write it, in milliseconds since 1970. Microseconds are rounded down. Texts without
// a zone are of the location.
func parseTime(b []byte, unit Unit, where *time.Location) (int64, Form, error) {
	digits := allDigits(b)
	if digits && unit == UnitAuto && (len(b) == 14 || len(b) == 8) {
		layout := "20060102150405"[:len(b)]
		if at, err := time.ParseInLocation(layout, string(b), where); err == nil && plausible(at.UnixMilli()) {
			return at.UnixMilli(), FormTextDate, nil
		}
	}
	if len(b) == 4 && (unit == UnitAuto || unit == UnitSeconds && !digits) {
		// Four digits are seconds of 1970 as a text, and of 1995 to 2000 as an int.
		if ms := int64(binary.BigEndian.Uint32(b)) * 1000; ms == 0 || plausible(ms) || unit == UnitSeconds {
			return ms, FormIntSeconds, nil
		}
	}
	if digits {
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return 0, FormUnread, fmt.Errorf("%q is too large for a time", b)
		}
		ms, unit, err := scale(n, unit)
		return ms, [...]Form{FormUnread, FormTextSeconds, FormTextMillis, FormTextMicros}[unit], err
	}
	if at, ok := parseDate(string(b), where); ok {
		if at < 0 || at > timeMax {
			return 0, FormUnread, fmt.Errorf("%q is not in the years 1970 to 9999", b)
		}
		return at, FormTextDate, nil
	}
	if len(b) == 8 {
		ms, unit, err := scale(int64(binary.BigEndian.Uint64(b)), unit)
		return ms, [...]Form{FormUnread, FormLongSeconds, FormLongMillis, FormLongMicros}[unit], err
	}
	return 0, FormUnread, fmt.Errorf("%s is not a time: decimal digits, a date and time, a long or an int were looked for", excerpt(b))
}

// scale makes milliseconds of a number, and says which unit it is of.
func scale(n int64, unit Unit) (int64, Unit, error) {
	switch {
	case n < 0:
		return 0, UnitAuto, fmt.Errorf("%d is before 1970", n)
	case n == 0 && unit == UnitAuto:
		return 0, UnitMillis, nil
	case unit == UnitSeconds && n <= timeMax/1000:
		return n * 1000, unit, nil
	case unit == UnitMillis && n <= timeMax:
		return n, unit, nil
	case unit == UnitMicros && n/1000 <= timeMax:
		return n / 1000, unit, nil
	case unit != UnitAuto:
		return 0, UnitAuto, fmt.Errorf("%d is after the year 9999", n)
	case n < math.MaxInt64/1000 && plausible(n*1000):
		return n * 1000, UnitSeconds, nil
	case plausible(n):
		return n, UnitMillis, nil
	case plausible(n / 1000):
		return n / 1000, UnitMicros, nil
	}
	return 0, UnitAuto, fmt.Errorf("%d is of the years 1980 to 2099 neither in seconds, nor in milliseconds, nor in microseconds: name the unit", n)
}

// dateLayouts: a fraction of the second may follow in each.
var dateLayouts = []string{
	"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006/01/02 15:04:05", "2006-01-02",
}

func parseDate(text string, where *time.Location) (ms int64, ok bool) {
	if len(text) > 40 || len(text) < len("2006-01-02") {
		return 0, false
	}
	for _, layout := range dateLayouts {
		if at, err := time.ParseInLocation(layout, text, where); err == nil {
			return at.UnixMilli(), true
		}
	}
	return 0, false
}

// parseOffset reads a place in the binlog as others write it. Without the file's number it is of file 0. Digits are a text
// whatever their number is: as a long they would be more than any file has.
func parseOffset(b []byte) (p change.Position, _ Form, err error) {
	name, offset := []byte(nil), b
	if at := bytes.LastIndexByte(b, ':'); at >= 0 {
		name, offset = b[:at], b[at+1:]
	}
	if allDigits(offset) {
		if p.Offset, err = strconv.ParseUint(string(offset), 10, 64); err != nil {
			return p, FormUnread, fmt.Errorf("%q is too large for an offset", b)
		}
		if name == nil {
			return p, FormText, nil
		}
		number := name[bytes.LastIndexByte(name, '.')+1:]
		file, err := strconv.ParseUint(string(number), 10, 32)
		if err == nil && allDigits(number) {
			p.File = uint32(file)
			return p, FormFile, nil
		}
	}
	switch len(b) {
	case change.PositionSize:
		p, err = change.ParsePosition(b)
		return p, FormOurs, err
	case 8:
		if p.Offset = binary.BigEndian.Uint64(b); p.Offset > math.MaxInt64 {
			return p, FormUnread, errors.New("the offset is negative")
		}
		return p, FormLong, nil
	case 4:
		p.Offset = uint64(binary.BigEndian.Uint32(b))
		return p, FormInt, nil
	}
	return p, FormUnread, fmt.Errorf("%s is not an offset: decimal digits, FILE:OFFSET, a long or an int were looked for", excerpt(b))
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// excerpt shows bytes that may be many.
func excerpt(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%q... of %d bytes", b[:40], len(b))
	}
	return fmt.Sprintf("%q", b)
}
