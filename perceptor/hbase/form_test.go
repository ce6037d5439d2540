package hbase

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

func long(n int64) string   { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }
func whole(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

func TestParseTime(t *testing.T) {
	const at = 1_700_000_000 // 2023-11-14 22:13:20 UTC
	east := time.FixedZone("east", 3600)
	for _, test := range []struct {
		text string
		unit Unit
		ms   int64
		form Form // FormUnread: an error
	}{
		{"1700000000", UnitAuto, at * 1000, FormTextSeconds},
		{"1700000000123", UnitAuto, at*1000 + 123, FormTextMillis},
		{"1700000000123999", UnitAuto, at*1000 + 123, FormTextMicros},
		{"315532800", UnitAuto, 315532800000, FormTextSeconds},
		{"315532799", UnitAuto, 0, FormUnread}, // a second before 1980
		{"315532799", UnitSeconds, 315532799000, FormTextSeconds},
		{"4102444800", UnitAuto, 0, FormUnread}, // 2100
		{"0", UnitAuto, 0, FormTextMillis},
		{"7", UnitMillis, 7, FormTextMillis},
		{"7", UnitMicros, 0, FormTextMicros},
		{"253402300799999", UnitMillis, 253402300799999, FormTextMillis},
		{"253402300800000", UnitMillis, 0, FormUnread},
		{"99999999999999999999", UnitAuto, 0, FormUnread},
		{"-1700000000", UnitAuto, 0, FormUnread},
		{"20231114221320", UnitAuto, at * 1000, FormTextDate},
		{"20231114", UnitAuto, 1699920000000, FormTextDate},
		{"20231114", UnitSeconds, 20231114000, FormTextSeconds},
		{"20231314", UnitAuto, 0, FormUnread},
		{"2023-11-14 22:13:20", UnitAuto, at * 1000, FormTextDate},
		{"2023-11-14 22:13:20", UnitMicros, at * 1000, FormTextDate},
		{"2023-11-14T22:13:20.123456", UnitAuto, at*1000 + 123, FormTextDate},
		{"2023-11-14T23:13:20+01:00", UnitAuto, at * 1000, FormTextDate},
		{"2023-11-14T22:13:20Z", UnitAuto, at * 1000, FormTextDate},
		{"2023-11-14", UnitAuto, 1699920000000, FormTextDate},
		{"1969-12-31 23:59:59", UnitAuto, 0, FormUnread},
		{"2023-02-30 00:00:00", UnitAuto, 0, FormUnread},
		{long(at), UnitAuto, at * 1000, FormLongSeconds},
		{long(at * 1000), UnitAuto, at * 1000, FormLongMillis},
		{long(at * 1_000_000), UnitAuto, at * 1000, FormLongMicros},
		{long(0), UnitAuto, 0, FormLongMillis},
		{long(5), UnitAuto, 0, FormUnread},
		{long(5), UnitMillis, 5, FormLongMillis},
		{long(-5), UnitMillis, 0, FormUnread},
		{long(math.MaxInt64), UnitMicros, 0, FormUnread},
		{"12:30:00", UnitAuto, 0, FormUnread}, // 8 bytes, and no long of a year before 10000
		{"12:30:00", UnitMicros, 0, FormUnread},
		{whole(at), UnitAuto, at * 1000, FormIntSeconds},
		{whole(5), UnitSeconds, 5000, FormIntSeconds},
		{whole(5), UnitAuto, 0, FormUnread},
		{"1234", UnitAuto, 825373492000, FormIntSeconds}, // of 1996 as an int, of 1970 as a text
		{"1234", UnitSeconds, 1234000, FormTextSeconds},
		{"1234", UnitMillis, 1234, FormTextMillis},
		{"", UnitAuto, 0, FormUnread},
		{"\x01\x02\x03", UnitSeconds, 0, FormUnread},
		{"yesterday", UnitAuto, 0, FormUnread},
		{strings.Repeat("9", 1000), UnitAuto, 0, FormUnread},
	} {
		ms, form, err := parseTime([]byte(test.text), test.unit, time.UTC)
		if (err != nil) != (test.form == FormUnread) || form != test.form || err == nil && ms != test.ms {
			t.Errorf("%.40q, unit %d: %d, %s, %v", test.text, test.unit, ms, form, err)
		}
	}
	if ms, _, err := parseTime([]byte("2023-11-14 23:13:20"), UnitAuto, east); ms != at*1000 || err != nil {
		t.Errorf("in another zone: %d, %v", ms, err)
	}
}

func TestParseOffset(t *testing.T) {
	for _, test := range []struct {
		text string
		want change.Position
		form Form
	}{
		{"1234", change.Position{Offset: 1234}, FormText},
		{"12345678", change.Position{Offset: 12345678}, FormText},
		{"18446744073709551615", change.Position{Offset: math.MaxUint64}, FormText},
		{"18446744073709551616", change.Position{}, FormUnread},
		{"mysql-bin.000007:1234", change.Position{File: 7, Offset: 1234}, FormFile},
		{"mysql-bin.1:1234", change.Position{File: 1, Offset: 1234}, FormFile}, // 16 bytes
		{"7:1234", change.Position{File: 7, Offset: 1234}, FormFile},
		{"mysql-bin:1234", change.Position{}, FormUnread},
		{"mysql-bin.7:x", change.Position{}, FormUnread},
		{long(1234), change.Position{Offset: 1234}, FormLong},
		{long(-1), change.Position{}, FormUnread},
		{whole(1234), change.Position{Offset: 1234}, FormInt},
		{string(change.Position{File: 1, Offset: 2, Row: 3}.Append(nil)), change.Position{File: 1, Offset: 2, Row: 3}, FormOurs},
		{"", change.Position{}, FormUnread},
		{"somewhere", change.Position{}, FormUnread},
	} {
		got, form, err := parseOffset([]byte(test.text))
		if (err != nil) != (test.form == FormUnread) || form != test.form || err == nil && got != test.want {
			t.Errorf("%q: %s, %s, %v", test.text, got, form, err)
		}
	}
}

// Whatever the bytes: a time that is read is one that this sink can order.
func FuzzForeignCells(f *testing.F) {
	for _, text := range []string{"1700000000", long(1700000000), whole(1700000000), "2023-11-14 22:13:20", "mysql-bin.000007:1234", "20231114221320"} {
		f.Add([]byte(text), uint8(0))
	}
	f.Fuzz(func(t *testing.T, b []byte, unit uint8) {
		ms, form, err := parseTime(b, Unit(unit%4), time.UTC)
		if (err != nil) != (form == FormUnread) || ms < 0 || ms > timeMax {
			t.Errorf("%q: %d, %s, %v", b, ms, form, err)
		}
		if _, form, err := parseOffset(b); (err != nil) != (form == FormUnread) {
			t.Errorf("%q: %s, %v", b, form, err)
		}
	})
}
