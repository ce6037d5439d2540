package metadata

import (
	"slices"
	"strings"
)

// Delta says what differs between two images, so that machinery acts on that and walks nothing else. Everything in it
// is sorted.
type Delta struct {
	// Topics are ordered by name; where a topic was deleted and one of the same name created, the deleted comes first.
	Topics      []TopicChange
	Configs     []Resource
	Brokers     []NodeID
	Features    []string
	ProducerIDs bool // blocks of producer ids were given away
}

// TopicChange is what became of one topic id.
type TopicChange struct {
	Before *Topic // nil: the topic was created
	After  *Topic // nil: the topic was deleted
	// Partitions are the numbers of those that are new or changed. Empty for a deleted topic.
	Partitions []int32
}

// Topic is the topic as it is now or, if it is deleted, as it was.
func (c *TopicChange) Topic() *Topic {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// Created and Deleted say what kind of change it is.
func (c *TopicChange) Created() bool { return c.Before == nil }

// Deleted says whether the topic is gone.
func (c *TopicChange) Deleted() bool { return c.After == nil }

// Empty says whether nothing differs.
func (d *Delta) Empty() bool {
	return len(d.Topics) == 0 && len(d.Configs) == 0 && len(d.Brokers) == 0 && len(d.Features) == 0 && !d.ProducerIDs
}

func (d *Delta) sort() {
	slices.SortFunc(d.Topics, func(a, b TopicChange) int {
		if c := strings.Compare(a.Topic().Name, b.Topic().Name); c != 0 {
			return c
		}
		if a.Deleted() != b.Deleted() {
			if a.Deleted() {
				return -1
			}
			return 1
		}
		return compareUUID(a.Topic().ID, b.Topic().ID)
	})
	slices.SortFunc(d.Configs, Resource.Compare)
	slices.Sort(d.Brokers)
	slices.Sort(d.Features)
}

// Whole is the delta from nothing to an image: everything in it is new.
func Whole(image *Image) *Delta {
	d := &Delta{ProducerIDs: image.nextProducerID > 0}
	for t := range image.Topics() {
		change := TopicChange{After: t}
		for p := range t.Partitions() {
			change.Partitions = append(change.Partitions, p.Index)
		}
		d.Topics = append(d.Topics, change)
	}
	for r := range image.ConfigResources() {
		d.Configs = append(d.Configs, r)
	}
	for b := range image.Brokers() {
		d.Brokers = append(d.Brokers, b.ID)
	}
	for name := range image.Features() {
		d.Features = append(d.Features, name)
	}
	return d
}
