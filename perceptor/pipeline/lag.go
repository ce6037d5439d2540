package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lag finds how far the sink's group is with topics.
func (s *SinkStatus) lag(ctx context.Context, c *Config, to *cluster, topics []string, now time.Time) error {
	s.Topics = []TopicStatus{}
	if len(topics) == 0 {
		return nil
	}
	// The commits first: what comes meanwhile is lag, and never less than none.
	committed, err := to.admin.FetchOffsets(ctx, s.Group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("group %s: %w", s.Group, err)
	}
	ends, err := to.admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("topics of sink %s: %w", s.Name, err)
	}
	starts, err := to.admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("topics of sink %s: %w", s.Name, err)
	}
	for _, topic := range topics {
		t := TopicStatus{Topic: topic, Partitions: []PartitionStatus{}}
		t.Table, _ = tableOf(c, topic)
		for n := int32(0); ; n++ {
			end, ok := ends.Lookup(topic, n)
			if !ok || end.Err != nil {
				if n == 0 && (!ok || errors.Is(end.Err, kerr.UnknownTopicOrPartition)) {
					t.Problem = "there is no such topic yet"
				} else if ok {
					t.Problem = end.Err.Error()
				}
				break
			}
			p := PartitionStatus{Partition: n, End: end.Offset, Committed: -1}
			if start, ok := starts.Lookup(topic, n); ok && start.Err == nil {
				p.Start = start.Offset
			}
			if at, ok := committed.Lookup(topic, n); ok && at.Err == nil {
				p.Committed = at.At
			}
			p.Lag = max(p.End-max(p.Committed, p.Start), 0)
			t.Partitions = append(t.Partitions, p)
		}
		s.Topics = append(s.Topics, t)
	}
	if err := s.times(ctx, to); err != nil {
		s.TimesProblem = err.Error()
	}
	for i := range s.Topics {
		s.Topics[i].sum(now)
		s.Lag += s.Topics[i].Lag
	}
	return nil
}

// timesMax bounds how long is waited for the records whose times are looked at.
const timesMax = 15 * time.Second

// times reads of each partition the time of its last record, and of the last one that is acknowledged.
func (s *SinkStatus) times(ctx context.Context, to *cluster) error {
	ctx, cancel := context.WithTimeout(ctx, timesMax)
	defer cancel()
	newest := func(p *PartitionStatus) (offset int64, into **int64) { return p.End - 1, &p.Newest }
	applied := func(p *PartitionStatus) (offset int64, into **int64) {
		if p.Lag == 0 {
			return -1, nil // it is the newest
		}
		return p.Committed - 1, &p.Applied
	}
	for _, which := range []func(p *PartitionStatus) (int64, **int64){newest, applied} {
		places, into := map[string]map[int32]kgo.Offset{}, map[string]map[int32]**int64{}
		for i := range s.Topics {
			t := &s.Topics[i]
			for j := range t.Partitions {
				p := &t.Partitions[j]
				offset, to := which(p)
				if offset < p.Start || to == nil {
					continue
				}
				if places[t.Topic] == nil {
					places[t.Topic], into[t.Topic] = map[int32]kgo.Offset{}, map[int32]**int64{}
				}
				places[t.Topic][p.Partition], into[t.Topic][p.Partition] = kgo.NewOffset().At(offset), to
			}
		}
		err := to.read(ctx, places, func(r *kgo.Record) bool {
			ms := r.Timestamp.UnixMilli()
			*into[r.Topic][r.Partition] = &ms
			return true
		})
		if errors.Is(err, context.DeadlineExceeded) {
			return errNoTimes
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sum works out the topic's numbers from its partitions'. Everything is applied up to where the partition is that is least far.
func (t *TopicStatus) sum(now time.Time) {
	known := true
	for _, p := range t.Partitions {
		t.Lag += p.Lag
		if p.Newest != nil && (t.Newest == nil || *p.Newest > *t.Newest) {
			t.Newest = p.Newest
		}
		if p.Lag == 0 {
			continue
		}
		if p.Applied == nil {
			known = false // of this partition nothing is applied, or it is not known
		} else if t.Applied == nil || *p.Applied < *t.Applied {
			t.Applied = p.Applied
		}
	}
	none := int64(0)
	switch {
	case t.Newest == nil:
	case t.Lag == 0:
		t.Applied, t.BehindMs, t.SinceMs = t.Newest, &none, &none
	case !known:
		t.Applied = nil
	case t.Applied != nil:
		behind, since := max(*t.Newest-*t.Applied, 0), max(now.UnixMilli()-*t.Applied, 0)
		t.BehindMs, t.SinceMs = &behind, &since
	}
}
