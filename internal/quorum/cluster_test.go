package quorum

import (
	"errors"
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
)

// cluster is some Manual nodes on simulated disks, with clocks of their own and a network of messages between them, from a
// seed. What a test does with them, and what must hold, is elsewhere.
type cluster struct {
	seed   uint64
	world  *sim.World
	rand   *sim.Rand
	net    *mailNet
	nodes  []*clusterNode // by id, from 1 on
	judge  *judge
	faults faults // planted in every node
}

// clusterNode is one machine of the cluster: a disk, a clock, and now and then a life.
type clusterNode struct {
	c     *cluster
	id    metadata.NodeID
	clock *sim.Node
	fs    *disk.Simulated
	disk  int // counts disks: a node that was removed comes back with an empty one

	dir   *commitlog.Dir
	node  *Node // nil while it is down
	life  int
	timer *sim.NodeTimer

	voters  []Member        // with whom the cluster began; nil: this node joins
	banned  bool            // certainly no member; it loses its disk
	crashIn int             // calls of the disk until the power is lost; 0: it is not
	lost    *disk.Simulated // what is left of the disk, once the power is lost in the middle of the work
}

func newCluster(seed uint64, size, voters int, planted faults) *cluster {
	world := sim.NewWorld(sim.WorldOptions{Seed: seed, TraceLinesMax: 20_000})
	c := &cluster{seed: seed, world: world, rand: world.Rand("cluster"), faults: planted, judge: newJudge(seed)}
	c.net = &mailNet{world: world, rand: world.Rand("mail"), cuts: map[[2]metadata.NodeID]bool{}}
	var first []Member
	for id := range voters {
		first = append(first, c.member(metadata.NodeID(id+1)))
	}
	for i := range size {
		n := &clusterNode{c: c, id: metadata.NodeID(i + 1), clock: world.NewNode(fmt.Sprint("n", i+1))}
		if i < voters {
			n.voters = first
		}
		n.newDisk()
		c.nodes = append(c.nodes, n)
	}
	return c
}

func (c *cluster) member(id metadata.NodeID) Member {
	return Member{ID: id, Address: fmt.Sprintf("node-%d:9093", id), Voter: true}
}

func (n *clusterNode) newDisk() {
	n.disk++
	n.fs = disk.NewSimulated(disk.SimulatedOptions{Seed: n.c.seed<<8 | uint64(n.id)<<4 | uint64(n.disk), TraceLinesMax: 1})
}

func (n *clusterNode) directory() protocol.UUID { return protocol.UUID{byte(n.id), byte(n.disk), 1} }

// at is what the node's clock shows.
func (n *clusterNode) at() time.Time {
	return time.Unix(1_800_000_000, 0).Add(time.Duration(n.clock.Now()))
}

// start opens the node on its disk.
func (n *clusterNode) start() {
	if n.clock.Alive() {
		return
	}
	n.clock.Start(func() {
		n.life++
		n.hook()
		err := n.guard(n.open)
		n.after(err)
	})
}

func (n *clusterNode) open() error {
	dir, err := commitlog.OpenDir(n.fs, commitlog.DirConfig{
		NodeID: int32(n.id), ClusterID: "cluster", Manual: true, DirectoryID: n.directory()})
	if err != nil {
		return err
	}
	random := n.c.world.Rand(fmt.Sprint("node ", n.id, " life ", n.life))
	config := testConfig(uint64(n.life))
	config.Dir, config.FS, config.NodeID, config.Manual, config.Now, config.Register = dir, n.fs, n.id, true, n.at, nil
	config.Address, config.Voters, config.Join = n.c.member(n.id).Address, n.voters, n.voters == nil
	config.Transport, config.SnapshotBytes, config.faults = &mailbox{n, n.life}, 3000, n.c.faults
	config.Controller.SessionTimeout = time.Minute
	config.Random = func(b []byte) {
		for i := range b {
			b[i] = byte(random.Uint32())
		}
	}
	node, err := Open(config)
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	n.dir, n.node = dir, node
	node.applying = n.c.judge.applied
	return nil
}

// hook counts the calls of the disk down to the loss of power.
func (n *clusterNode) hook() {
	n.fs.SetHook(func(call disk.Call) error {
		switch {
		case n.lost != nil:
			return disk.ErrCrashed
		case n.crashIn == 0 || !call.Op.Changes():
			return nil
		}
		if n.crashIn--; n.crashIn == 0 {
			n.c.world.Notef("n%d loses power at %v %s", n.id, call.Op, call.Name)
			n.lost = n.fs.CrashClone(n.c.world.Rand(fmt.Sprint("crash ", n.id, " ", n.life)))
			return disk.ErrCrashed
		}
		return nil
	})
}

// guard runs something of the node; a panic is a failure like any other.
func (n *clusterNode) guard(run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return run()
}

// work lets the node do what there is to do.
func (n *clusterNode) work() {
	n.clock.Run(func() {
		if n.node == nil {
			return
		}
		n.after(n.guard(func() error { return n.node.Work(n.at()) }))
	})
}

