package cluster

import (
	"bytes"
	"hash/fnv"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/partition"
	"github.com/skein-io/skein/internal/record"
)

// fingerprint is the hash of an image at an offset, and who had it.
type fingerprint struct {
	sum  uint64
	node string
}

// fingerprintsEach is of how many offsets one is compared: walking all of an image takes time.
const fingerprintsEach = 4

// shown takes an image that a node shows: at one offset all have the same (C18), and no leader epoch goes back (C14).
func (j *judge) shown(l *life, image *metadata.Image) {
	if image.Offset > j.newest.Offset {
		for topic := range j.newest.Topics() {
			after := image.TopicByID(topic.ID)
			if after == nil {
				continue
			}
			for p := range topic.Partitions() {
				if now := after.Partition(p.Index); now == nil || now.LeaderEpoch < p.LeaderEpoch || now.Epoch < p.Epoch {
					j.world.Wrong("epoch-back", topic.Name, "partition %d was %+v at offset %d and is %+v at %d", p.Index, p, j.newest.Offset, now, image.Offset)
				}
			}
		}
		j.newest = image
	}
	if image.Offset%fingerprintsEach != 0 {
		return
	}
	sum := fingerprintOf(image)
	before, known := j.images[image.Offset]
	if known && before.sum != sum {
		j.world.Wrong("images", l.node.String(), "the image at offset %d is another than that of %s", image.Offset, before.node)
	}
	j.images[image.Offset] = fingerprint{sum, l.node.String()}
}

func fingerprintOf(image *metadata.Image) uint64 {
	h := fnv.New64a()
	var b []byte
	for r := range image.Records() {
		b = metadata.AppendRecords(b[:0], r)
		h.Write(b) //nolint:errcheck // hash.Hash never fails
	}
	return h.Sum64()
}

// replicasAreEqual compares what is below the high watermark of every partition on all its replicas (C15).
func (j *judge) replicasAreEqual() {
	for topic := range j.newest.Topics() {
		for p := range topic.Partitions() {
			j.isEqual(topic, p)
		}
	}
}

func (j *judge) isEqual(topic *metadata.Topic, p *metadata.Partition) {
	var hosted []*partition.Partition
	start, end := record.Offset(0), record.MaxOffset
	for _, id := range p.Replicas {
		l := j.world.nodes[id-1].life
		if l == nil {
			continue // found already
		}
		h := l.Host.FindByID(topic.ID, p.Index)
		if h == nil {
			j.world.Wrong("replicas", topic.Name, "%s does not host partition %d", l.node, p.Index)
			continue
		}
		hosted = append(hosted, h)
		start, end = max(start, h.LogStart()), min(end, h.HighWatermark())
	}
	var first []byte
	for i, h := range hosted {
		b, whole := j.committed(p.Replicas[i], h, start, end)
		if !whole && j.world.rots.of(h.Name) == p.Replicas[i] {
			j.world.Reach("damage that nobody has met")
			continue
		}
		if first == nil {
			first = b
		} else if !bytes.Equal(first, b) {
			j.world.Wrong("replicas", h.Name.String(), "nodes %d and %d differ between %d and %d: %d and %d bytes", p.Replicas[0], p.Replicas[i], start, end, len(first), len(b))
		}
	}
}

// committed is the bytes of a replica between two offsets. whole is false if they are damaged; that is wrong unless the nemesis did it.
func (j *judge) committed(node metadata.NodeID, p *partition.Partition, from, end record.Offset) (all []byte, whole bool) {
	for from < end {
		slice, err := p.Read(from, end, 1<<20, true)
		if err != nil {
			if j.world.rots.of(p.Name) != node {
				j.world.Wrong("replicas", p.Name.String(), "node %d cannot read offset %d of its log: %v", node, from, err)
			}
			return all, false
		}
		b, err := slice.ReadAll()
		slice.Release()
		if err != nil || len(b) == 0 {
			return all, true
		}
		all = append(all, b...)
		for len(b) > 0 {
			batch, rest, err := record.Split(b)
			if err == nil {
				err = batch.Check()
			}
			if err != nil {
				if j.world.rots.of(p.Name) != node {
					j.world.Wrong("replicas", p.Name.String(), "node %d: a batch near offset %d: %v", node, from, err)
				}
				return all, false
			}
			from, b = batch.NextOffset(), rest
		}
	}
	return all, true
}
