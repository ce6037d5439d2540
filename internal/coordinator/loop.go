package coordinator

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// loop is the coordinator of one partition in one leader epoch. All its fields but those marked belong to its
// goroutine.
type loop struct {
	cfg       *Config
	partition int32
	epoch     record.LeaderEpoch
	log       Log
	logger    *slog.Logger

	inbox  *inbox       // any goroutine
	status atomic.Int32 // any goroutine; a status
	stop   chan struct{}
	done   chan struct{} // closed when the goroutine has ended
	ended  sync.Once     // closes stop

	clock    clock
	wake     *time.Timer
	shard    *group.Shard
	fx       group.Effects
	timers   *timers
	writer   writer
	appended group.Seq // what was asked for up to here is in the log, or was refused
	waiting  map[group.Token]func(group.Body, error)
	deferred []group.DeferredReply // by Seq
	recorder *recorder
	progress progress
	rounds   int            // since the timers were looked at
	skips    map[string]int // how often the end of a group's join phase was put off in a row
	expected group.Instant  // when the loop meant to wake; 0 is not at all
	listens  group.Instant  // no timer rings before
}

type status int32

const (
	loading status = iota
	active
	gone // stopped, or its log failed
)

func newLoop(cfg *Config, partition int32, epoch record.LeaderEpoch, log Log) *loop {
	return &loop{
		cfg: cfg, partition: partition, epoch: epoch, log: log,
		logger: cfg.Log.With("partition", partition),
		inbox:  newInbox(cfg.InboxMax), stop: make(chan struct{}), done: make(chan struct{}),
		recorder: newRecorder(cfg.RecorderEvents, cfg.RecorderBytesMax),
	}
}

// run is the loop's goroutine: it loads, serves until it is stopped or its log fails, and in that case begins again.
func (l *loop) run() {
	defer close(l.done)
	defer l.savePanic()
	for {
		err := l.life()
		l.status.Store(int32(gone))
		l.giveUp(err)
		switch {
		case errors.Is(err, errStopped):
			l.recorder.begin(nil)
			return
		case errors.Is(err, errNotLeased):
			l.logger.Warn("group coordinator stops: another node may have taken its place")
			err = l.untilLeased()
		default:
			l.logger.Warn("group coordinator failed and loads again", "error", err)
			err = l.rest(reloadAfter)
		}
		if err != nil {
			return
		}
	}
}

var (
	errStopped   = errors.New("stopped")
	errNotLeased = errors.New("this node hears no controller, and another may have taken its place")
)

// untilLeased returns when nobody else can serve in this node's place, or the loop is stopped.
func (l *loop) untilLeased() error {
	for !l.log.Leased() {
		if err := l.rest(leaseLook); err != nil {
			return err
		}
	}
	return nil
}

func (l *loop) rest(d time.Duration) error {
	select {
	case <-l.stop:
		return errStopped
	case <-time.After(d):
		return nil
	}
}

// life is one load and what follows, until it cannot go on.
func (l *loop) life() error {
	l.status.Store(int32(loading))
	l.clock = newClock()
	l.shard = group.New(l.cfg.Group)
	l.timers = newTimers()
	l.waiting = make(map[group.Token]func(group.Body, error))
	l.deferred, l.rounds, l.appended = nil, 0, 0
	l.skips, l.expected, l.listens = make(map[string]int), 0, 0
	l.fx.Reset()
	l.progress.reset()
	l.recorder.begin(l.shard)
	l.inbox.open()
	l.wake = time.NewTimer(time.Hour)
	defer l.wake.Stop()
	if err := l.load(); err != nil {
		return err
	}
	l.step(&group.Loaded{})
	l.status.Store(int32(active))
	for {
		if err := l.round(); err != nil {
			return err
		}
		l.setWake()
		select {
		case <-l.inbox.wake:
		case <-l.wake.C:
		case <-l.stop:
			return errStopped
		}
	}
}

// stopNow makes the goroutine end. It does not wait for that.
func (l *loop) stopNow() { l.ended.Do(func() { close(l.stop) }) }

// round works until the inbox is empty.
func (l *loop) round() error {
	for {
		if err := l.takeProgress(); err != nil {
			return err
		}
		items, more := l.inbox.take()
		if !l.log.Leased() { // looked at after the requests came: those that came before may be answered as things were then
			l.remember(items)
			return errNotLeased
		}
		for i := range items {
			if err := l.receive(&items[i]); err != nil {
				l.remember(items[i+1:]) // they are not in the inbox any more: giveUp answers them with the others
				return err
			}
		}
		l.rounds++
		if !more || l.rounds >= timersEvery {
			// What waits in the inbox was heard before a timer rang, even if this loop was slow to look.
			l.rounds = 0
			if err := l.ring(); err != nil {
				return err
			}
		}
		if err := l.drain(); err != nil {
			return err
		}
		if err := l.flush(); err != nil {
			return err
		}
		if !more && !l.progress.waits() {
			return nil
		}
		select {
		case <-l.stop:
			return errStopped
		default:
		}
	}
}

