package cluster

import (
	"context"
	"log/slog"
	"strings"
)

// noting is a log that goes into the trace of the run.
type noting struct {
	world *world
	who   string
}

// Enabled implements slog.Handler.
func (n noting) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (n noting) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(" " + a.String())
		return true
	})
	n.world.Notef("%s: %s%s", n.who, r.Message, b.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (n noting) WithAttrs([]slog.Attr) slog.Handler { return n }

// WithGroup implements slog.Handler.
func (n noting) WithGroup(string) slog.Handler { return n }
