package metadata

import (
	"cmp"
	"iter"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Topic is one topic of an image.
type Topic struct {
	Name string
	ID   protocol.UUID

	partitions tree[int32, *Partition] // 0 to Len()-1, without a gap
}

// Len is the number of partitions.
func (t *Topic) Len() int { return t.partitions.size }

// Partition returns one partition, or nil if the topic has none of that number.
func (t *Topic) Partition(index int32) *Partition {
	p, _ := t.partitions.get(index, cmp.Compare[int32])
	return p
}

// Partitions walks the partitions by number.
func (t *Topic) Partitions() iter.Seq[*Partition] {
	return func(yield func(*Partition) bool) {
		for _, p := range t.partitions.all() {
			if !yield(p) {
				return
			}
		}
	}
}

// ReplicationFactor is the number of replicas of the first partition, as Kafka counts it.
func (t *Topic) ReplicationFactor() int {
	if p := t.Partition(0); p != nil {
		return len(p.Replicas)
	}
	return 0
}

// Partition is the cluster's knowledge of one partition. Its slices belong to the image: nobody changes them.
type Partition struct {
	Index int32
	// Leader is the node that takes reads and writes, NoNode if no replica that may lead is alive.
	Leader      NodeID
	LeaderEpoch record.LeaderEpoch // grows with every election, also of the same leader
	Epoch       PartitionEpoch     // grows with every change
	Replicas    []NodeID           // in assignment order: the first is the preferred leader
	ISR         []NodeID           // in-sync replicas
	// Adding and Removing are the replicas that a reassignment in progress adds and removes.
	Adding, Removing []NodeID
	// ELR and LastKnownELR are the eligible leader replicas of KIP-966.
	ELR, LastKnownELR []NodeID
	Directories       []protocol.UUID // log directory of each replica (KIP-858), in the order of Replicas, or none
	Recovering        bool            // the leader was elected uncleanly and has not recovered yet
}

// Reassigning says whether the partition is being moved to other replicas (KIP-455).
func (p *Partition) Reassigning() bool { return len(p.Adding) > 0 || len(p.Removing) > 0 }

func nodeIDs(ids []int32) []NodeID {
	if len(ids) == 0 {
		return nil
	}
	nodes := make([]NodeID, len(ids))
	for i, id := range ids {
		nodes[i] = NodeID(id)
	}
	return nodes
}

// Int32s turns node ids into what the wire and the records hold. nil stays nil.
func Int32s(nodes []NodeID) []int32 {
	if nodes == nil {
		return nil
	}
	ids := make([]int32, len(nodes))
	for i, n := range nodes {
		ids[i] = int32(n)
	}
	return ids
}
