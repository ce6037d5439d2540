package cluster

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/check"
)

// rots is what has rotted: of each partition the files of one node at most, in all of a run, so that a minority of its replicas is
// damaged whatever else happens.
type rots struct {
	world     *world
	at        map[metadata.TopicPartition]metadata.NodeID
	repairing map[metadata.TopicPartition]bool // somebody has complained
	rand      *sim.Rand
}

// of is the node on which a partition has rotted, NoNode if on none.
func (r *rots) of(p metadata.TopicPartition) metadata.NodeID {
	if id, ok := r.at[p]; ok {
		return id
	}
	return metadata.NoNode
}

// spoilt takes the complaint of a client. Nothing in a node computes the checksums of what it sends to consumers, so a person has
// to act, by what a *commitlog.DamagedError says: the folder is moved away, and the node refills it.
func (r *rots) spoilt(at check.Partition, broker int) bool {
	p, id := metadata.TopicPartition{Topic: at.Topic, Partition: at.Index}, metadata.NodeID(broker+1)
	if r.of(p) != id {
		return false
	}
	if !r.repairing[p] {
		r.repairing[p] = true
		r.world.After(r.rand.Between(500*time.Millisecond, 3*time.Second), func() { r.repair(p, id) })
	}
	return true
}

// repair is done when another replica has all that is committed, as the image says.
func (r *rots) repair(p metadata.TopicPartition, id metadata.NodeID) {
	w, x := r.world, r.world.nodes[id-1]
	now := w.judge.newest.Partition(p)
	other := func(n metadata.NodeID) bool { return n != id }
	if now != nil && !slices.ContainsFunc(now.ISR, other) && !slices.ContainsFunc(now.ELR, other) {
		w.After(500*time.Millisecond, func() { r.repair(p, id) })
		return
	}
	r.repairing[p] = false
	w.Notef("the folder of %v is moved away from %s", p, x)
	w.Reach("damage repaired by hand")
	x.end(false, r.rand.Between(0, 500*time.Millisecond))
	if err := x.disk.RemoveAll(p.String()); err != nil {
		w.Notef("%s: %v", x, err)
	}
}

// syncMark makes the durable mark durable, and notes what it vouches for from now on.
func (l *life) syncMark() error {
	if err := l.dir.SyncMark(); err != nil || l.Ended {
		return err
	}
	for _, p := range l.Host.All() {
		l.node.vouched[p.Name] = p.Log().DurableEnd()
	}
	return nil
}

// lost tells the controller that what this node had of a partition is gone.
func (l *life) lost(topic protocol.UUID, partition int32, done func(error)) {
	if l.link == nil {
		done(protocol.Fail(protocol.NotController, "the broker is not registered yet"))
		return
	}
	l.world.Reach("damage told")
	if l.world.Has(DamageConcealed) {
		done(nil)
		return
	}
	l.link.ReplicaLost(topic, partition, done)
}

// decays lets bits rot until the attack is over.
func (n *nemesis) decays() {
	if !n.world.options.Rot {
		return
	}
	n.world.After(n.decay.Between(100*time.Millisecond, 3*time.Second), func() {
		if n.world.Attack {
			n.rot()
			n.decays()
		}
	})
}

