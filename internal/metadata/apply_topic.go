package metadata

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// What a record of a partition's change says where something does not change.
const (
	leaderUnchanged   int32 = -2
	recoveryUnchanged int8  = -1
	recovering        int8  = 1
)

func (b *Builder) topic(r *protocol.TopicRecord) error {
	if old := b.next.Topic(r.Name); old != nil {
		return fmt.Errorf("topic %s is created with id %x but exists with id %x", r.Name, r.TopicID, old.ID)
	}
	if old := b.next.TopicByID(r.TopicID); old != nil {
		return fmt.Errorf("topic %s is created with id %x, which topic %s has", r.Name, r.TopicID, old.Name)
	}
	if _, ok := b.topics[r.TopicID]; ok {
		return fmt.Errorf("topic %s is created with id %x, which a deleted topic had", r.Name, r.TopicID)
	}
	t := &Topic{Name: r.Name, ID: r.TopicID}
	b.next.topics = b.next.topics.set(b.edit, t.Name, t, strings.Compare)
	b.next.topicNames = b.next.topicNames.set(b.edit, t.ID, t.Name, compareUUID)
	if strings.ContainsAny(t.Name, "._") && b.next.Colliding(t.Name) == "" {
		b.next.collisions = b.next.collisions.set(b.edit, CollisionKey(t.Name), t.Name, strings.Compare)
	}
	b.keep(t.ID, &topicEdit{after: t})
	return nil
}

func (b *Builder) removeTopic(r *protocol.RemoveTopicRecord) error {
	e, err := b.editTopic(r.TopicID)
	if err != nil {
		return err
	}
	t := e.after
	e.after = nil
	b.next.partitions -= t.Len()
	b.next.topics = b.next.topics.del(b.edit, t.Name, strings.Compare)
	b.next.topicNames = b.next.topicNames.del(b.edit, t.ID, compareUUID)
	if b.next.Colliding(t.Name) == t.Name {
		b.next.collisions = b.next.collisions.del(b.edit, CollisionKey(t.Name), strings.Compare)
	}
	if config := (Resource{TopicResource, t.Name}); b.next.Config(config).Len() > 0 {
		b.setConfig(config, nil)
	}
	return nil
}

func (b *Builder) partition(r *protocol.PartitionRecord) error {
	e, err := b.editTopic(r.TopicID)
	if err != nil {
		return err
	}
	if int(r.PartitionID) != e.after.Len() {
		return fmt.Errorf("partition %d of topic %s comes after partition %d", r.PartitionID, e.after.Name, e.after.Len()-1)
	}
	e.set(b.edit, &Partition{
		Index: r.PartitionID, Leader: NodeID(r.Leader), LeaderEpoch: record.LeaderEpoch(r.LeaderEpoch),
		Epoch: PartitionEpoch(r.PartitionEpoch), Replicas: nodeIDs(r.Replicas), ISR: nodeIDs(r.Isr),
		Adding: nodeIDs(r.AddingReplicas), Removing: nodeIDs(r.RemovingReplicas),
		ELR: nodeIDs(r.EligibleLeaderReplicas), LastKnownELR: nodeIDs(r.LastKnownElr),
		Directories: directories(r.Directories), Recovering: r.LeaderRecoveryState == recovering,
	})
	b.next.partitions++
	return nil
}

func directories(ids []protocol.UUID) []protocol.UUID {
	if len(ids) == 0 {
		return nil
	}
	return ids
}

func (b *Builder) partitionChange(r *protocol.PartitionChangeRecord) error {
	e, err := b.editTopic(r.TopicID)
	if err != nil {
		return err
	}
	p := e.after.Partition(r.PartitionID)
	if p == nil {
		return fmt.Errorf("partition %d of topic %s changes but does not exist", r.PartitionID, e.after.Name)
	}
	e.set(b.edit, p.Change(r))
	return nil
}

// Change is the partition after a change. The partition epoch grows by one; the leader epoch too, whenever the record
// names a leader, even the same.
func (p *Partition) Change(r *protocol.PartitionChangeRecord) *Partition {
	next := *p
	next.Epoch++
	if r.Leader != leaderUnchanged {
		next.Leader = NodeID(r.Leader)
		next.LeaderEpoch++
	}
	if r.LeaderRecoveryState != recoveryUnchanged {
		next.Recovering = r.LeaderRecoveryState == recovering
	}
	replace(&next.ISR, r.Isr)
	replace(&next.Replicas, r.Replicas)
	replace(&next.Adding, r.AddingReplicas)
	replace(&next.Removing, r.RemovingReplicas)
	replace(&next.ELR, r.EligibleLeaderReplicas)
	replace(&next.LastKnownELR, r.LastKnownElr)
	if r.Directories != nil {
		next.Directories = directories(r.Directories)
	}
	return &next
}

func replace(nodes *[]NodeID, ids []int32) {
	if ids != nil {
		*nodes = nodeIDs(ids)
	}
}

// editTopic finds a topic and makes it one that this builder may change in place.
func (b *Builder) editTopic(id protocol.UUID) (*topicEdit, error) {
	if e, ok := b.topics[id]; ok {
		if e.after == nil {
			return nil, fmt.Errorf("topic id %x changes after it was deleted", id)
		}
		return e, nil
	}
	before := b.next.TopicByID(id)
	if before == nil {
		return nil, fmt.Errorf("topic id %x changes but does not exist", id)
	}
	after := *before
	e := &topicEdit{before: before, after: &after}
	b.next.topics = b.next.topics.set(b.edit, after.Name, &after, strings.Compare)
	b.keep(id, e)
	return e, nil
}

func (b *Builder) keep(id protocol.UUID, e *topicEdit) {
	if b.topics == nil {
		b.topics = make(map[protocol.UUID]*topicEdit)
	}
	b.topics[id] = e
	b.ids = append(b.ids, id)
}

func (e *topicEdit) set(owner *edit, p *Partition) {
	e.after.partitions = e.after.partitions.set(owner, p.Index, p, cmp.Compare[int32])
	mark(&e.changed, p.Index)
}

// change is what Delta says of the topic; false if it came and went.
func (e *topicEdit) change() (TopicChange, bool) {
	if e.after == nil {
		return TopicChange{Before: e.before}, e.before != nil
	}
	return TopicChange{Before: e.before, After: e.after, Partitions: slices.Sorted(maps.Keys(e.changed))}, true
}
