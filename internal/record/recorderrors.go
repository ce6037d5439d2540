package record

import (
	"fmt"

	"github.com/skein-io/skein/internal/protocol"
)

// recordErrorsMax bounds the list of one batch. Kafka has no bound; a client looks at the list to tell its user.
const recordErrorsMax = 256

// RecordError says which record of a batch is refused and why (KIP-467). A Produce response lists them.
type RecordError struct {
	Index   int32 // within the batch, from 0
	Message string
}

// RecordErrors is the error of a batch of which some records are refused. The whole batch is: its code is
// INVALID_TIMESTAMP if one record's time is out of range, else INVALID_RECORD. protocol.CodeOf finds it.
type RecordErrors struct {
	Records []RecordError // at most 256, in order
	more    int           // records refused beyond those
	code    protocol.Code
	fail    *protocol.Error
}

// Error is code and reason.
func (e *RecordErrors) Error() string { return e.fail.Error() }

// Unwrap returns the *protocol.Error that stands for the batch.
func (e *RecordErrors) Unwrap() error { return e.fail }

func (e *RecordErrors) addKeyless(index int32) *RecordErrors {
	e, room := e.room(protocol.InvalidRecord)
	if room {
		e.Records = append(e.Records, RecordError{index, "a compacted topic takes no record without a key"})
	}
	return e
}

func (e *RecordErrors) addUntimely(index int32, timestamp, earliest, latest int64) *RecordErrors {
	e, room := e.room(protocol.InvalidTimestamp)
	if room {
		message := fmt.Sprintf("timestamp %d is out of range: the topic takes %d to %d (message.timestamp.before.max.ms, message.timestamp.after.max.ms)", timestamp, earliest, latest)
		e.Records = append(e.Records, RecordError{index, message})
	}
	return e
}

// room makes the list for its first entry and says whether it takes another.
func (e *RecordErrors) room(code protocol.Code) (*RecordErrors, bool) {
	if e == nil {
		e = &RecordErrors{code: code}
	}
	if code == protocol.InvalidTimestamp {
		e.code = code
	}
	if len(e.Records) == recordErrorsMax {
		e.more++
		return e, false
	}
	return e, true
}

func (e *RecordErrors) finish(count int32) *RecordErrors {
	first := e.Records[0]
	e.fail = protocol.Fail(e.code, "%d of %d records are refused; record %d: %s", len(e.Records)+e.more, count, first.Index, first.Message)
	return e
}
