package group

import "github.com/skein-io/skein/internal/record"

// Ends is where a partition's log begins and ends, as its leader said.
type Ends struct {
	LogStart      record.Offset
	HighWatermark record.Offset
}

// Lag is how far a group is behind in one partition. Each part is at least 0, whatever was committed. Offsets are counted:
// those that compaction has emptied, and those of markers, count too.
type Lag struct {
	Records int64 // from the committed offset, or from the log's start if that is later, to the high watermark
	Lost    int64 // from the committed offset to the log's start: retention or DeleteRecords took them
	Beyond  int64 // from the high watermark to the committed offset: nothing is there yet, or not any more
}

// LagOf compares a committed offset of at least 0 with the ends, which must have been read after it: then an offset that a
// consumer committed is not above the high watermark, for that never falls.
func LagOf(committed record.Offset, ends Ends) Lag {
	return Lag{
		Records: int64(max(0, ends.HighWatermark-max(committed, ends.LogStart))),
		Lost:    int64(max(0, ends.LogStart-committed)),
		Beyond:  int64(max(0, committed-ends.HighWatermark)),
	}
}

// LagWithout is the lag where nothing is committed: what is left to read depends on where the group's clients begin, unless
// there is nothing at all.
func LagWithout(ends Ends) (l Lag, known bool) { return Lag{}, ends.LogStart == ends.HighWatermark }

// LagMs is how long the first record that a group has not consumed has been waiting, in milliseconds: at least 0, also where
// its producer's clock runs ahead. next is the record's timestamp and at least 0.
func LagMs(now, next Instant) int64 { return int64(max(0, now-next)) }