// rot turns one bit over in the folder of a partition: in a segment below the durable mark, in its indexes, in a snapshot of
// producers, or in the leader epochs. What lies above the mark cannot be told from a torn tail, and is not touched.
//
// Not touched either:
//
//   - the base offset and the leader epoch in the header of a batch: the format, which is Kafka's, covers them by no checksum;
//   - the metadata log and what else the quorum has: raft takes what a voter has written down for kept, and one that has forgotten a
//     vote or an entry may have a majority contradict itself. So damage there has no remedy in the node: it is refused by name, and
//     the folder is taken from another voter by hand (package quorum);
//   - the checkpoint of high watermarks, Kafka's format again, without a checksum: a digit that has rotted is a high watermark, and
//     there is nothing in the log to hold against it;
//   - the durable mark, of which there are two copies, the older true but of less: with rot in what the newer alone vouches for it
//     would be two faults;
//   - meta.properties and the lock, which say whose directory it is: a start that refuses them is right.
func (n *nemesis) rot() {
	x := n.world.nodes[n.decay.IntN(len(n.world.nodes))]
	p := metadata.TopicPartition{Topic: topicName, Partition: int32(n.decay.IntN(n.world.options.Partitions))}
	if n.decay.Chance(250) {
		p = metadata.TopicPartition{Topic: metadata.ConsumerOffsetsTopic, Partition: int32(n.decay.IntN(offsetsPartitions))}
	}
	if id := n.world.rots.of(p); id != metadata.NoNode {
		x = n.world.nodes[id-1] // it is this one's turn, always
	}
	if x.hooked || n.ails { // to look at the files would be counted
		return
	}
	entries, err := x.disk.List(p.String())
	if err != nil {
		return // it has no replica
	}
	suffixes := []string{".log", ".log", ".log", ".index", ".timeindex", ".snapshot", "leader-epoch-checkpoint"}
	suffix := suffixes[n.decay.IntN(len(suffixes))]
	entries = slices.DeleteFunc(entries, func(e disk.Entry) bool { return !strings.HasSuffix(e.Name, suffix) || e.Size == 0 })
	if len(entries) == 0 {
		return
	}
	e := entries[n.decay.IntN(len(entries))]
	name := p.String() + "/" + e.Name
	bit := n.decay.Int64N(8 * e.Size)
	if suffix == ".log" {
		var ok bool
		if bit, ok = n.bitOfABatch(x, name, x.durable(p)); !ok {
			return
		}
	}
	n.world.Notef("%s: bit %d of %s is turned over", x, bit, name)
	if err := x.disk.Flip(name, bit); err != nil {
		n.world.Wrong("harness", x.String(), "%v", err)
		return
	}
	n.world.rots.at[p] = x.id
	n.world.Reach("rot in " + suffix)
	if n.decay.Chance(300) {
		n.world.After(n.decay.Between(0, 2*time.Second), func() {
			if n.world.Attack {
				x.end(n.losesPower(), n.down()) // a start may meet it
			}
		})
	}
}

// durable is the offset below which the durable mark on a node's disk vouches for a log.
func (n *node) durable(p metadata.TopicPartition) record.Offset {
	end := n.vouched[p]
	if l := n.life; l != nil && l.Host != nil {
		if hosted := l.Host.Find(p.Topic, p.Partition); hosted != nil {
			end = min(end, hosted.Log().DurableEnd())
		}
	}
	return end
}

// Where the fields stand in the header of a batch that no checksum covers but the length: base offset, length, leader epoch.
const (
	lengthAt = 8
	epochAt  = 12
	magicAt  = 16
)

// believed are the fields of a header that decide by themselves what a node does next, each by its place and size: attributes, last
// offset delta, producer id and epoch, first sequence.
var believed = []struct{ at, size int }{{21, 2}, {23, 4}, {43, 8}, {51, 2}, {53, 4}}

// bitOfHeader chooses a bit of a field that is believed, every other time its sign.
func (n *nemesis) bitOfHeader() int64 {
	f := believed[n.decay.IntN(len(believed))]
	if n.decay.Chance(500) {
		return 8*int64(f.at) + 7
	}
	return 8*int64(f.at) + n.decay.Int64N(8*int64(f.size))
}

// bitOfABatch chooses a bit of one of the batches that end below an offset.
func (n *nemesis) bitOfABatch(x *node, name string, below record.Offset) (bit int64, ok bool) {
	b, err := commitlog.ReadFile(x.disk, name, 1<<20)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, false
	}
	type span struct{ at, size int }
	var batches []span
	for at := 0; at < len(b); {
		batch, _, err := record.Split(b[at:])
		if err != nil || batch.LastOffset() >= below {
			break
		}
		batches = append(batches, span{at, batch.Length()})
		at += batch.Length()
	}
	if len(batches) == 0 {
		return 0, false
	}
	chosen := batches[n.decay.IntN(len(batches))]
	if n.world.options.RotHeaders {
		return 8*int64(chosen.at) + n.bitOfHeader(), true
	}
	at := magicAt + n.decay.IntN(chosen.size-magicAt)
	switch {
	case n.decay.Chance(100):
		at = lengthAt + n.decay.IntN(epochAt-lengthAt)
	case n.decay.Chance(200):
		at = magicAt + n.decay.IntN(record.HeaderSize-magicAt)
	}
	return 8*int64(chosen.at+at) + n.decay.Int64N(8), true
}
