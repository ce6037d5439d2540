package cluster

import (
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/clients"
	"github.com/skein-io/skein/internal/sim/scene"
)

// Options are what a run is made of. Draw chooses them by a seed.
type Options struct {
	Seed   uint64
	Nodes  int           // 3 to 5
	Attack time.Duration // how long there are faults
	Settle time.Duration // how long after them a new beginning may take: an election, sessions, a rebalance, retries
	Heal   time.Duration // how long after that everybody must get on

	Patient bool // it goes on for all of Settle and Heal, though all is well sooner

	Clients    clients.Counts
	Partitions int // of the topic
	Replicas   int16
	Window     int // of idempotent producers, 1 to 5

	MoveGroups bool // the operator moves partitions of __consumer_offsets, and with them the coordinators

	ZooKeeper bool // the metadata is in a ZooKeeper ensemble, not on raft

	// On ZooKeeper: a node more joins during the attack; one leaves for good; at rest the controller ends, and another is cut off.
	Grow, Shrink, Succession bool

	// What the nemesis may do.
	Power, Kill, Two, All, Cuts, Pause, Clock, SlowDisk, Misbehave, Leave, Rot, FailDisk, FullDisk bool

	// RotHeaders: of the batches that rot it is the fields of the header that nodes believe without reading the whole batch.
	RotHeaders bool

	Bug        scene.Bug // planted; None in a real run
	TraceLines int       // how many lines of the trace are kept
}

// committersMax is how many clients commit without being members. More than one of them sees whether a coordinator that was cut
// off from the others, and does not know it, answers OffsetFetch with what another has replaced.
const committersMax = 3

// Draw gives the options of a seed: each kind of fault is on in some runs and off in others, so that one does not hide
// what another would show.
func Draw(seed uint64) Options {
	r := sim.NewRand(seed).Fork("options")
	on := func() bool { return r.Chance(500) }
	o := Options{
		Seed: seed, Nodes: 3 + max(r.IntN(5)-2, 0), Attack: 20 * time.Second, Settle: 14 * time.Second, Heal: 5 * time.Second,
		Clients: clients.Counts{Idempotent: 1 + r.IntN(2), Plain: r.IntN(2), Readers: 1 + r.IntN(2), Members: r.IntN(4),
			Committers: r.IntN(committersMax + 1), Operator: on()},
		Partitions: 1 + r.IntN(3), Replicas: 3, Window: 1 + r.IntN(5),
		Power: on(), Kill: on(), Two: on(), All: r.Chance(300), Cuts: on(), Pause: on(), Clock: on(), SlowDisk: on(), Misbehave: on(), Leave: on(),
		TraceLines: 2000,
	}
	if !o.Power && !o.Kill {
		o.Power = true
	}
	o.Patient = r.Chance(250)
	o.MoveGroups = on()
	o.Rot, o.FailDisk, o.FullDisk = on(), on(), on()
	return o
}

// DrawZooKeeper gives the same with the metadata in a ZooKeeper ensemble.
func DrawZooKeeper(seed uint64) Options {
	o := Draw(seed)
	o.ZooKeeper = true
	return o
}

// DrawRot gives the options of a seed with rot in the headers of batches, on raft and on ZooKeeper in turn.
func DrawRot(seed uint64) Options {
	o := Draw(seed)
	o.ZooKeeper = seed%2 == 1
	o.Rot, o.RotHeaders = true, true
	return o
}

// String is the options in one line, for the report of a failure.
func (o Options) String() string {
	type plain Options // without this method
	return fmt.Sprintf("%+v", plain(o))
}
