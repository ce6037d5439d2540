package client

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that say what is missing or what was given up. They are wrapped: use errors.Is.
var (
	ErrClosed        = errors.New("the HBase client is closed")
	ErrTableNotFound = errors.New("the HBase table does not exist")
	ErrNoFamily      = errors.New("the HBase table does not have the column family")
	ErrTooLarge      = errors.New("larger than HBase takes")
	// ErrUnavailable: it was tried again until the time was over.
	ErrUnavailable = errors.New("HBase did not take the call in time")
)

// ServerError is an exception that a server answered with.
type ServerError struct {
	// Class is the Java class, such as org.apache.hadoop.hbase.NotServingRegionException.
	Class   string
	Message string
	// final: the server said that trying again does not help.
	final bool
}

func (e *ServerError) Error() string {
	if e.Message == "" {
		return "HBase: " + e.Class
	}
	return fmt.Sprintf("HBase: %s: %s", e.short(), e.Message)
}

// Is ties the exceptions that have a name here to it.
func (e *ServerError) Is(target error) bool {
	switch target {
	case ErrTableNotFound:
		return e.short() == "TableNotFoundException"
	case ErrNoFamily:
		return e.short() == "NoSuchColumnFamilyException"
	case ErrTooLarge:
		return strings.Contains(e.Message, "with size") && strings.Contains(e.Message, "exceeds limit") // of a cell; it has no class of its own
	}
	return false
}

func (e *ServerError) short() string { return e.Class[strings.LastIndexByte(e.Class, '.')+1:] }

// exception makes a ServerError of a class and of a stack trace, of which the first line is worth keeping. It repeats the
// class.
func exception(class, trace string, final bool) *ServerError {
	line, _, _ := strings.Cut(trace, "\n")
	line = strings.TrimPrefix(strings.TrimSpace(line), class)
	if len(line) > maxMessage {
		line = line[:maxMessage] + "..."
	}
	return &ServerError{Class: class, Message: strings.TrimPrefix(line, ": "), final: final}
}

const maxMessage = 500

// A remedy is what helps against an error.
type remedy uint8

const (
	giveUp    remedy = iota // nothing: the caller is told
	waitOnly                // the server is busy: the same call again, later
	lookAgain               // the region is elsewhere: find it, then again
	reconnect               // the connection is gone: a new one, and look where the region is now
)

var remedies = map[string]remedy{
	"NotServingRegionException": lookAgain, "RegionMovedException": lookAgain, "RegionOpeningException": lookAgain,
	"RegionInRecoveryException": lookAgain, "WrongRegionException": lookAgain, "RegionServerStoppedException": lookAgain,
	"RegionServerAbortedException": lookAgain, "ServerNotRunningYetException": lookAgain, "FailedServerException": lookAgain,
	"RegionOfflineException": lookAgain,
	"RegionTooBusyException": waitOnly, "CallQueueTooBigException": waitOnly, "CallDroppedException": waitOnly,
	"CallTimedOutException": waitOnly, "RetryImmediatelyException": waitOnly, "MultiActionResultTooLarge": waitOnly,
	"RpcThrottlingException": waitOnly, "ThrottlingException": waitOnly, "PleaseHoldException": waitOnly,
	"MasterNotRunningException": lookAgain, "NotAllMetaRegionsOnlineException": lookAgain,
	"DroppedSnapshotException": waitOnly, "TimeoutIOException": waitOnly, "FailedSyncBeforeLogCloseException": lookAgain,
	"WALSyncTimeoutIOException": lookAgain,
	// A scanner that is gone: the caller of the scan opens another from the row that it has reached.
	"UnknownScannerException": lookAgain, "ScannerResetException": lookAgain, "OutOfOrderScannerNextException": lookAgain,
	"LeaseException": lookAgain,
}

// connectionError: the call may have been carried out, or not.
type connectionError struct {
	addr  string
	cause error
}

func (e *connectionError) Error() string { return fmt.Sprintf("HBase at %s: %v", e.addr, e.cause) }
func (e *connectionError) Unwrap() error { return e.cause }

// heal says what helps against an error. An exception that is not known is final if the server says so or if it is no
// plain IOException: guessing that it passes would hide it behind a time-out.
func heal(err error) remedy {
	var server *ServerError
	if errors.As(err, &server) {
		if r, known := remedies[server.short()]; known {
			return r
		}
		if !server.final && server.Class == "java.io.IOException" {
			return waitOnly
		}
		return giveUp
	}
	var gone *connectionError
	if errors.As(err, &gone) && !errors.Is(err, ErrClosed) {
		return reconnect
	}
	if errors.Is(err, errRegionUnsettled) {
		return lookAgain
	}
	return giveUp
}
