package figure

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Sizes is how much each figure does. Bytes are of payload.
type Sizes struct {
	Touch        int64 // written and deleted before each measurement
	Produce      int64 // of each produce figure
	Warm         int64 // of the uncounted run before it
	Consume      int64 // in the topic that is consumed
	Laps         int   // how often it is consumed in one measurement
	Poll         int64 // in the topic that the libraries read
	Keyed        int   // records that are handled by key
	Floor        int64
	Latency      time.Duration
	Commits      time.Duration
	Members      int           // that join at once, and of the group that one leaves
	Steady       time.Duration // of the groups before a member is killed, leaves or joins
	Idle         time.Duration // before memory is read
	Partitions   int
	Restart      int64 // in the log when the broker is killed
	RestartTurns int
	Crowd        int // members of one group
	Load         int // groups with committed offsets
	LoadTurns    int
}

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
)

// Full is the size of the figures in docs/benchmarks.md.
func Full() Sizes {
	return Sizes{
		Touch: 8 * gib, Produce: 2 * gib, Warm: 2 * gib, Consume: 2 * gib, Laps: 3, Poll: gib / 2, Keyed: 32_000, Floor: 2 * gib,
		Latency: 15 * time.Second, Commits: 5 * time.Second, Members: 500, Steady: 11 * time.Second,
		Idle: 10 * time.Second, Partitions: 5000, Restart: 10 * gib, RestartTurns: 3,
		Crowd: 10_000, Load: 50_000, LoadTurns: 3,
	}
}

// Quick is for a look in between.
func Quick() Sizes {
	return Sizes{
		Touch: 2 * gib, Produce: gib, Warm: gib, Consume: gib / 2, Laps: 2, Poll: gib / 8, Keyed: 16_000, Floor: gib,
		Latency: 5 * time.Second, Commits: 3 * time.Second, Members: 500, Steady: 11 * time.Second,
		Idle: 3 * time.Second, Partitions: 5000, Restart: 2 * gib, RestartTurns: 1,
		Crowd: 10_000, Load: 50_000, LoadTurns: 1,
	}
}

// Tiny shows whether everything runs. Its figures mean nothing.
func Tiny() Sizes {
	return Sizes{
		Touch: 16 * mib, Produce: 64 * mib, Warm: 16 * mib, Consume: 32 * mib, Laps: 1, Poll: 8 * mib, Keyed: 1_600, Floor: 64 * mib,
		Latency: 2 * time.Second, Commits: time.Second, Members: 50, Steady: 4 * time.Second,
		Idle: time.Second, Partitions: 200, Restart: 64 * mib, RestartTurns: 1,
		Crowd: 300, Load: 1000, LoadTurns: 1,
	}
}

// brief is a line for the progress.
func brief(v values) string {
	var all []string
	for name, value := range v {
		all = append(all, fmt.Sprintf("%s=%.4g", name, value))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
