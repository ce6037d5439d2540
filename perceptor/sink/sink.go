// Package sink is what the places have in common that changes are written to.
package sink

import (
	"context"

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
