package onenode

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/clients"
)

// Options are what a run is made of. Draw chooses them by a seed.
type Options struct {
	Seed   uint64
	Attack time.Duration // how long there are faults
	Settle time.Duration // how long after them a new beginning may take: a session, a rebalance, retries
	Heal   time.Duration // how long after that everybody must get on

	Idempotent int // producers with sequence numbers, up to Window batches under way
	Plain      int // producers without, acks 1 or all
	Readers    int // consumers with partitions of their own choice
	Members    int // of the consumer group
	Committers int // that commit offsets without being members
	Partitions int // of the topic
	Window     int // of idempotent producers, 1 to 5

	// What the nemesis may do.
	Power, Kill, FailSync, FailWrite, FullDisk, Clock, Cuts, Pause, SlowDisk, Misbehave, DeleteRecords bool

	FailAt int     // let this operation of a kind fail with EIO, once; 0 is none
	FailOp disk.Op // of this kind

	Bug        Bug // planted; None in a real run
	TraceLines int // how many lines of the trace are kept
}

// Draw gives the options of a seed: each kind of fault is on in some runs and off in others, so that one does not hide
// what another would show.
func Draw(seed uint64) Options {
	r := sim.NewRand(seed).Fork("options")
	on := func() bool { return r.Chance(600) }
	o := Options{
		Seed: seed, Attack: 25 * time.Second, Settle: clients.SessionTimeout + clients.RebalanceTimeout + 2*clients.RequestTimeout, Heal: 6 * time.Second,
		Idempotent: 1 + r.IntN(2), Plain: r.IntN(2), Readers: 1 + r.IntN(2), Members: 2 + r.IntN(3), Committers: 1 + r.IntN(2),
		Partitions: 1 + r.IntN(4), Window: 1 + r.IntN(5),
		Power: on(), Kill: on(), FailSync: on(), FailWrite: on(), FullDisk: on(), Clock: on(), Cuts: on(), Pause: on(),
		SlowDisk: on(), Misbehave: on(), DeleteRecords: r.Chance(300),
		TraceLines: 2000,
	}
	if !o.Power && !o.Kill && !o.FailSync {
		o.Power = true
	}
	return o
}

// DrawFailure gives the options of a short run with one fault: the k-th operation of a kind fails. The power goes some
// time after the node gave up by that, and again at the end.
func DrawFailure(op disk.Op, k int) Options {
	return Options{
		Seed: uint64(k), Attack: 7 * time.Second, Settle: 6 * time.Second, Heal: 3 * time.Second,
		Idempotent: 1, Plain: 1, Readers: 1, Members: 2, Committers: 1, Partitions: 2, Window: 3, FailAt: k, FailOp: op,
		TraceLines: 2000,
	}
}

// String is the options in one line, for the report of a failure.
func (o Options) String() string {
	type plain Options // without this method
	return fmt.Sprintf("%+v", plain(o))
}
