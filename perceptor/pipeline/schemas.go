package pipeline

import (
	"context"

	"github.com/skein-io/skein/perceptor/change"
)

// schemas opens what completes the tables of a source's binlog.
type schemas func(ctx context.Context) (func(ctx context.Context, t *change.Table, at change.Position) (*change.Table, error), error)
