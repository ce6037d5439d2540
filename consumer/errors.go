package consumer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/skein-io/skein/consumer/internal/membership"
)

// Errors that one can ask for with errors.Is.
var (
	// ErrClosed: the consumer was closed.
	ErrClosed = errors.New("consumer: it is closed")
	// ErrConcurrentPoll: Poll, Subscribe or Close was called while another goroutine is in Poll or Close.
	ErrConcurrentPoll = errors.New("consumer: Poll is for one goroutine at a time")
	// ErrNoGroup: what was asked for needs a group.
	ErrNoGroup = errors.New("consumer: it has no group; give Group")
	// ErrNotAssigned: the partition is not this consumer's.
	ErrNotAssigned = errors.New("consumer: the partition is not assigned to it")
	// ErrSubscribed: Assign and Subscribe exclude each other.
	ErrSubscribed = errors.New("consumer: Assign and Subscribe exclude each other")
	// ErrRetriable: trying again may help.
	ErrRetriable = errors.New("retriable")
	// ErrFenced: another has this consumer's place: what it held may be in other hands.
	ErrFenced = errors.New("fenced")
	// ErrFatal: the consumer cannot go on as it is set up.
	ErrFatal = errors.New("fatal")
)

// GroupError is a refusal of the group's coordinator that ends the membership. It is ErrFenced if another member has
// the same group.instance.id, else ErrFatal.
type GroupError struct {
	Group string
	Doing string // the request
	Code  int16
	Text  string
}

func (e *GroupError) Error() string {
	return fmt.Sprintf("consumer: group %s: %s was refused: %s", e.Group, e.Doing, e.Text)
}

// Is reports the class of the error.
func (e *GroupError) Is(target error) bool {
	if e.Code == int16(membership.FencedInstanceID) {
		return target == ErrFenced
	}
	return target == ErrFatal
}

// Unwrap gives the error of the code, a *kerr.Error.
func (e *GroupError) Unwrap() error { return kerr.ErrorForCode(e.Code) }

// CommitError is a commit that was not carried out, or not for all partitions. It is ErrFenced if the member is not in
// the generation any more, ErrRetriable if time was too short.
type CommitError struct {
	Group string
	// Partitions are the ones that were not committed, if it was not all, each with its reason.
	Partitions map[TopicPartition]error
	class      error
	text       string
	cause      error
}

func (e *CommitError) Error() string {
	if len(e.Partitions) == 0 {
		return fmt.Sprintf("consumer: group %s: the commit failed: %s", e.Group, e.text)
	}
	names := make([]string, 0, len(e.Partitions))
	for p, err := range e.Partitions {
		names = append(names, fmt.Sprintf("%v: %v", p, err))
	}
	return fmt.Sprintf("consumer: group %s: not committed: %s", e.Group, strings.Join(names, "; "))
}

// Is reports the class of the error.
func (e *CommitError) Is(target error) bool { return target == e.class }

// Unwrap gives the cause.
func (e *CommitError) Unwrap() error { return e.cause }

// NoOffsetError: a partition has no position, and the policy is None. Seek sets one.
type NoOffsetError struct {
	Partition TopicPartition
	Position  int64 // the offset that is not in the log, or -1 if there was none
	Why       string
}

func (e *NoOffsetError) Error() string {
	return fmt.Sprintf("consumer: %v cannot be read on from offset %d: %s, and auto.offset.reset is none", e.Partition, e.Position, e.Why)
}

// CorruptError: a batch cannot be read. The partition is asked for again after a pause, which helps if the bytes were
// changed on the way; Seek to Next goes on without what is damaged.
type CorruptError struct {
	Partition TopicPartition
	Offset    int64 // the first that cannot be read
	Next      int64 // the first behind the damage; -1 if that is not known
	Reason    error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("consumer: %v cannot be read at offset %d: %v", e.Partition, e.Offset, e.Reason)
}

// Unwrap gives the reason.
func (e *CorruptError) Unwrap() error { return e.Reason }

// Is: it is ErrRetriable.
func (e *CorruptError) Is(target error) bool { return target == ErrRetriable }

// PartitionError is what a broker answers for a partition, where trying again does not help by itself: it is not
// authorised, or its topic does not exist. The partition is asked for again after a pause.
type PartitionError struct {
	Partition TopicPartition
	Err       error
}

func (e *PartitionError) Error() string { return fmt.Sprintf("consumer: %v: %v", e.Partition, e.Err) }

// Unwrap gives the broker's error, a *kerr.Error.
func (e *PartitionError) Unwrap() error { return e.Err }

// ConnectionError: brokers do not let the consumer in, or the consumer does not trust them: credentials or a certificate are
// wrong. It tries on, since both can be put right on the other side; Poll returns the error while it holds.
type ConnectionError struct{ Err error }

func (e *ConnectionError) Error() string { return "consumer: it cannot connect: " + e.Err.Error() }

// Unwrap gives the reason: a *kerr.Error of SASL, or an error of crypto/tls.
func (e *ConnectionError) Unwrap() error { return e.Err }

// TopicError: a topic of the subscription is refused: it is not authorised, or its name is impossible.
type TopicError struct {
	Topic string
	Err   error
}

func (e *TopicError) Error() string { return fmt.Sprintf("consumer: topic %s: %v", e.Topic, e.Err) }

// Unwrap gives the broker's error, a *kerr.Error.
func (e *TopicError) Unwrap() error { return e.Err }
