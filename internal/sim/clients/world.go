package clients

import (
	"time"

	"github.com/skein-io/skein/internal/sim/check"
	"github.com/skein-io/skein/internal/sim/scene"
)

// World is a run with what its clients have to know.
type World struct {
	*scene.World
	Addresses  []string // of the brokers' listeners, host:port; at least one
	Topic      string
	Partitions int    // of it
	Replicas   int16  // of it
	Group      string // that has members
	Ledger     string // the group without
	Window     int    // batches that an idempotent producer has under way, 1 to 5
	Misbehave  bool   // members may do what they should not

	// Spoilt takes that a client was given bytes of a partition, by the broker of that number, whose checksum is wrong, and says
	// whether that may be: the harness has damaged the replica. nil is never.
	Spoilt func(at check.Partition, broker int) bool

	GroupPartitions int // of __consumer_offsets, if the operator moves them; else 0
}

// Timeouts of the members, by their clocks.
const (
	SessionTimeout   = 3 * time.Second
	RebalanceTimeout = 4 * time.Second
	joinLimit        = RebalanceTimeout + 4*time.Second
	beatInterval     = 400 * time.Millisecond
)

// RequestTimeout is how long a client waits for an answer before it gives its connection up. CommitTimeout is
// offsets.commit.timeout.ms of the brokers.
const (
	RequestTimeout = 4 * time.Second
	CommitTimeout  = 5 * time.Second
)
