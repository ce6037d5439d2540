package rows

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/change"
)

// fractionUnits are the microseconds that one unit of a fraction is, by the bytes that it has.
var fractionUnits = [4]int64{0, 10_000, 100, 1}

func (c *column) temporal(b []byte) (change.Value, int, error) {
	switch c.wire {
	case event.Time, event.DateTime, event.Timestamp:
		if c.scale > 0 {
			return c.hires(b)
		}
	}
	fraction := (c.scale + 1) / 2
	n := 0
	switch c.wire {
	case event.Time:
		n = 3
	case event.Time2:
		n = 3 + fraction
	case event.DateTime:
		n = 8
	case event.DateTime2:
		n = 5 + fraction
	case event.Timestamp:
		n = 4
	case event.Timestamp2:
		n = 4 + fraction
	}
	if n > len(b) {
		return change.Value{}, 0, errCut
	}
	var v change.Value
	var err error
	switch b = b[:n]; c.wire {
	case event.Time:
		v, err = oldTime(b)
	case event.Time2:
		v, err = time2(b, fraction)
	case event.DateTime:
		v, err = oldDateTime(littleEndian(b))
	case event.DateTime2:
		v, err = dateTime2(b, fraction)
	case event.Timestamp:
		v, err = timestamp(littleEndian(b), 0)
	case event.Timestamp2:
		v, err = timestamp(bigEndian(b[:4]), int64(bigEndian(b[4:]))*fractionUnits[fraction])
	}
	return v, n, err
}

// oldTime is HHMMSS as a number of three bytes with a sign (before MySQL 5.6).
func oldTime(b []byte) (change.Value, error) {
	n := int64(int32(littleEndian(b)<<8)) >> 8
	sign := int64(1)
	if n < 0 {
		sign, n = -1, -n
	}
	return clock(sign, n/10_000, n/100%100, n%100, 0)
}

// time2 is a number that grows with the time: 0x800000 is zero, hour 10 bits, minute 6, second 6, fraction. A negative
// time is the number's complement, fraction and all.
func time2(b []byte, fraction int) (change.Value, error) {
	width := 24 + 8*fraction
	n := int64(bigEndian(b)) - 1<<(width-1)
	sign := int64(1)
	if n < 0 {
		sign, n = -1, -n
	}
	micro := n & (1<<(8*fraction) - 1) * fractionUnits[fraction]
	n >>= 8 * fraction
	return clock(sign, n>>12, n>>6&63, n&63, micro)
}

func clock(sign, hour, minute, second, micro int64) (change.Value, error) {
	if hour > 838 || minute > 59 || second > 59 || micro > 999_999 {
		return change.Value{}, fmt.Errorf("a time of %d:%d:%d and %d microseconds", hour, minute, second, micro)
	}
	return change.TimeValue(sign * ((hour*3600+minute*60+second)*1_000_000 + micro)), nil
}

// oldDateTime is YYYYMMDDhhmmss as a number (before MySQL 5.6).
func oldDateTime(n uint64) (change.Value, error) {
	day, clock := n/1_000_000, n%1_000_000
	return dateTime(day/10_000, day/100%100, day%100, clock/10_000, clock/100%100, clock%100, 0)
}

// dateTime2 is a number that grows with the time: 2^39 is added, then 13 times the year and the month 17 bits, day 5, hour 5,
// minute 6, second 6.
func dateTime2(b []byte, fraction int) (change.Value, error) {
	n := bigEndian(b[:5])
	if n < 1<<39 {
		return change.Value{}, fmt.Errorf("a DATETIME before the year 0 (%#x)", n)
	}
	n -= 1 << 39
	month := n >> 22
	return dateTime(month/13, month%13, n>>17&31, n>>12&31, n>>6&63, n&63, int64(bigEndian(b[5:]))*fractionUnits[fraction])
}

func dateTime(year, month, day, hour, minute, second uint64, micro int64) (change.Value, error) {
	if year > 9999 || month > 12 || day > 31 || hour > 23 || minute > 59 || second > 59 || micro > 999_999 {
		return change.Value{}, fmt.Errorf("a DATETIME of %d-%d-%d %d:%d:%d and %d microseconds", year, month, day, hour, minute, second, micro)
	}
	return change.DateTimeValue(int(year), int(month), int(day), int64(hour*3600+minute*60+second)*1_000_000+micro), nil
}

func timestamp(seconds uint64, micro int64) (change.Value, error) {
	if micro > 999_999 {
		return change.Value{}, fmt.Errorf("a TIMESTAMP with %d microseconds", micro)
	}
	if seconds == 0 && micro == 0 {
		return change.TimestampValue(change.ZeroTimestamp), nil
	}
	return change.TimestampValue(int64(seconds)*1_000_000 + micro), nil
}
