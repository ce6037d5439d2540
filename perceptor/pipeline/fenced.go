package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// ApplyFenced implements sink.Fenced. A sink that refuses nobody is asked without tokens.
func (w *watched) ApplyFenced(ctx context.Context, tokens []dedupe.Token, changes []*change.Change, outcomes []sink.Outcome) error {
	fenced, able := w.Sink.(sink.Fenced)
	if !able {
		return w.Apply(ctx, changes, outcomes)
	}
	return w.apply(ctx, changes, outcomes, func() error { return fenced.ApplyFenced(ctx, tokens, changes, outcomes) })
}

// past is since when changes are refused because other processes have their partitions.
type past struct {
	mu    sync.Mutex
	since time.Time
}

// pastMax is how long that may go on until it is told as a problem. Who has lost a partition learns of it sooner; if the group was
// deleted its generations begin again, and each is a past one until somebody does something.
const pastMax = 30 * time.Second

// tooLong notes that changes were refused, and says whether that has gone on for too long.
func (p *past) tooLong(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		p.since = now
	}
	return now.Sub(p.since) > pastMax
}

func (p *past) over() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = time.Time{}
}
