package controller

import (
	"fmt"
	"slices"

	"github.com/skein-io/skein/internal/metadata"
)

// transition is one change of one partition.
type transition struct {
	image *metadata.Image // before it
	event Event
	topic *metadata.Topic
	p, q  *metadata.Partition // before and after
}

// String is for messages.
func (x *transition) String() string {
	return fmt.Sprintf("%T changes %s-%d from %+v to %+v", x.event, x.topic.Name, x.p.Index, *x.p, *x.q)
}

func (k *checker) transition(x *transition) {
	p, q := x.p, x.q
	k.count(x)
	k.must(q.Epoch == p.Epoch+1, "%s: the partition epoch", x)
	k.must(q.LeaderEpoch == p.LeaderEpoch || q.LeaderEpoch == p.LeaderEpoch+1, "%s: the leader epoch", x)
	k.must(q.Leader == p.Leader || q.LeaderEpoch > p.LeaderEpoch, "%s: another leader in the same epoch", x)
	_, alters := x.event.(*AlterPartition)
	for _, r := range q.ISR {
		if !slices.Contains(p.ISR, r) {
			k.must(alters && x.image.Broker(r).Active() || !alters && r == q.Leader || x.cancels(), "%s: %d enters the ISR", x, r)
		}
	}
	if x.unclean() {
		k.must(x.uncleanAllowed(), "%s: unclean, and not allowed", x)
		k.must(len(q.ELR) == 0 && len(q.ISR) == 1, "%s: unclean, and more than the leader counts", x)
	} else {
		k.keepsEligible(x)
	}
	k.completion(x)
}

func (k *checker) count(x *transition) {
	p, q := x.p, x.q
	elected := q.Leader != p.Leader && q.Leader != metadata.NoNode
	for name, seen := range map[string]bool{
		"an eligible replica elected":         elected && slices.Contains(p.ELR, q.Leader),
		"the last known leader elected":       elected && len(p.ISR) == 0 && slices.Equal(p.LastKnownELR, []metadata.NodeID{q.Leader}),
		"an unclean election":                 x.unclean(),
		"a move completed":                    p.Reassigning() && !q.Reassigning() && !x.cancels(),
		"a move given up":                     p.Reassigning() && !q.Reassigning() && x.cancels(),
		"a move given up uncleanly":           x.cancels() && q.Recovering && !p.Recovering,
		"recovered":                           p.Recovering && !q.Recovering,
		fmt.Sprintf("changes by %T", x.event): true,
	} {
		if seen {
			k.saw[name]++
		}
	}
}

func (x *transition) cancels() bool {
	e, ok := x.event.(*AlterPartitionReassignments)
	return ok && e.Request.Topics[0].Partitions[0].Replicas == nil
}

// unclean says whether somebody leads, or is alone in the ISR, who need not have what was committed.
func (x *transition) unclean() bool {
	known := func(r metadata.NodeID) bool {
		_, alters := x.event.(*AlterPartition)
		return slices.Contains(x.p.ISR, r) || slices.Contains(x.p.ELR, r) || alters && slices.Contains(x.q.ISR, r)
	}
	return x.q.Leader != x.p.Leader && x.q.Leader != metadata.NoNode && !known(x.q.Leader) || x.cancels() && !slices.ContainsFunc(x.q.ISR, known) && len(x.q.ISR) > 0
}

func (x *transition) uncleanAllowed() bool {
	if !x.q.Recovering {
		return false
	}
	if e, ok := x.event.(*ElectLeaders); ok && e.Request.ElectionType == 1 || setting(x.image, x.topic.Name, "unclean.leader.election.enable") == "true" {
		return true
	}
	return elrOf(x.image) && len(x.p.ELR) == 0 && slices.Equal(x.p.LastKnownELR, []metadata.NodeID{x.q.Leader})
}

// keepsEligible: while too few are in sync, whoever was in sync or eligible stays eligible.
func (k *checker) keepsEligible(x *transition) {
	if !elrOf(x.image) || enough(x.image, x.topic.Name, x.q) {
		return
	}
	switch x.event.(type) {
	case *AlterConfigs, *IncrementalAlterConfigs:
		return // it makes ready for a smaller min.insync.replicas
	}
	registers := metadata.NoNode
	if e, ok := x.event.(*RegisterBroker); ok {
		registers = metadata.NodeID(e.Request.BrokerID)
	}
	for _, r := range append(slices.Clone(x.p.ISR), x.p.ELR...) {
		if r != registers && slices.Contains(x.q.Replicas, r) && !slices.Contains(x.q.ISR, r) {
			k.must(slices.Contains(x.q.ELR, r), "%s: %d is not eligible any more", x, r)
		}
	}
}

// completion: a partition is on other replicas than before, and no move is under way, only if all are in sync.
func (k *checker) completion(x *transition) {
	if x.q.Reassigning() || x.cancels() {
		return
	}
	if containsAll(x.p.Replicas, x.q.Replicas) && containsAll(x.q.Replicas, x.p.Replicas) && !x.p.Reassigning() {
		return
	}
	if lost := without(x.p.Replicas, x.q.Replicas...); x.topic.Name == metadata.ConsumerOffsetsTopic && containsAll(x.p.Adding, lost) &&
		!slices.ContainsFunc(lost, func(r metadata.NodeID) bool { return x.image.Broker(r) != nil }) {
		return // replicas that were to be added, on brokers that are not registered any more
	}
	k.must(containsAll(x.q.ISR, x.q.Replicas), "%s: the move has ended too early", x)
}
