package main

import (
	"context"
	"time"

	"github.com/skein-io/skein/test/interop/clients/kgoside"
	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is one member of a group. Callbacks run while poll waits or between
// polls, never beside the loop (BlockRebalanceOnPoll), so nothing is locked.
type member struct {
	s    *line.Session
	r    line.Request
	cl   *kgo.Client
	next map[int32]kgo.EpochOffset
}

func group(s *line.Session, r line.Request) (any, error) {
	m := &member{s: s, r: r, next: map[int32]kgo.EpochOffset{}}
	cl, err := kgoside.Client(m.options()...)
	if err != nil {
		return nil, err
	}
	m.cl = cl
	defer cl.CloseAllowingRebalance()
	m.loop()
	m.commit(true)
	return nil, nil
}

func (m *member) options() []kgo.Opt {
	options := []kgo.Opt{
		kgo.ConsumerGroup(m.r.Group), kgo.ConsumeTopics(m.r.Topic), kgo.Balancers(balancer(m.r.Assignor)),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) {
			m.s.Emit(line.Event{E: line.Assigned, Ps: ps[m.r.Topic]})
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) { m.revoked(ps[m.r.Topic]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) {
			clear(m.next)
			m.s.Emit(line.Event{E: line.Lost, Ps: ps[m.r.Topic]})
		}),
	}
	if m.r.SessionMs > 0 {
		options = append(options, kgo.SessionTimeout(time.Duration(m.r.SessionMs)*time.Millisecond))
	}
	if m.r.HeartbeatMs > 0 {
		options = append(options, kgo.HeartbeatInterval(time.Duration(m.r.HeartbeatMs)*time.Millisecond))
	}
	return options
}

// balancer is range unless the library's default is asked for by its name.
func balancer(assignor string) kgo.GroupBalancer {
	if assignor == "cooperative-sticky" {
		return kgo.CooperativeStickyBalancer()
	}
	return kgo.RangeBalancer()
}

func (m *member) revoked(ps []int32) {
	m.s.Emit(line.Event{E: line.Revoked, Ps: ps})
	m.commit(true)
	for _, p := range ps {
		delete(m.next, p)
	}
}

func (m *member) loop() {
	pace := line.NewPace(m.r.RateMax)
	for taken, uncommitted := 0, 0; !m.s.Stopped() && (m.r.Max == 0 || taken < m.r.Max); {
		most := 100
		if m.r.Max > 0 {
			most = min(most, m.r.Max-taken)
		}
		fetches, err := poll(m.cl, most)
		if err != nil { // the library goes on by itself, also when no broker is there
			m.s.Emit(line.Event{E: line.Trouble, Error: err.Error()})
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			pace.Wait()
			m.next[rec.Partition] = kgo.EpochOffset{Epoch: rec.LeaderEpoch, Offset: rec.Offset + 1}
			m.s.Emit(recordEvent(rec))
			taken++
			if uncommitted++; uncommitted >= m.r.Every {
				m.commit(m.r.Commit == "sync")
				uncommitted = 0
			}
		})
		m.s.Flush()
		for range m.s.TakeCommits() {
			m.commit(true)
		}
		m.cl.AllowRebalance()
	}
}

// commit sends the present positions and tells how long the answer took.
func (m *member) commit(wait bool) {
	if m.r.Commit == "none" || len(m.next) == 0 {
		return
	}
	positions := map[int32]kgo.EpochOffset{}
	for p, o := range m.next {
		positions[p] = o
	}
	m.s.Flush() // what is committed has been reported
	start := time.Now()
	answered := func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		m.s.Emit(commitEvent(resp, err, time.Since(start)))
	}
	offsets := map[string]map[int32]kgo.EpochOffset{m.r.Topic: positions}
	if wait {
		m.cl.CommitOffsetsSync(context.Background(), offsets, answered)
	} else {
		m.cl.CommitOffsets(context.Background(), offsets, answered)
	}
}

func commitEvent(resp *kmsg.OffsetCommitResponse, err error, took time.Duration) line.Event {
	e := line.Event{E: line.Committed, Ms: float64(took.Microseconds()) / 1000}
	if err != nil {
		e.Error = err.Error()
		return e
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				e.Error = err.Error()
			}
		}
	}
	return e
}
