// Package sink is what the places have in common that changes are written to.
package sink

import (
	"context"
	"errors"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
)

// Outcome is what became of one change.
type Outcome struct {
	// Verdict says what was done with it. It is 0 if Err is set.
	Verdict change.Verdict
	// Stored is the row's version that made the sink discard the change, if the sink has read it.
	Stored change.Version
	// Err: this change cannot be written, and trying again does not help: a column that the target does not have, a value
	// that does not fit. The others of the batch are not concerned.
	Err error
}

// Sink writes changes where an older one must never overwrite a newer one.
type Sink interface {
	// Apply writes a batch, and fills outcomes, which has one for each change. Changes of one row may be several; they
	// need not be in order. If it returns an error, some may have been written: the caller applies the whole batch again,
	// later or never, and acknowledges nothing of it until Apply returns nil.
	//
	// It may be called from several goroutines at the same time, and from several processes, with changes of the same row.
	Apply(ctx context.Context, changes []*change.Change, outcomes []Outcome) error
	// Close ends the connections. Open calls of Apply fail.
	Close() error
}

// Truncater is a Sink that can take all rows of a table that are older than a truncate: those that are there, and those that
// come late.
type Truncater interface {
	Sink
	// Truncate returns when no older row is left. The outcome is as in Apply, of the truncate among the truncates of its table;
	// its Err is ErrTruncate if the sink is not configured for it. An error means that some rows may be gone: it is called
	// again, and acknowledged when it returns nil. It may take as long as the table is large, and others may write meanwhile.
	Truncate(ctx context.Context, c *change.Change) (Outcome, error)
}

// ErrTruncate is of a truncate that a sink does not apply.
var ErrTruncate = errors.New("the sink does not apply truncates: the rows stay")

// Fenced is a Sink that refuses writers of a past generation of their consumer group, in the transaction in which it writes.
type Fenced interface {
	Sink
	// ApplyFenced is Apply in the name of tokens, one for each partition that the changes were read from, with the latest
	// generation in which the caller got records of it. The error is a *FencedError if a newer generation has shown itself in
	// one of them: then the changes of that partition are another member's.
	ApplyFenced(ctx context.Context, tokens []dedupe.Token, changes []*change.Change, outcomes []Outcome) error
}

// FencedError refuses a batch because of partitions that another member of the group has by now.
type FencedError struct {
	// Past are the refused tokens. There may be more that were not looked at.
	Past []*dedupe.FencedError
}

func (e *FencedError) Error() string {
	var all []error
	for _, one := range e.Past {
		all = append(all, one)
	}
	return "the sink refuses a past owner of a partition: " + errors.Join(all...).Error()
}

// Is: it is dedupe.ErrFenced.
func (e *FencedError) Is(target error) bool { return target == dedupe.ErrFenced }

// Has reports whether the partition is among those that another member has.
func (e *FencedError) Has(p dedupe.Partition) bool {
	for _, one := range e.Past {
		if one.Token.Of() == p {
			return true
		}
	}
	return false
}
