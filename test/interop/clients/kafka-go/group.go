package main

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/skein-io/skein/test/interop/line"
)

// group is one member. Synchronous commits use the library's ConsumerGroup,
// which shows its generations; asynchronous ones its Reader, which commits by
// itself at an interval.
func group(s *line.Session, r line.Request) (any, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go watchStop(ctx, s, cancel)
	if r.Commit == "async" {
		return nil, readerMember(ctx, s, r)
	}
	cg, err := kafka.NewConsumerGroup(groupConfig(r))
	if err != nil {
		return nil, err
	}
	defer func() { _ = cg.Close() }()
	m := &member{s: s, r: r, pace: line.NewPace(r.RateMax)}
	for ctx.Err() == nil && !m.full() {
		gen, err := cg.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return nil, nil
		}
		if err != nil {
			s.Emit(line.Event{E: line.Trouble, Error: err.Error()})
			continue
		}
		m.generation(ctx, gen)
	}
	return nil, nil
}

func watchStop(ctx context.Context, s *line.Session, cancel func()) {
	for ctx.Err() == nil && !s.Stopped() {
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
}

func groupConfig(r line.Request) kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{ID: r.Group, Brokers: []string{broker}, Topics: []string{r.Topic}, StartOffset: kafka.FirstOffset,
		SessionTimeout: time.Duration(r.SessionMs) * time.Millisecond, HeartbeatInterval: time.Duration(r.HeartbeatMs) * time.Millisecond,
		GroupBalancers: []kafka.GroupBalancer{kafka.RangeGroupBalancer{}}}
}

// member is the state that outlives a generation.
type member struct {
	s           *line.Session
	r           line.Request
	pace        *line.Pace
	taken       int
	uncommitted int
	next        map[int]int64
}

func (m *member) full() bool { return m.r.Max > 0 && m.taken >= m.r.Max }

// generation takes records until the generation or the member ends. All of it
// runs inside gen.Start, so that the library waits for the last commit.
func (m *member) generation(ctx context.Context, gen *kafka.Generation) {
	ended := make(chan struct{})
	gen.Start(func(genCtx context.Context) {
		defer close(ended)
		m.work(ctx, genCtx, gen)
	})
	<-ended
}

func (m *member) work(ctx, genCtx context.Context, gen *kafka.Generation) {
	parts := []int32{}
	all := make(chan kafka.Message)
	read, stop := context.WithCancel(genCtx)
	defer stop()
	for _, a := range gen.Assignments[m.r.Topic] {
		parts = append(parts, int32(a.ID))
		go m.read(read, a, all)
	}
	m.next = map[int]int64{}
	m.s.Emit(line.Event{E: line.Assigned, Ps: parts})
	for ctx.Err() == nil && genCtx.Err() == nil && !m.full() {
		select {
		case rec := <-all:
			m.take(rec, gen)
		case <-genCtx.Done():
		case <-time.After(50 * time.Millisecond):
			m.s.Flush()
		}
		for range m.s.TakeCommits() {
			m.commit(gen)
		}
	}
	m.s.Emit(line.Event{E: line.Revoked, Ps: parts})
	m.commit(gen)
}

func (m *member) read(ctx context.Context, a kafka.PartitionAssignment, all chan<- kafka.Message) {
	r := line.Request{Topic: m.r.Topic, Offset: a.Offset}
	if err := follow(ctx, r, a.ID, all); err != nil && ctx.Err() == nil {
		m.s.Emit(line.Event{E: line.Trouble, Error: err.Error()})
	}
}

func (m *member) take(rec kafka.Message, gen *kafka.Generation) {
	m.pace.Wait()
	m.s.Emit(recordEvent(rec))
	m.next[rec.Partition] = rec.Offset + 1
	m.taken++
	if m.uncommitted++; m.uncommitted >= m.r.Every {
		m.uncommitted = 0
		m.commit(gen)
	}
}

func (m *member) commit(gen *kafka.Generation) {
	if len(m.next) == 0 || m.r.Commit == "none" {
		return
	}
	m.s.Flush() // what is committed has been reported
	start := time.Now()
	err := gen.CommitOffsets(map[string]map[int]int64{m.r.Topic: maps.Clone(m.next)})
	e := line.Event{E: line.Committed, Ms: float64(time.Since(start).Microseconds()) / 1000}
	if err != nil {
		e.Error = err.Error()
	}
	m.s.Emit(e)
}

// readerMember is a member as most users of the library write it.
func readerMember(ctx context.Context, s *line.Session, r line.Request) error {
	config := readerConfig(r.Topic)
	config.GroupID, config.StartOffset, config.CommitInterval = r.Group, kafka.FirstOffset, 100*time.Millisecond
	config.SessionTimeout = time.Duration(r.SessionMs) * time.Millisecond
	config.HeartbeatInterval = time.Duration(r.HeartbeatMs) * time.Millisecond
	reader := kafka.NewReader(config)
	pace := line.NewPace(r.RateMax)
	for taken := 0; r.Max == 0 || taken < r.Max; taken++ {
		rec, err := reader.FetchMessage(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return err
		}
		pace.Wait()
		s.Emit(recordEvent(rec))
		s.Flush()
		if err := reader.CommitMessages(ctx, rec); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return reader.Close()
}
