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
	// RecorderEvents and RecorderBytesMax bound what the flight recorder of one loop keeps.
	RecorderEvents   int
	RecorderBytesMax int
	// Log takes what happens to groups. nil: nothing is logged.
	Log *slog.Logger
	// Crashed is called when a loop comes to a state that must not be, before the process ends by the panic: with the
	// flight recorder's lines, which "skein debug replay" reads. It may be nil.
	Crashed func(partition int32, recording []byte)
	// Observe is called with each Note on the loop's goroutine, for metrics. It may be nil.
	Observe func(group.Note)
}

// DefaultConfig is Kafka's defaults, and skein's own.
func DefaultConfig() Config {
	return Config{
		Group:            group.DefaultConfig(),
		CommitTimeout:    5 * time.Second,
		BatchBytesMax:    1 << 20,
		UnitBytesMax:     64 << 20,
		InboxMax:         1 << 16,
		RecorderEvents:   512,
		RecorderBytesMax: 256 << 10,
	}
}

const (
	// drainMax is how many requests one round takes from the inbox before it writes.
	drainMax = 1024
	// timersEvery rounds the timers ring even if the inbox is never empty.
	timersEvery = 16
	// joinSkipsMax is how often the end of a join phase is put off because more joins wait: a client that floods a group
	// does not keep it from working.
	joinSkipsMax = 256
	// stallMin is how late a loop must be to take it that the process stood still, and stallGrace how long it then listens
	// before a timer rings: the members' heartbeats are in the sockets, but not in the inbox yet.
	stallMin   = time.Second
	stallGrace = time.Second
	// leaseLook is how often a loop that has stopped because its log was not leased looks whether it is again.
	leaseLook = 50 * time.Millisecond
	// reloadAfter is the wait before a loop whose log failed tries to load it again.
	reloadAfter = time.Second
)
