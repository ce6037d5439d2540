package broker

import (
	"time"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/coordinator"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
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

// dispatch gives a call to the groups or to the table of APIs. What it refuses at once it must not have appended: clients may
// take that for definite. One that waited for other replicas may be refused and still come to be committed.
func (p *Process) dispatch(r *request) {
	if p.Ended {
		return
	}
	c := r.call
	hosted := p.producedTo(c)
	var end record.Offset
	if hosted != nil {
		end = hosted.LogEnd()
	}
	taken := p.intercept(c) || p.Groups.take(c)
	if !taken {
		p.API.Start(c)
	}
	if hosted != nil && !p.Ended && r.refusal != protocol.None && hosted.LogEnd() > end {
		p.World.Wrong("refused-append", hosted.Name.String(), "%s appended at %d and answered %v at once", p.Machine.Name(), end, r.refusal)
	}
	p.RoundSoon()
}

// producedTo is the partition that a call wants to append to, nil if there is none here.
func (p *Process) producedTo(c *api.Call) *partition.Partition {
	r, ok := c.Request.(*protocol.ProduceRequest)
	if !ok {
		return nil
	}
	return p.Host.Find(r.TopicData[0].Name, r.TopicData[0].PartitionData[0].Index)
}
