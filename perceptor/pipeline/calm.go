package pipeline

import (
	"context"
	"log/slog"
)

// calm tells of each try of each record only where debugging is wanted: while a target is away hundreds of records are tried again,
// and that the sink waits is told once.
type calm struct{ slog.Handler }

// Handle implements slog.Handler.
func (c calm) Handle(ctx context.Context, r slog.Record) error {
	again := false
	r.Attrs(func(a slog.Attr) bool {
		again = again || a.Key == "again in"
		return !again
	})
	if again && !c.Handler.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (c calm) WithAttrs(attrs []slog.Attr) slog.Handler { return calm{c.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (c calm) WithGroup(name string) slog.Handler { return calm{c.Handler.WithGroup(name)} }
