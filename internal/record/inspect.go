package record

import (
	"math"
	"runtime"
)

// Unlimited is the message.timestamp.before.max.ms or .after.max.ms that refuses nothing.
const Unlimited int64 = math.MaxInt64

// Checks says what ValidateRecords asks of each record. Structure, offsets and count are always checked where the
// records are walked at all; the fields add to that. The zero value is a topic that takes keyless records and,
// with both bounds 0, only records of this very millisecond: set the bounds.
type Checks struct {
	// RequireKeys refuses records without a key, per record with INVALID_RECORD: cleanup.policy has compact.
	RequireKeys bool
	// LogAppendTime is message.timestamp.type=LogAppendTime: the records' own times do not matter.
	LogAppendTime bool
	// Now is the broker's time, in milliseconds since 1970, that the next two are counted from. All three are at least
	// 0.
	Now int64
	// BeforeMax is message.timestamp.before.max.ms: an older record is refused with INVALID_TIMESTAMP. Records with
	// NoTimestamp are exempt, as in Kafka.
	BeforeMax int64
	// AfterMax is message.timestamp.after.max.ms, the same for records of the future.
	AfterMax int64
	// TrustCompressed leaves compressed records as they are where neither keys nor times must be checked: RequireKeys
	// is off, and LogAppendTime is on or both bounds are Unlimited. Header and CRC have been checked then, but what the
	// CRC covers may be no records at all, which every consumer then stumbles over, and MaxTimestamp is what the client
	// claims. Kafka always decompresses; so does skein by default.
	TrustCompressed bool
}

// Inspection is what walking the records of a batch has shown.
type Inspection struct {
	// Walked is false when TrustCompressed spared the walk; the other fields then repeat the header's claims.
	Walked bool
	// MaxTimestamp is the largest of the records' timestamps. Where the header has another, SetMaxTimestamp corrects
	// it.
	MaxTimestamp int64
	// MaxTimestampDelta is the offset delta of the first record with MaxTimestamp (ListOffsets asks for it as -3). It
	// is the batch's last if the records were not walked.
	MaxTimestampDelta int32
	// RecordBytes is the size of the records without compression.
	RecordBytes int
}

// ValidateRecords walks the records of a batch that Validate has accepted, as a leader must before it appends it:
//
//   - each record lies within the batch, its fields within the record, and nothing is left over (INVALID_RECORD),
//   - there are Count of them, and their offset deltas are 0, 1, 2 and so on (INVALID_RECORD),
//   - decompressed they are within limits (MESSAGE_TOO_LARGE),
//   - each has what checks ask for: the error is then a *RecordErrors.
//
// Records that are not compressed are walked in place, without a copy: what is touched is the front of each record.
// Decompression takes place in as many goroutines at a time as there are processors, so that memory stays bounded.
func (b Batch) ValidateRecords(limits Limits, checks Checks) (Inspection, error) {
	if b.Codec() != None && checks.TrustCompressed && !checks.RequireKeys && !checks.timed() {
		return Inspection{MaxTimestamp: b.MaxTimestamp(), MaxTimestampDelta: b.LastOffsetDelta(), RecordBytes: len(b.payload())}, nil
	}
	defer b.takeTurn()()
	return b.inspect(limits, checks)
}

// decompressing bounds how many hostile batches are blown up at the same time. Waiting for a place costs nothing: the
// work is all processor.
var decompressing = make(chan struct{}, runtime.GOMAXPROCS(0))

// takeTurn waits for a place to decompress the batch, which the function it returns gives up. One that is not
// compressed needs none.
func (b Batch) takeTurn() (done func()) {
	if b.Codec() == None {
		return func() {}
	}
	decompressing <- struct{}{}
	return func() { <-decompressing }
}

func (b Batch) inspect(limits Limits, checks Checks) (Inspection, error) {
	r := b.Records(limits)
	defer r.Close()
	seen := Inspection{Walked: true, MaxTimestamp: NoTimestamp, RecordBytes: len(r.rest)}
	earliest, latest := checks.window()
	var wrong *RecordErrors
	for {
		timestamp, keyed, ok := r.look()
		if !ok {
			break
		}
		if timestamp > seen.MaxTimestamp {
			seen.MaxTimestamp, seen.MaxTimestampDelta = timestamp, r.last
		}
		if checks.RequireKeys && !keyed {
			wrong = wrong.addKeyless(r.last)
		} else if (timestamp < earliest || timestamp > latest) && timestamp != NoTimestamp {
			wrong = wrong.addUntimely(r.last, timestamp, earliest, latest)
		}
	}
	if r.Err() != nil {
		return seen, r.Err()
	}
	if wrong != nil {
		return seen, wrong.finish(b.Count())
	}
	return seen, nil
}

// timed says whether a record's time can be refused.
func (c Checks) timed() bool {
	return !c.LogAppendTime && (c.BeforeMax != Unlimited || c.AfterMax != Unlimited)
}

// window is the first and the last timestamp that is taken.
func (c Checks) window() (earliest, latest int64) {
	earliest, latest = math.MinInt64, math.MaxInt64
	if c.LogAppendTime {
		return earliest, latest
	}
	if c.BeforeMax != Unlimited {
		earliest = c.Now - c.BeforeMax
	}
	if c.AfterMax <= math.MaxInt64-c.Now {
		latest = c.Now + c.AfterMax
	}
	return earliest, latest
}
