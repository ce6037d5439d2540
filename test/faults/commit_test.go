//go:build linux

package faults

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// commit commits what was polled, with metadata that nobody has committed before.
func (l *load) commit(c *kgo.Client, metadata, name string) {
	offsets := c.UncommittedOffsets()
	if len(offsets) == 0 {
		return
	}
	var pending *check.Pending
	begun := monotonic()
	before := func(r *kmsg.OffsetCommitRequest) error {
		op := check.Operation{Process: name, Kind: check.Commit, Group: killGroup, Member: r.MemberID, Generation: r.Generation}
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				p := &r.Topics[i].Partitions[j]
				p.Metadata = &metadata
				op.Offsets = append(op.Offsets, check.Committed{Partition: check.Partition{Topic: killTopic, Index: p.Partition},
					Offset: record.Offset(p.Offset), LeaderEpoch: record.LeaderEpoch(p.LeaderEpoch), Metadata: metadata})
			}
		}
		pending = l.recorder.Begin(op)
		return nil
	}
	c.CommitOffsetsSync(kgo.PreCommitFnContext(l.others, before), offsets,
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
			if pending != nil && endCommit(pending, response, err) {
				l.pulse.beat(work{kind: check.Commit, group: killGroup}, begun, monotonic())
			}
		})
}

// endCommit: a client that retries by itself has an unknown outcome unless the last answer says that all is well.
func endCommit(pending *check.Pending, response *kmsg.OffsetCommitResponse, err error) bool {
	for _, t := range topicsOf(response) {
		for _, p := range t.Partitions {
			if err == nil {
				err = kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	if err != nil {
		pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
		return false
	}
	pending.End(check.OK, nil)
	return true
}

func topicsOf(r *kmsg.OffsetCommitResponse) []kmsg.OffsetCommitResponseTopic {
	if r == nil {
		return nil
	}
	return r.Topics
}

// commitAlone commits for a group that has no members, and reads its own commits back.
func (l *load) commitAlone(name string) {
	c, err := l.client()
	if err != nil {
		l.t.Error(err)
		return
	}
	defer c.Close()
	admin := kadm.NewClient(c)
	for serial := int64(1); l.others.Err() == nil; serial++ {
		at := check.Committed{Partition: check.Partition{Topic: killTopic, Index: int32(serial % killPartitions)},
			Offset: record.Offset(serial), LeaderEpoch: -1, Metadata: fmt.Sprintf("%s#%d", name, serial)}
		begun := monotonic()
		pending := l.recorder.Begin(check.Operation{Process: name, Kind: check.Commit, Group: killLedger, Generation: -1, Offsets: []check.Committed{at}})
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: at.Topic, Partition: at.Index, At: int64(at.Offset), LeaderEpoch: -1, Metadata: at.Metadata})
		answer, err := admin.CommitOffsets(l.others, killLedger, offsets)
		if err == nil {
			err = answer.Error()
		}
		pending.End(outcome(err), func(o *check.Operation) { o.Error = words(err) })
		if err == nil {
			l.pulse.beat(work{kind: check.Commit, group: killLedger}, begun, monotonic())
		}
		l.fetch(l.others, admin, name, killLedger)
		pause(l.others, 5*time.Millisecond)
	}
}

func outcome(err error) check.Outcome {
	if err != nil {
		return check.Info
	}
	return check.OK
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// fetchOffsets asks for what the groups have committed.
func (l *load) fetchOffsets() {
	l.t.Helper()
	c, err := l.client()
	if err != nil {
		l.t.Fatal(err)
	}
	defer c.Close()
	admin := kadm.NewClient(c)
	ctx := background(l.t)
	l.fetch(ctx, admin, "admin", killGroup)
	l.fetch(ctx, admin, "admin", killLedger)
	if len(l.natives) > 0 {
		l.fetch(ctx, admin, "admin", nativeGroup)
	}
}

func (l *load) fetch(ctx context.Context, admin *kadm.Client, process, group string) {
	pending := l.recorder.Begin(check.Operation{Process: process, Kind: check.FetchOffset, Group: group})
	found, err := admin.FetchOffsetsForTopics(ctx, group, killTopic)
	if err == nil {
		err = found.Error()
	}
	if err != nil {
		pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
		return
	}
	var list []check.Committed
	found.Each(func(o kadm.OffsetResponse) {
		list = append(list, check.Committed{Partition: check.Partition{Topic: o.Topic, Index: o.Partition},
			Offset: record.Offset(o.At), LeaderEpoch: record.LeaderEpoch(o.LeaderEpoch), Metadata: o.Metadata})
	})
	pending.End(check.OK, func(o *check.Operation) { o.Offsets = list })
}
