package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/consumer"
)

// startPlace is where reading begins.
type startPlace struct {
	kind startKind
	at   int64 // an offset, less than 0 from the end; milliseconds since 1970; or records after the committed offset
}

type startKind uint8

const (
	fromLatest startKind = iota
	fromEarliest
	fromOffset
	fromTime
	fromCommitted // of group reset only
	fromShifted   // the same
)

func (s startPlace) String() string {
	switch s.kind {
	case fromEarliest:
		return "earliest"
	case fromOffset:
		return "offset " + number(s.at)
	case fromTime:
		return time.UnixMilli(s.at).UTC().Format(time.RFC3339)
	}
	return "latest"
}

// placeOfOffset understands --offset.
func placeOfOffset(text string) (startPlace, error) {
	switch text {
	case "latest":
		return startPlace{kind: fromLatest}, nil
	case "earliest":
		return startPlace{kind: fromEarliest}, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return startPlace{}, fmt.Errorf("--offset %q: it is a number, earliest or latest", text)
	}
	return startPlace{fromOffset, n}, nil
}

// instantOf understands a time of RFC 3339, or a duration, which is that long before now.
func instantOf(flag, text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("--%s %q: it is a time like 2026-11-20T12:00:00Z, or a duration before now like 90m", flag, text)
}

// place is the start that the flags ask for; given is false if they ask for none.
func (o *consumeOptions) place(c *cobra.Command, now time.Time) (place startPlace, given bool, err error) {
	flags := c.Flags()
	count := 0
	for _, name := range []string{"from-beginning", "offset", "from-time"} {
		if flags.Changed(name) {
			count++
		}
	}
	switch {
	case count > 1:
		return place, true, misused(c, "give one of --from-beginning, --offset and --from-time")
	case o.fromBeginning:
		return startPlace{kind: fromEarliest}, true, nil
	case flags.Changed("offset"):
		if place, err = placeOfOffset(o.offset); err != nil {
			return place, true, misused(c, "%w", err)
		}
	case flags.Changed("from-time"):
		at, err := instantOf("from-time", o.fromTime, now)
		if err != nil {
			return place, true, misused(c, "%w", err)
		}
		return startPlace{fromTime, at.UnixMilli()}, true, nil
	case o.exitAtEnd:
		return startPlace{kind: fromEarliest}, false, nil // the end alone would be nothing
	}
	return place, count > 0, nil
}

// bounds are the offsets of a partition between which there are records: end is the high watermark.
type bounds struct{ start, end int64 }

// boundsOf asks for the bounds of partitions of a topic, of all if none is named.
func boundsOf(ctx context.Context, admin *kadm.Client, topic string, partitions []int32) (map[int32]bounds, error) {
	details, err := findTopics(ctx, admin, topic)
	if err != nil {
		return nil, err
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	found := map[int32]bounds{}
	for _, p := range details[topic].Partitions.Sorted() {
		if len(partitions) > 0 && !slices.Contains(partitions, p.Partition) {
			continue
		}
		for _, o := range []kadm.ListedOffset{starts[topic][p.Partition], ends[topic][p.Partition]} {
			if o.Err != nil {
				return nil, answered(fmt.Sprintf("offsets of %s-%d", topic, p.Partition), o.Err, "")
			}
		}
		found[p.Partition] = bounds{starts[topic][p.Partition].Offset, ends[topic][p.Partition].Offset}
	}
	for _, p := range partitions {
		if _, ok := found[p]; !ok {
			return nil, fmt.Errorf("topic %s has no partition %d, only 0 to %d", topic, p, len(details[topic].Partitions)-1)
		}
	}
	return found, nil
}

// startsOf makes an offset of the place for each partition.
func startsOf(ctx context.Context, admin *kadm.Client, topic string, place startPlace, found map[int32]bounds) (map[int32]int64, error) {
	starts := map[int32]int64{}
	var after kadm.ListedOffsets
	if place.kind == fromTime {
		var err error
		if after, err = admin.ListOffsetsAfterMilli(ctx, place.at, topic); err != nil {
			return nil, err
		}
	}
	for _, p := range sortedKeys(found) {
		b := found[p]
		switch place.kind {
		case fromEarliest:
			starts[p] = b.start
		case fromLatest:
			starts[p] = b.end
		case fromTime:
			listed := after[topic][p]
			if listed.Err != nil {
				return nil, answered(fmt.Sprintf("offset by time of %s-%d", topic, p), listed.Err, "")
			}
			starts[p] = listed.Offset
		case fromOffset:
			at := place.at
			if at < 0 {
				at = max(b.end+at, b.start)
			}
			if at < b.start || at > b.end {
				return nil, fmt.Errorf("offset %d is not in %s-%d, which holds %d to %d; earliest and latest are always there", at, topic, p, b.start, b.end)
			}
			starts[p] = at
		}
	}
	return starts, nil
}

// groupReset is the place for a group's partitions without a committed offset.
func (s startPlace) groupReset() consumer.Reset {
	switch s.kind {
	case fromEarliest:
		return consumer.Earliest
	case fromTime:
		return consumer.At(time.UnixMilli(s.at))
	}
	return consumer.Latest
}
