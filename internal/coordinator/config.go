package coordinator

import (
	"log/slog"
	"time"

	"github.com/skein-io/skein/internal/group"
)

// Config is what the Coordinator is told by its operator.
type Config struct {
	Group         group.Config
	CommitTimeout time.Duration // offsets.commit.timeout.ms
	// BatchBytesMax is where a batch ends, if it can. UnitBytesMax is the most that one request may write: larger is
	// refused. They are not message.max.bytes, for a group of ten thousand members does not fit into that.
	BatchBytesMax int
	UnitBytesMax  int
	// InboxMax is how many requests may wait for one loop. More are refused.
	InboxMax int
	// RecorderEvents is how many events the flight recorder of one loop keeps.
	RecorderEvents int
	// Log takes what happens to groups. nil: nothing is logged.
	Log *slog.Logger
	// Observe is called with each Note on the loop's goroutine, for metrics. It may be nil.
	Observe func(group.Note)
}

// DefaultConfig is Kafka's defaults, and skein's own.
func DefaultConfig() Config {
	return Config{
		Group:          group.DefaultConfig(),
		CommitTimeout:  5 * time.Second,
		BatchBytesMax:  1 << 20,
		UnitBytesMax:   64 << 20,
		InboxMax:       1 << 16,
		RecorderEvents: 512,
	}
}

const (
	// drainMax is how many requests one round takes from the inbox before it writes.
	drainMax = 1024
	// timersEvery rounds the timers ring even if the inbox is never empty.
	timersEvery = 16
	// reloadAfter is the wait before a loop whose log failed tries to load it again.
	reloadAfter = time.Second
)
