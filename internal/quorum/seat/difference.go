package seat

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Difference is what differs between two images of which nobody knows the records in between, sorted as a delta is.
func Difference(before, after *metadata.Image) *metadata.Delta {
	d := &metadata.Delta{ProducerIDs: before.NextProducerID() != after.NextProducerID()}
	d.Topics = topicChanges(before, after)
	d.Configs = differing(maps.Collect(before.ConfigResources()), maps.Collect(after.ConfigResources()), metadata.Resource.Compare, sameConfig)
	d.Brokers = differing(byID(before.Brokers()), byID(after.Brokers()), cmp.Compare[metadata.NodeID],
		func(a, b *metadata.Broker) bool { return reflect.DeepEqual(a, b) })
	d.Features = differing(maps.Collect(before.Features()), maps.Collect(after.Features()), cmp.Compare[string],
		func(a, b int16) bool { return a == b })
	return d
}

// differing are the keys that have another value in the one map than in the other, or are in one only.
func differing[K comparable, V any](before, after map[K]V, compare func(a, b K) int, same func(a, b V) bool) []K {
	var keys []K
	for k, a := range after {
		if b, ok := before[k]; !ok || !same(b, a) {
			keys = append(keys, k)
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}

func byID(brokers iter.Seq[*metadata.Broker]) map[metadata.NodeID]*metadata.Broker {
	m := map[metadata.NodeID]*metadata.Broker{}
	for b := range brokers {
		m[b.ID] = b
	}
	return m
}

func sameConfig(a, b *metadata.ConfigSet) bool {
	return maps.Equal(maps.Collect(a.All()), maps.Collect(b.All()))
}

func topicChanges(before, after *metadata.Image) []metadata.TopicChange {
	var changes []metadata.TopicChange
	for t := range before.Topics() {
		if after.TopicByID(t.ID) == nil {
			changes = append(changes, metadata.TopicChange{Before: t})
		}
	}
	for t := range after.Topics() {
		change := metadata.TopicChange{Before: before.TopicByID(t.ID), After: t}
		if change.Before == t {
			continue
		}
		for p := range t.Partitions() {
			if change.Before == nil || !samePartition(t.ID, change.Before.Partition(p.Index), p) {
				change.Partitions = append(change.Partitions, p.Index)
			}
		}
		if change.Before == nil || len(change.Partitions) > 0 {
			changes = append(changes, change)
		}
	}
	slices.SortStableFunc(changes, func(a, b metadata.TopicChange) int { // the deleted of a name are first already
		return strings.Compare(a.Topic().Name, b.Topic().Name)
	})
	return changes
}

func samePartition(topic protocol.UUID, a, b *metadata.Partition) bool {
	return a == b || a != nil && bytes.Equal(metadata.AppendRecords(nil, a.Record(topic)), metadata.AppendRecords(nil, b.Record(topic)))
}
