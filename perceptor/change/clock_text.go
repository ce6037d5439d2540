package change

import "time"

func (v Value) appendDay(dst []byte) []byte {
	year, month, day := v.Day()
	dst = appendDigits(dst, int64(year), 4)
	dst = append(dst, '-')
	dst = appendDigits(dst, int64(month), 2)
	dst = append(dst, '-')
	return appendDigits(dst, int64(day), 2)
}

// appendClock appends hours, minutes and seconds; there may be more than 24 hours.
func appendClock(dst []byte, microseconds int64, digits int) []byte {
	if microseconds < 0 {
		dst = append(dst, '-')
		microseconds = -microseconds
	}
	seconds, fraction := microseconds/1e6, microseconds%1e6
	dst = appendDigits(dst, seconds/3600, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, seconds/60%60, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, seconds%60, 2)
	if digits <= 0 {
		return dst
	}
	dst = append(dst, '.')
	at := len(dst)
	dst = appendDigits(dst, fraction, 6)
	return dst[:at+min(digits, 6)]
}

func appendMoment(dst []byte, microseconds int64, digits int) []byte {
	if microseconds == ZeroTimestamp {
		return DateTimeValue(0, 0, 0, 0).AppendText(dst, digits)
	}
	t := time.UnixMicro(microseconds).UTC()
	year, month, day := t.Date()
	ofDay := int64(t.Hour()*3600+t.Minute()*60+t.Second())*1e6 + int64(t.Nanosecond()/1000)
	return DateTimeValue(year, int(month), day, ofDay).AppendText(dst, digits)
}

// appendDigits appends n with at least width digits.
func appendDigits(dst []byte, n int64, width int) []byte {
	var digits [20]byte
	at := len(digits)
	for n > 0 || len(digits)-at < width {
		at--
		digits[at] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, digits[at:]...)
}
