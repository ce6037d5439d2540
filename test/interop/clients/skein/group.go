package main

import (
	"context"
	"errors"
	"time"

	"github.com/skein-io/skein/consumer"
	"github.com/skein-io/skein/consumer/assign"
	"github.com/skein-io/skein/test/interop/line"
)

// member is one member of a group. Callbacks run in Poll, so nothing is locked.
type member struct {
	s    *line.Session
	r    line.Request
	c    *consumer.Consumer
	next map[consumer.TopicPartition]consumer.CommitOffset
}

func group(s *line.Session, r line.Request) (any, error) {
	m := &member{s: s, r: r, next: map[consumer.TopicPartition]consumer.CommitOffset{}}
	c, err := open(m.options()...)
	if err != nil {
		return nil, err
	}
	m.c = c
	if err := c.Subscribe(r.Topic); err != nil {
		return nil, err
	}
	err = m.loop()
	m.commit(true)
	return nil, errors.Join(err, c.Close(context.Background()))
}

func (m *member) options() []consumer.Option {
	most := 100
	if m.r.Max > 0 {
		most = min(most, m.r.Max)
	}
	options := []consumer.Option{
		consumer.Group(m.r.Group), consumer.ResetTo(consumer.Earliest),
		consumer.PollRecordsMax(most), consumer.Listen(consumer.Listener{
			Assigned: func(_ context.Context, _ *consumer.Consumer, ps []consumer.TopicPartition) {
				m.s.Emit(line.Event{E: line.Assigned, Ps: numbers(ps)})
			},
			Revoked: m.revoked,
			Lost: func(_ context.Context, _ *consumer.Consumer, ps []consumer.TopicPartition) {
				clear(m.next)
				m.s.Emit(line.Event{E: line.Lost, Ps: numbers(ps)})
			},
		}),
	}
	if m.r.Commit != "auto" {
		options = append(options, consumer.NoAutoCommit())
	}
	if m.r.Protocol == "consumer" {
		return append(options, consumer.GroupProtocol(consumer.ConsumerProtocol))
	}
	options = append(options, consumer.Assignors(assignor(m.r.Assignor)))
	if m.r.SessionMs > 0 {
		options = append(options, consumer.SessionTimeout(time.Duration(m.r.SessionMs)*time.Millisecond))
	}
	if m.r.HeartbeatMs > 0 {
		options = append(options, consumer.HeartbeatInterval(time.Duration(m.r.HeartbeatMs)*time.Millisecond))
	}
	return options
}

// assignor is range unless another is asked for by its name.
func assignor(name string) assign.Assignor {
	for _, a := range []assign.Assignor{assign.RoundRobin(), assign.Sticky(), assign.CooperativeSticky()} {
		if a.Name() == name {
			return a
		}
	}
	return assign.Range()
}

func numbers(ps []consumer.TopicPartition) []int32 {
	var n []int32
	for _, p := range ps {
		n = append(n, p.Partition)
	}
	return n
}

func (m *member) revoked(_ context.Context, _ *consumer.Consumer, ps []consumer.TopicPartition) {
	m.s.Emit(line.Event{E: line.Revoked, Ps: numbers(ps)})
	m.commit(true)
	for _, p := range ps {
		delete(m.next, p)
	}
}

func (m *member) loop() error {
	pace := line.NewPace(m.r.RateMax)
	for taken, uncommitted := 0, 0; !m.s.Stopped() && (m.r.Max == 0 || taken < m.r.Max); {
		records, err := poll(m.c)
		if errors.Is(err, consumer.ErrFatal) || errors.Is(err, consumer.ErrFenced) {
			return err
		}
		if err != nil { // the library goes on by itself, also when no broker is there
			m.s.Emit(line.Event{E: line.Trouble, Error: err.Error()})
		}
		for r := range records.All() {
			if m.r.Max > 0 && taken == m.r.Max {
				break
			}
			pace.Wait()
			m.next[r.TopicPartition()] = r.After()
			m.s.Emit(recordEvent(r))
			taken++
			if uncommitted++; uncommitted >= m.r.Every {
				m.commit(m.r.Commit == "sync")
				uncommitted = 0
			}
		}
		m.s.Flush()
		for range m.s.TakeCommits() {
			m.commit(true)
		}
	}
	return nil
}

// commit sends the present positions and tells how long the answer took.
func (m *member) commit(wait bool) {
	if m.r.Commit == "none" || m.r.Commit == "auto" || len(m.next) == 0 {
		return
	}
	var offsets []consumer.CommitOffset
	for _, o := range m.next {
		offsets = append(offsets, o)
	}
	m.s.Flush() // what is committed has been reported
	start := time.Now()
	told := func(_ []consumer.CommitOffset, err error) {
		e := line.Event{E: line.Committed, Ms: float64(time.Since(start).Microseconds()) / 1000}
		if err != nil {
			e.Error = err.Error()
		}
		m.s.Emit(e)
	}
	if wait {
		told(nil, m.c.Commit(context.Background(), offsets...))
	} else if err := m.c.CommitAsync(told, offsets...); err != nil {
		told(nil, err)
	}
}
