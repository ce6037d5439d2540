//go:build linux

package faults

import (
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/sim/check"
)

// lastReader is the process that reads everything in the end.
const lastReader = "last"

// readAll reads every partition from its start to its end.
func (l *load) readAll() {
	l.t.Helper()
	c, err := l.client()
	if err != nil {
		l.t.Fatal(err)
	}
	defer c.Close()
	ctx := background(l.t)
	ends, err := kadm.NewClient(c).ListEndOffsets(ctx, killTopic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		l.t.Fatal(err)
	}
	from := map[int32]kgo.Offset{}
	var positions []check.Position
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) {
		from[o.Partition] = kgo.NewOffset().At(0)
		positions = append(positions, check.Position{Partition: check.Partition{Topic: o.Topic, Index: o.Partition}})
		left += o.Offset
	})
	reader, err := l.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{killTopic: from}))
	if err != nil {
		l.t.Fatal(err)
	}
	defer reader.Close()
	l.recorder.Begin(check.Operation{Process: lastReader, Kind: check.Assign, Positions: positions}).End(check.OK, nil)
	for left > 0 {
		pending := l.recorder.Begin(check.Operation{Process: lastReader, Kind: check.Poll})
		var records []check.Record
		reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) { records = append(records, recordOf(r)) })
		pending.End(check.OK, func(o *check.Operation) { o.Records = records })
		left -= int64(len(records))
		if err := ctx.Err(); err != nil {
			l.t.Fatalf("the last reader misses %d records: %v", left, err)
		}
	}
}
