package broker

import (
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/coordinator"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/scene"
)

// Process is a broker's process between a start and its end, as the parts of this package see it.
type Process struct {
	World   *scene.World
	Machine *sim.Node
	Rand    *sim.Rand
	Ended   bool // nothing that it does counts any more

	API       *api.Node
	Host      *partition.Host
	Finder    *coordinator.Coordinator // knows which partition a group belongs to; it has no loops
	Groups    *Groups
	RoundSoon func() // has the Syncer and the controller work soon

	sequences map[int64]int32 // the newest of each producer; only planted bugs ask
}

// Now is the machine's wall clock, which the nemesis moves.
func (p *Process) Now() time.Time { return p.Machine.Wall() }

// Clock is the machine's monotonic clock.
func (p *Process) Clock() time.Time { return time.Unix(0, int64(p.Machine.Now())) }

// Random fills b.
func (p *Process) Random(b []byte) {
	for i := range b {
		b[i] = byte(p.Rand.Uint32())
	}
}

// Every repeats something by the machine's clock.
func (p *Process) Every(d time.Duration, do func()) {
	p.Machine.After(d, func() {
		if !p.Ended {
			do()
			p.Every(d, do)
		}
	})
}

// Runtime lets the APIs run in the simulation.
func (p *Process) Runtime() api.Runtime {
	return api.Runtime{
		Clock:  p.Clock,
		After:  func(d time.Duration, f func()) api.Timer { return p.Machine.After(d, f) },
		Go:     func(f func()) { p.Machine.After(0, f) },
		Random: func(below int32) int32 { return p.Rand.Int32N(below) },
	}
}

// dispatch gives a call to the groups or to the table of APIs.
func (p *Process) dispatch(c *api.Call) {
	if p.Ended {
		return
	}
	taken := p.intercept(c) || p.Groups.take(c)
	if !taken {
		p.API.Start(c)
	}
	p.RoundSoon()
}
