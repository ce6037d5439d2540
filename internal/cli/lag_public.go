package cli

import (
	"cmp"
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// publicLag asks with Kafka's own requests: the commits first and then the ends, so that at least nobody seems to be beyond
// the end who is not.
func publicLag(ctx context.Context, admin *kadm.Client, name string) (groupLag, error) {
	groups, err := findGroups(ctx, admin, name)
	if err != nil {
		return groupLag{}, err
	}
	described := groups[name]
	g := groupLag{Group: name, State: described.State, ProtocolType: described.ProtocolType, Partitions: []partitionLag{}}
	readAt := time.Now().UTC()
	g.CommitsReadAt = &readAt
	committed, err := admin.FetchOffsets(ctx, name)
	if err != nil {
		return g, answered("committed offsets of group "+name, err, "")
	}
	found := map[string]map[int32]*partitionLag{}
	at := func(topic string, partition int32) *partitionLag {
		if found[topic] == nil {
			found[topic] = map[int32]*partitionLag{}
		}
		p := found[topic][partition]
		if p == nil {
			p = &partitionLag{Topic: topic, Partition: partition}
			found[topic][partition] = p
		}
		return p
	}
	for topic, partitions := range committed {
		for partition, o := range partitions {
			p := at(topic, partition)
			p.Committed, p.CommittedEpoch, p.Metadata = known(o.At), known(o.LeaderEpoch), o.Metadata
			if o.Err != nil {
				p.Problem = o.Err.Error()
			}
		}
	}
	for i := range described.Members {
		m := &described.Members[i]
		assigned, ok := m.Assigned.AsConsumer()
		if !ok {
			continue
		}
		for _, t := range assigned.Topics {
			for _, partition := range t.Partitions {
				at(t.Topic, partition).MemberID = &m.MemberID
			}
		}
	}
	if len(found) > 0 { // without a topic it would be of all topics
		if err := publicEnds(ctx, admin, found); err != nil {
			return g, err
		}
	}
	for _, topic := range sortedKeys(found) {
		for _, partition := range sortedKeys(found[topic]) {
			p := found[topic][partition]
			p.compare()
			p.judge()
			g.Partitions = append(g.Partitions, *p)
		}
	}
	g.sum()
	return g, nil
}

func publicEnds(ctx context.Context, admin *kadm.Client, found map[string]map[int32]*partitionLag) error {
	topics := sortedKeys(found)
	starts, err := admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	readAt := time.Now().UTC()
	for topic, partitions := range found {
		for partition, p := range partitions {
			start, _ := starts.Lookup(topic, partition)
			end, ok := ends.Lookup(topic, partition)
			switch {
			case !ok:
				p.Problem = "the partition is not there"
			case start.Err != nil || end.Err != nil:
				p.Problem = answered("ends", cmp.Or(start.Err, end.Err), "").Error()
			default:
				p.LogStart, p.HighWatermark, p.EndsReadAt = &start.Offset, &end.Offset, &readAt
			}
		}
	}
	return nil
}