// receive steps one event of the inbox.
func (l *loop) receive(it *item) error {
	if it.finish != nil {
		l.waiting[it.token] = it.finish
	}
	return l.event(it.event)
}

// remember notes who waits for items that were taken and will not be stepped.
func (l *loop) remember(items []item) {
	for i := range items {
		if items[i].finish != nil {
			l.waiting[items[i].token] = items[i].finish
		}
	}
}

// event steps an event whose decision may depend on records that are not appended yet.
func (l *loop) event(e group.Event) error {
	if l.shard.NeedsAppend(e) {
		if err := l.flush(); err != nil {
			return err
		}
	}
	l.step(e)
	return nil
}

// step gives the shard an event and does what it asks at once. Records wait for flush.
func (l *loop) step(e group.Event) {
	now := l.clock.now()
	l.recorder.add(now, e)
	l.shard.Step(now, e, &l.fx)
	for _, c := range l.fx.Timers {
		l.timers.apply(c)
	}
	l.deferred = append(l.deferred, l.fx.Deferred...)
	for _, n := range l.fx.Notes {
		l.note(&n)
	}
	for _, r := range l.fx.Replies {
		l.finish(r.Token, r.Body, nil)
	}
	clear(l.fx.Replies)
	clear(l.fx.Deferred)
	l.fx.Timers, l.fx.Deferred, l.fx.Notes, l.fx.Replies = l.fx.Timers[:0], l.fx.Deferred[:0], l.fx.Notes[:0], l.fx.Replies[:0]
}

// finish gives a reply to whoever waits for the token.
func (l *loop) finish(token group.Token, body group.Body, err error) {
	if f := l.waiting[token]; f != nil {
		delete(l.waiting, token)
		f(body, err)
	}
}

// stalled notices that the process stood still: the machine slept, or somebody stopped it. All sessions seem to be over
// then, and none is.
func (l *loop) stalled() bool {
	now := l.clock.now()
	if l.expected != 0 && now.Sub(l.expected) >= stallMin {
		l.logger.Warn("group coordinator stood still", "late", now.Sub(l.expected))
		l.listens = now.Add(stallGrace)
	}
	l.expected = 0
	return now < l.listens
}

// ring steps the timers that are due, and the timeout of writes.
func (l *loop) ring() error {
	if l.stalled() {
		return nil
	}
	for {
		key, ok := l.timers.due(l.clock.now())
		if !ok {
			break
		}
		if err := l.event(&group.Timer{Key: key}); err != nil {
			return err
		}
	}
	if upTo, ok := l.writer.timedOut(l.clock.now(), l.cfg.CommitTimeout); ok {
		l.step(&group.TimedOut{UpTo: upTo})
		l.refuseDeferred(0, upTo, protocol.Fail(group.WriteFailure(protocol.RequestTimedOut),
			"the record was not replicated within offsets.commit.timeout.ms %v", l.cfg.CommitTimeout))
	}
	return nil
}

// drain ends the join phases of groups that have no more joins in the inbox.
func (l *loop) drain() error {
	for _, id := range l.shard.Ready() {
		if l.skips[id] < joinSkipsMax && l.inbox.joinWaits(id) {
			l.skips[id]++
			continue
		}
		delete(l.skips, id)
		if err := l.event(&group.Drained{GroupID: id}); err != nil {
			return err
		}
	}
	return nil
}

func (l *loop) setWake() {
	at, ok := l.timers.next()
	if deadline, waits := l.writer.deadline(l.cfg.CommitTimeout); waits && (!ok || deadline < at) {
		at, ok = deadline, true
	}
	if !ok {
		l.wake.Stop()
		return
	}
	l.expected = max(at, l.listens)
	l.wake.Reset(l.clock.until(l.expected))
}

// giveUp answers everybody with the reason, and forgets all state.
func (l *loop) giveUp(err error) {
	refusal := protocol.Fail(protocol.NotCoordinator, "partition %d of __consumer_offsets: %w", l.partition, err)
	left := l.inbox.close()
	if l.shard != nil {
		l.step(&group.Unload{Code: refusal.Code, Reason: refusal.Reason})
		l.refuseDeferred(0, l.shard.Emitted(), refusal)
	}
	for token := range l.waiting { // none; a lost answer would stall a client's connection
		l.finish(token, nil, refusal)
	}
	for i := range left {
		if left[i].finish != nil {
			left[i].finish(nil, refusal)
		}
	}
	l.shard, l.timers, l.waiting, l.deferred = nil, nil, nil, nil
	l.writer.reset()
}

func (l *loop) note(n *group.Note) {
	level := slog.LevelInfo
	switch n.Kind {
	case group.WriteFailed:
		level = slog.LevelWarn
	case group.GenerationFormed, group.MemberReplaced, group.MemberRemoved, group.MemberJoined, group.MemberFenced, group.MemberTurnedAway,
		group.GenerationRefused:
		level = slog.LevelDebug
	}
	l.logger.Log(context.Background(), level, n.Kind.String(), "group", n.Group, "member", n.Member, "reason", n.Reason, "generation", n.Generation, "members", n.Members)
	if l.cfg.Observe != nil {
		l.cfg.Observe(*n)
	}
}
