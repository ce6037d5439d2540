package pipeline

import (
	"context"
	"strings"
	"testing"

	"github.com/skein-io/skein/consumer/dedupe"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/pipeline/spec"
	"github.com/skein-io/skein/perceptor/sink"
)

// owned is a memory whose partition 0 belongs to another member until it is let go.
type owned struct {
	*memory
	asked  int // with tokens
	others bool
}

func (o *owned) ApplyFenced(ctx context.Context, tokens []dedupe.Token, changes []*change.Change, outcomes []sink.Outcome) error {
	o.mu.Lock()
	past := &sink.FencedError{}
	for _, t := range tokens {
		if o.asked++; o.others && t.Partition == 0 {
			past.Past = append(past.Past, &dedupe.FencedError{Token: t, Generation: t.Generation + 1})
		}
	}
	o.mu.Unlock()
	if len(past.Past) > 0 {
		return past
	}
	return o.Apply(ctx, changes, outcomes)
}

// A sink that knows generations is asked with them. What it refuses is counted and told, and is told as
// what holds the part up only if it goes on.
func TestRunFenced(t *testing.T) {
	inBubble(t, oneSinkFile, func(b *bed) {
		b.topic("skein.shop.a")
		b.put("a", 0, 1, 5)
		b.put("a", 1, 6, 5)
		to := &owned{memory: b.to, others: true}
		o := b.options()
		o.open = func(context.Context, *spec.Sink, []string) (sink.Sink, error) { return to, nil }
		end := b.start(o)
		b.until("the other partition, and refusals", func() bool {
			s := b.inspect().Sinks[0]
			return b.to.len() == 5 && len(s.Processes) == 1 && s.Processes[0].Sink.Fenced > 5
		})
		if p := b.inspect().Sinks[0].Processes[0]; p.State != Running || p.Problem != "" {
			t.Errorf("what another process has holds this one up: %+v", p)
		}
		b.until("it is told if it goes on", func() bool {
			p := b.inspect().Sinks[0].Processes[0]
			return p.State == Waiting && strings.Contains(p.Problem, "past owner")
		})
		to.mu.Lock()
		if to.others = false; to.asked == 0 {
			t.Error("nobody was asked with tokens")
		}
		to.mu.Unlock()
		b.until("all", func() bool { return b.to.len() == 10 && b.inspect().Sinks[0].Lag == 0 })
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}
