//go:build linux

package faults

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/record"
	"github.com/skein-io/skein/internal/sim/check"
)

// What the load of the kill loop is.
const (
	killTopic      = "orders"
	killGroup      = "readers"
	killLedger     = "ledger" // a group without members
	killPartitions = 3
	killProducers  = 3
	killMembers    = 2
)

// load is clients that work until they are stopped. What they see goes into one history.
type load struct {
	t        *testing.T
	address  string
	recorder *check.Recorder
	producer context.Context // ends first
	others   context.Context
	stopping []func()
	work     sync.WaitGroup // producers
	rest     sync.WaitGroup
}

func newLoad(t *testing.T, address string) *load {
	begun := time.Now()
	l := &load{t: t, address: address, recorder: check.NewRecorder(func() int64 { return int64(time.Since(begun)) })}
	var endProducers, endOthers context.CancelFunc
	l.producer, endProducers = context.WithCancel(context.Background())
	l.others, endOthers = context.WithCancel(context.Background())
	t.Cleanup(func() { endProducers(); endOthers(); l.work.Wait(); l.rest.Wait() })
	l.stopping = []func(){endProducers, endOthers}
	for i := range killProducers {
		l.work.Go(func() { l.produce(fmt.Sprint("producer", i)) })
	}
	for i := range killMembers {
		l.rest.Go(func() { l.consume(fmt.Sprint("member", i)) })
	}
	l.rest.Go(func() { l.commitAlone("ledger0") })
	return l
}

// stop ends the producers, after everything that they sent was acknowledged, and then the others.
func (l *load) stop() {
	l.stopping[0]()
	l.work.Wait()
	l.stopping[1]()
	l.rest.Wait()
}

