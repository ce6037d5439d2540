package rows

import (
	"fmt"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/change"
)

// MariaDB has times with a fraction of a format of its own, from before it took MySQL's: those of tables made with
// mysql56_temporal_format=OFF, or before 10.1.2. The binlog has the old type for them and does not tell the digits: the schema has to.
// All are numbers that grow with the time, big-endian, in units of the last digit.
var (
	hiresTimeBytes     = [7]int{3, 4, 4, 5, 5, 5, 6}
	hiresDateTimeBytes = [7]int{5, 6, 6, 7, 7, 7, 8}
	hiresFractionBytes = [7]int{0, 1, 1, 2, 2, 3, 3}
	hiresUnits         = [7]int64{1_000_000, 100_000, 10_000, 1_000, 100, 10, 1}
)

func (c *column) hires(b []byte) (change.Value, int, error) {
	n := 4 + hiresFractionBytes[c.scale]
	switch c.wire {
	case event.Time:
		n = hiresTimeBytes[c.scale]
	case event.DateTime:
		n = hiresDateTimeBytes[c.scale]
	}
	if n > len(b) {
		return change.Value{}, 0, errCut
	}
	unit := hiresUnits[c.scale]
	var v change.Value
	var err error
	switch b = b[:n]; c.wire {
	case event.Time:
		const zero = (838*3600 + 59*60 + 59 + 1) * 1_000_000
		micro := (int64(bigEndian(b)) - zero/unit) * unit
		if micro <= -zero || micro >= zero {
			return v, n, fmt.Errorf("a time of %d microseconds", micro)
		}
		v = change.TimeValue(micro)
	case event.DateTime:
		// Mixed radix: 13 months, 32 days, 24 hours, 60 minutes, 60 seconds.
		count := bigEndian(b)
		if count > 10_000*13*32*86_400*uint64(1_000_000/unit) {
			return v, n, fmt.Errorf("a DATETIME of %d", count)
		}
		micro := int64(count) * unit
		seconds := uint64(micro / 1_000_000)
		days := seconds / 86_400
		v, err = dateTime(days/32/13, days/32%13, days%32, seconds/3600%24, seconds/60%60, seconds%60, micro%1_000_000)
	default:
		v, err = timestamp(bigEndian(b[:4]), int64(bigEndian(b[4:]))*unit)
	}
	return v, n, err
}
