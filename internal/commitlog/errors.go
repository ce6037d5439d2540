package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// ErrClosed is wrapped by the errors of a log or directory that was closed or deleted.
var ErrClosed = errors.New("the log is closed")

// DamagedError says that bytes below the durable mark are not what was written. Nothing is cut: the log is refused
// until it is repaired from a replica or by hand.
type DamagedError struct {
	File     string        // name under the log directory
	Position int64         // byte in the file from which it cannot be read
	Offset   record.Offset // first offset that is lost
	Reason   string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged at position %d (offset %d): %s; it was durable once, so it is not cut: "+
		"refill the partition from a replica, or move the folder away", e.File, e.Position, e.Offset, e.Reason)
}

// RejectedError says which records made an append refused, for the RecordErrors of a Produce response (KIP-467). Its
// code is found by protocol.CodeOf.
type RejectedError struct {
	Records []record.RecordError // bounded; the index counts through all batches of the request
	cause   error
}

// rejected counts the records of one batch from the first of the request.
func rejected(refused *record.RecordErrors, index int32) *RejectedError {
	e := &RejectedError{Records: refused.Records, cause: refused}
	for i := range e.Records {
		e.Records[i].Index += index
	}
	return e
}

func (e *RejectedError) Error() string { return e.cause.Error() }

// Unwrap is the error with the code.
func (e *RejectedError) Unwrap() error { return e.cause }

// storageError is what a client is told when a file could not be used. Producers and consumers take it for a passing
// trouble: they ask for new metadata and come again.
func storageError(what string, err error) error {
	if _, ok := errors.AsType[*protocol.Error](err); ok {
		return err
	}
	return protocol.Fail(protocol.KafkaStorageError, "%s: %w", what, err)
}

// full says whether an error is about room, which returns, and not about the disk.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// exhausted says whether an error is about the limit of open files.
func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func present(err error) bool { return errors.Is(err, fs.ErrExist) }

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// invariant panics with both values: what it guards cannot happen unless skein itself is wrong.
func invariant(ok bool, what string, a, b any) {
	if !ok {
		panic(fmt.Sprintf("commitlog: %s: %v, %v", what, a, b))
	}
}
