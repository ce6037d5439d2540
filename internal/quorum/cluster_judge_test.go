package quorum

import (
	"fmt"
	"hash/maphash"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim"
)

// judge knows what has happened, and says what must not: two leaders in one epoch, two entries at one index, two images at
// one offset, something confirmed that is gone or is confirmed again as something else.
type judge struct {
	seed   uint64
	failed error // the first violation

	leaders map[uint64]metadata.NodeID // by term
	since   map[uint64]sim.Instant     // when it was first seen that somebody led in a term
	entries map[uint64]string          // by index: term and content, as first applied
	images  map[record.Offset]uint64   // hashes
	hash    maphash.Seed

	topics   map[string]protocol.UUID // confirmed
	blocks   map[int64]bool           // first ids of blocks of producer ids that were given away
	changes  int                      // of the members
	installs map[string]bool          // leaders' snapshots that were installed: node and index
	last     map[*Node]record.Offset
}

func newJudge(seed uint64) *judge {
	return &judge{
		seed: seed, leaders: map[uint64]metadata.NodeID{}, since: map[uint64]sim.Instant{}, entries: map[uint64]string{}, images: map[record.Offset]uint64{},
		hash: maphash.MakeSeed(), topics: map[string]protocol.UUID{}, blocks: map[int64]bool{},
		installs: map[string]bool{}, last: map[*Node]record.Offset{},
	}
}

func (j *judge) failf(format string, args ...any) {
	if j.failed == nil {
		j.failed = fmt.Errorf("seed %d: %s", j.seed, fmt.Sprintf(format, args...))
	}
}

// applied sees what a node takes for committed.
func (j *judge) applied(entries []*raftpb.Entry) {
	for _, e := range entries {
		content := fmt.Sprintf("%d %d %s", e.GetTerm(), e.GetType(), e.GetData())
		if before, ok := j.entries[e.GetIndex()]; ok && before != content {
			j.failf("entry %d is %.200q, and was %.200q", e.GetIndex(), content, before)
		}
		j.entries[e.GetIndex()] = content
	}
}

// look sees a node after its work.
func (j *judge) look(n *clusterNode) {
	status := n.node.raft.BasicStatus()
	if status.RaftState == raft.StateLeader {
		term := status.GetTerm()
		if other, ok := j.leaders[term]; ok && other != n.id {
			j.failf("nodes %d and %d both lead in epoch %d", other, n.id, term)
		}
		if _, ok := j.leaders[term]; !ok {
			j.since[term] = n.c.world.Now()
		}
		j.leaders[term] = n.id
	}
	if at := n.node.state.state.replacedIndex; at > 0 {
		j.installs[fmt.Sprint(n.id, " ", at)] = true
	}
	image := n.node.Image()
	last, ok := j.last[n.node]
	if ok && image.Offset < last {
		j.failf("the image of node %d goes back from offset %d to %d", n.id, last, image.Offset)
	}
	if ok && image.Offset == last || image.Offset < 0 {
		return
	}
	j.last[n.node] = image.Offset
	if image.Offset%16 == 0 || !ok {
		j.compare(n.id, image)
	}
}

func (j *judge) compare(id metadata.NodeID, image *metadata.Image) {
	h := maphash.String(j.hash, dump(image))
	if other, ok := j.images[image.Offset]; ok && other != h {
		j.failf("node %d has another image at offset %d than others", id, image.Offset)
	}
	j.images[image.Offset] = h
}

// created notes that a topic was confirmed.
func (j *judge) created(name string, id protocol.UUID) {
	if before, ok := j.topics[name]; ok && before != id {
		j.failf("topic %s was confirmed as %s and as %s", name, before, id)
	}
	j.topics[name] = id
}

// beaten sees a heartbeat answered, by the controller of a term: nobody led in a later term when it was sent.
func (j *judge) beaten(term uint64, sent sim.Instant) {
	for later, since := range j.since {
		if later > term && since < sent {
			j.failf("a heartbeat that was sent at %v is answered by the leader of epoch %d; epoch %d had begun at %v", sent, term, later, since)
		}
	}
}

// given notes that a block of producer ids was given away.
func (j *judge) given(first int64) {
	if j.blocks[first] {
		j.failf("the producer ids from %d on were given away twice", first)
	}
	j.blocks[first] = true
}

// complete says whether an image has everything that was confirmed.
func (j *judge) complete(id metadata.NodeID, image *metadata.Image) {
	for name, topic := range j.topics {
		if t := image.Topic(name); t == nil || t.ID != topic {
			j.failf("node %d has not topic %s, which was confirmed", id, name)
			return
		}
	}
	for first := range j.blocks {
		if first >= image.NextProducerID() {
			j.failf("node %d gives producer id %d, which was given away", id, image.NextProducerID())
			return
		}
	}
}

// level says whether every member is there and has what the leader has.
func (c *cluster) level() bool {
	leader := c.leader()
	if leader == nil {
		return false
	}
	want := leader.node.Image()
	return !slices.ContainsFunc(leader.node.Members(), func(m Member) bool {
		n := c.nodes[m.ID-1]
		return n.node == nil || n.node.Image().Offset != want.Offset || dump(n.node.Image()) != dump(want)
	})
}