// after looks at what the node has done, and says when it works again.
func (n *clusterNode) after(err error) {
	switch {
	case n.lost != nil:
		n.fs, n.lost = n.lost, nil
		n.down()
		return
	case err != nil:
		n.c.judge.failf("node %d stops by itself: %v", n.id, err)
		n.down()
		return
	}
	n.c.judge.look(n)
	if n.timer != nil {
		n.timer.Stop()
		n.timer = nil
	}
	if at, ok := n.node.deadline(); ok {
		n.timer = n.clock.After(max(at.Sub(n.at()), 0), n.work)
	}
}

// crash is a loss of power between two pieces of work.
func (n *clusterNode) crash() {
	if n.node != nil {
		n.fs = n.fs.Crash()
		n.down()
	}
}

func (n *clusterNode) down() {
	n.node, n.dir, n.timer, n.crashIn = nil, nil, nil, 0
	n.clock.Crash()
}

// close ends the node in good order.
func (n *clusterNode) close() {
	if n.node == nil || n.crashIn > 0 {
		return
	}
	if err := errors.Join(n.node.Close(), n.dir.Close()); err != nil {
		n.c.judge.failf("node %d does not close: %v", n.id, err)
	}
	n.down()
}

// leader is the node that is the controller, nil if there is none; of two, which can be for a while, that of the later
// epoch.
func (c *cluster) leader() (found *clusterNode) {
	for _, n := range c.nodes {
		if n.node != nil && n.node.seat.Controller.Leading() && (found == nil || n.node.term > found.node.term) {
			found = n
		}
	}
	return found
}

// run lets the world go on.
func (c *cluster) run(d time.Duration) {
	if err := c.world.Run(c.world.Now().Add(d)); err != nil {
		c.judge.failf("%v", err)
	}
}

// until lets the world go on until something is so, and says whether it is.
func (c *cluster) until(limit time.Duration, so func() bool) bool {
	if so() {
		return true
	}
	ok, err := c.world.RunUntil(c.world.Now().Add(limit), so)
	if err != nil {
		c.judge.failf("%v", err)
	}
	return ok
}

// ask submits a request to a node. done is not called if the node ends before it answers.
func (n *clusterNode) ask(request protocol.Message, done func(protocol.Message, error)) {
	life := n.life
	n.clock.Run(func() {
		if n.node == nil {
			return
		}
		n.node.Submit(request, 6, func(m protocol.Message, err error) {
			if n.life == life && n.lost == nil {
				done(m, err)
			}
		})
		n.work()
	})
}

// change asks a node for a change of the members, which call says.
func (n *clusterNode) change(call func(*Node, func([]Member, error)), done func([]Member, error)) {
	life := n.life
	n.clock.Run(func() {
		if n.node == nil {
			return
		}
		call(n.node, func(m []Member, err error) {
			if n.life == life && n.lost == nil {
				done(m, err)
			}
		})
		n.work()
	})
}

// mailNet carries messages: late, twice, in another order, or not at all. Chances are in 1000 messages.
type mailNet struct {
	world             *sim.World
	rand              *sim.Rand
	drop, twice, slow int
	cuts              map[[2]metadata.NodeID]bool // from, to
}

// mailbox is the transport of one life of a node.
type mailbox struct {
	from *clusterNode
	life int
}

func (m *mailbox) Send(to Member, messages [][]byte) {
	n := m.from
	if n.lost != nil || n.life != m.life || int(to.ID) > len(n.c.nodes) {
		return
	}
	for _, b := range messages {
		n.c.net.carry(n, n.c.nodes[to.ID-1], b)
	}
}

func (net *mailNet) carry(from, to *clusterNode, b []byte) {
	if net.rand.Chance(net.drop) {
		return
	}
	net.deliver(from, to, b)
	if net.rand.Chance(net.twice) {
		net.deliver(from, to, b)
	}
}

func (net *mailNet) deliver(from, to *clusterNode, b []byte) {
	delay := net.rand.Between(500*time.Microsecond, 5500*time.Microsecond)
	if net.rand.Chance(net.slow) {
		delay = net.rand.Between(0, 800*time.Millisecond)
	}
	sender, receiver := from.disk, to.disk
	net.world.After(delay, func() {
		// What was under way when a node lost its disk belongs to another node: its connections are gone.
		if net.cuts[[2]metadata.NodeID{from.id, to.id}] || from.disk != sender || to.disk != receiver {
			return
		}
		to.clock.Run(func() {
			if to.node == nil {
				return
			}
			err := to.node.Receive(from.id, [][]byte{b})
			if code := protocol.CodeOf(err); err != nil && code != protocol.ThrottlingQuotaExceeded && to.node.Err() == nil {
				to.c.judge.failf("node %d refuses a message of node %d: %v", to.id, from.id, err)
			}
			to.work()
		})
	})
}
