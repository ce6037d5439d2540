package envelope

import (
	"time"

	"github.com/skein-io/skein/perceptor/change"
)

const dayMicros = 24 * 3600 * 1_000_000

// epochDays is the day's number, 0 for 1970-01-01; ok is false for what is no day of a calendar, as 0000-00-00 or
// 2024-02-30, which MySQL may let pass.
func epochDays(year, month, day int) (days int64, ok bool) {
	if month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(year, month) {
		return 0, false
	}
	// Years begin in March, so that the leap day is the last of its year.
	y, m := int64(year), int64(month)
	if m <= 2 {
		y, m = y-1, m+12
	}
	era := floorDiv(y, 400)
	ofEra := y - era*400
	ofYear := (153*(m-3)+2)/5 + int64(day) - 1
	return era*146_097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719_468, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// dateOfDays is the day with this number; ok is false outside of the years 0 to 9999.
func dateOfDays(days int64) (change.Value, bool) {
	if days < -719_528 || days > 2_932_896 {
		return change.Value{}, false
	}
	y, m, d := time.Unix(days*24*3600, 0).UTC().Date()
	return change.DateValue(y, int(m), d), true
}

// dateTimeOfMicros is the day and time that is so long after 1970-01-01 00:00:00, in a clock without a zone.
func dateTimeOfMicros(micros int64) (change.Value, bool) {
	days := floorDiv(micros, dayMicros)
	date, ok := dateOfDays(days)
	if !ok {
		return change.Value{}, false
	}
	y, m, d := date.Day()
	return change.DateTimeValue(y, m, d, micros-days*dayMicros), true
}

// microsOfDateTime is the inverse.
func microsOfDateTime(v change.Value) (int64, bool) {
	days, ok := epochDays(v.Day())
	return days*dayMicros + v.TimeOfDay(), ok
}
