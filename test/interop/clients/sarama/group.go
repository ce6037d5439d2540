package main

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/skein-io/skein/test/interop/line"
)

// member is one member of a group. sarama runs one ConsumeClaim a partition,
// each in a goroutine of its own; mu makes them take turns.
type member struct {
	s    *line.Session
	r    line.Request
	stop context.CancelFunc

	mu          sync.Mutex
	pace        *line.Pace
	taken       int
	uncommitted int
	next        map[int32]int64
	told        chan struct{} // closed when watch has told the end of the session
}

func group(s *line.Session, r line.Request) (any, error) {
	consumer, err := sarama.NewConsumerGroup(brokers, r.Group, memberConfig(r))
	if err != nil {
		return nil, err
	}
	defer func() { _ = consumer.Close() }()
	go func() {
		for err := range consumer.Errors() {
			s.Emit(line.Event{E: line.Trouble, Error: err.Error()})
		}
	}()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	m := &member{s: s, r: r, stop: stop, pace: line.NewPace(r.RateMax)}
	go m.watchStop(ctx)
	for ctx.Err() == nil {
		if err := consumer.Consume(ctx, []string{r.Topic}, m); err != nil && ctx.Err() == nil {
			s.Emit(line.Event{E: line.Trouble, Error: err.Error()})
			time.Sleep(100 * time.Millisecond)
		}
	}
	return nil, nil
}

func memberConfig(r line.Request) *sarama.Config {
	c := config()
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Enable = false
	c.Consumer.Return.Errors = true
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	c.Metadata.Retry.Max = 600
	if r.SessionMs > 0 {
		c.Consumer.Group.Session.Timeout = time.Duration(r.SessionMs) * time.Millisecond
	}
	if r.HeartbeatMs > 0 {
		c.Consumer.Group.Heartbeat.Interval = time.Duration(r.HeartbeatMs) * time.Millisecond
	}
	return c
}

// watchStop ends the member when it is told to.
func (m *member) watchStop(ctx context.Context) {
	for ctx.Err() == nil && !m.s.Stopped() {
		time.Sleep(20 * time.Millisecond)
	}
	m.stop()
}

// Setup is called by sarama with the member's new claims.
func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.s.Emit(line.Event{E: line.Assigned, Ps: session.Claims()[m.r.Topic]})
	m.next = map[int32]int64{}
	m.told = make(chan struct{})
	go m.watch(session, m.told)
	return nil
}

// watch tells at once when the session ends, and serves the word "commit".
func (m *member) watch(session sarama.ConsumerGroupSession, told chan<- struct{}) {
	defer close(told)
	for {
		select {
		case <-session.Context().Done():
			m.s.Emit(line.Event{E: line.Revoked, Ps: session.Claims()[m.r.Topic]})
			return
		case <-time.After(20 * time.Millisecond):
		}
		m.s.Flush()
		for range m.s.TakeCommits() {
			m.commitAgain(session)
		}
	}
}

// commitAgain commits the present positions; sarama sends nothing for offsets
// that it has sent before, unless they are reset.
func (m *member) commitAgain(session sarama.ConsumerGroupSession) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, o := range m.next {
		session.ResetOffset(m.r.Topic, p, o, "")
	}
	m.commit(session)
}

// Cleanup is called by sarama when all claims have ended. The next Setup comes
// after it, so the end of this session is told first.
func (m *member) Cleanup(session sarama.ConsumerGroupSession) error {
	<-m.told
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commit(session)
	return nil
}

// ConsumeClaim is called by sarama for each partition.
func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case record, open := <-claim.Messages():
			if !open {
				return nil
			}
			if !m.take(session, record) {
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

// take reports one record, unless the member has enough or its session ended.
func (m *member) take(session sarama.ConsumerGroupSession, record *sarama.ConsumerMessage) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if session.Context().Err() != nil || m.r.Max > 0 && m.taken == m.r.Max {
		return false
	}
	m.pace.Wait()
	m.s.Emit(recordEvent(record))
	session.MarkMessage(record, "")
	m.next[record.Partition] = record.Offset + 1
	m.taken++
	if m.uncommitted++; m.uncommitted >= m.r.Every {
		m.uncommitted = 0
		if m.r.Commit == "sync" {
			m.commit(session)
		} else {
			go m.commit(session)
		}
	}
	if m.r.Max > 0 && m.taken == m.r.Max {
		m.stop()
	}
	return true
}

// commit sends the marked offsets. sarama's Commit returns when it is
// answered; a failure comes through the group's error channel.
func (m *member) commit(session sarama.ConsumerGroupSession) {
	if m.r.Commit == "none" {
		return
	}
	m.s.Flush() // what is committed has been reported
	start := time.Now()
	session.Commit()
	m.s.Emit(line.Event{E: line.Committed, Ms: float64(time.Since(start).Microseconds()) / 1000})
}