// produce sends records with idempotence and many under way, about 500 in a second.
func (l *load) produce(name string) {
	c, err := kgo.NewClient(kgo.SeedBrokers(l.address), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(2*time.Millisecond), kgo.MaxBufferedRecords(200), kgo.RetryBackoffFn(briefly))
	if err != nil {
		l.t.Error(err)
		return
	}
	defer c.Close()
	for i := 0; l.producer.Err() == nil; i++ {
		l.send(c, name, i)
		if i%10 == 9 {
			pause(l.producer, 20*time.Millisecond)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Flush(ctx); err != nil {
		l.t.Errorf("%s: not everything was acknowledged after the last start: %v", name, err)
	}
}

// send hands one record to the client.
func (l *load) send(c *kgo.Client, name string, i int) {
	p := check.Partition{Topic: killTopic, Index: int32(i % killPartitions)}
	value := fmt.Sprintf("%s-%d", name, i)
	pending := l.recorder.Begin(check.Operation{Process: name, Kind: check.Send, Idempotent: true,
		Records: []check.Record{{Partition: p, Offset: check.NoOffset, Value: value}}})
	r := &kgo.Record{Topic: killTopic, Partition: p.Index, Key: []byte(name), Value: []byte(value)}
	c.Produce(context.Background(), r, func(r *kgo.Record, err error) {
		if err != nil {
			l.t.Errorf("%s gives %s up: %v", name, value, err)
			pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
			return
		}
		pending.End(check.OK, func(o *check.Operation) { o.Records[0].Offset = record.Offset(r.Offset) })
	})
}

// consume is a member of the group: it reads, and commits what it read.
func (l *load) consume(name string) {
	subscribed := func(context.Context, *kgo.Client, map[string][]int32) {
		l.recorder.Begin(check.Operation{Process: name, Kind: check.Subscribe}).End(check.OK, nil)
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(l.address), kgo.ConsumerGroup(killGroup), kgo.ConsumeTopics(killTopic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.OnPartitionsAssigned(subscribed), kgo.OnPartitionsRevoked(subscribed),
		kgo.OnPartitionsLost(subscribed), kgo.RetryBackoffFn(briefly), kgo.FetchMaxWait(200*time.Millisecond))
	if err != nil {
		l.t.Error(err)
		return
	}
	defer c.Close()
	for serial := 0; l.others.Err() == nil; serial++ {
		l.poll(c, name)
		l.commit(c, fmt.Sprintf("%s#%d", name, serial), name)
	}
}

func (l *load) poll(c *kgo.Client, name string) {
	pending := l.recorder.Begin(check.Operation{Process: name, Kind: check.Poll})
	ctx, cancel := context.WithTimeout(l.others, time.Second)
	defer cancel()
	var records []check.Record
	c.PollFetches(ctx).EachRecord(func(r *kgo.Record) { records = append(records, recordOf(r)) })
	pending.End(check.OK, func(o *check.Operation) { o.Records = records })
}

func recordOf(r *kgo.Record) check.Record {
	return check.Record{Partition: check.Partition{Topic: r.Topic, Index: r.Partition}, Offset: record.Offset(r.Offset), Value: string(r.Value)}
}

// commit commits what was polled, with metadata that nobody has committed before.
func (l *load) commit(c *kgo.Client, metadata, name string) {
	offsets := c.UncommittedOffsets()
	if len(offsets) == 0 {
		return
	}
	var pending *check.Pending
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
			if pending != nil {
				endCommit(pending, response, err)
			}
		})
}

// endCommit: a client that retries by itself has an unknown outcome unless the last answer says that all is well.
func endCommit(pending *check.Pending, response *kmsg.OffsetCommitResponse, err error) {
	for _, t := range topicsOf(response) {
		for _, p := range t.Partitions {
			if err == nil {
				err = kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	if err != nil {
		pending.End(check.Info, func(o *check.Operation) { o.Error = err.Error() })
		return
	}
	pending.End(check.OK, nil)
}

func topicsOf(r *kmsg.OffsetCommitResponse) []kmsg.OffsetCommitResponseTopic {
	if r == nil {
		return nil
	}
	return r.Topics
}

// commitAlone commits for a group that has no members, and reads its own commits back.
func (l *load) commitAlone(name string) {
	c, err := kgo.NewClient(kgo.SeedBrokers(l.address), kgo.RetryBackoffFn(briefly))
	if err != nil {
		l.t.Error(err)
		return
	}
	defer c.Close()
	admin := kadm.NewClient(c)
	for serial := int64(1); l.others.Err() == nil; serial++ {
		at := check.Committed{Partition: check.Partition{Topic: killTopic, Index: int32(serial % killPartitions)},
			Offset: record.Offset(serial), LeaderEpoch: -1, Metadata: fmt.Sprintf("%s#%d", name, serial)}
		pending := l.recorder.Begin(check.Operation{Process: name, Kind: check.Commit, Group: killLedger, Generation: -1, Offsets: []check.Committed{at}})
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: at.Topic, Partition: at.Index, At: int64(at.Offset), LeaderEpoch: -1, Metadata: at.Metadata})
		answer, err := admin.CommitOffsets(l.others, killLedger, offsets)
		if err == nil {
			err = answer.Error()
		}
		pending.End(outcome(err), func(o *check.Operation) { o.Error = words(err) })
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

// fetchOffsets asks for what both groups have committed.
func (l *load) fetchOffsets() {
	c := client(l.t, l.address)
	defer c.Close()
	admin := kadm.NewClient(c)
	ctx := background(l.t)
	l.fetch(ctx, admin, "admin", killGroup)
	l.fetch(ctx, admin, "admin", killLedger)
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

// readAll reads every partition from its start to its end.
func (l *load) readAll() {
	c := client(l.t, l.address)
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
	reader := client(l.t, l.address, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{killTopic: from}))
	defer reader.Close()
	l.recorder.Begin(check.Operation{Process: "last", Kind: check.Assign, Positions: positions}).End(check.OK, nil)
	for left > 0 {
		pending := l.recorder.Begin(check.Operation{Process: "last", Kind: check.Poll})
		var records []check.Record
		reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) { records = append(records, recordOf(r)) })
		pending.End(check.OK, func(o *check.Operation) { o.Records = records })
		left -= int64(len(records))
		if err := ctx.Err(); err != nil {
			l.t.Fatalf("the last reader misses %d records: %v", left, err)
		}
	}
}

// counts is what was done.
func (l *load) counts(history []check.Operation) (sent, read, commits int) {
	for i := range history {
		switch o := &history[i]; {
		case o.Outcome != check.OK:
		case o.Kind == check.Send:
			sent += len(o.Records)
		case o.Kind == check.Poll && o.Process != "last":
			read += len(o.Records)
		case o.Kind == check.Commit:
			commits++
		}
	}
	return sent, read, commits
}

// briefly is how long clients wait before they try again: the broker is away for a moment only.
func briefly(int) time.Duration { return 20 * time.Millisecond }

// pause waits unless the context ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
