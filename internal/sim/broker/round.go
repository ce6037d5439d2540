package broker

import (
	"slices"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim/check"
)

// soon lets the shard work after a moment.
func (s *shard) soon(d time.Duration) {
	if s.due {
		return
	}
	s.due = true
	load := s.loads
	s.process.Machine.After(d, func() {
		s.due = false
		if !s.process.Ended && s.core != nil && s.loads == load {
			s.round()
		}
	})
}

// round is what the loop of package coordinator does each time that it wakes.
func (s *shard) round() {
	s.takeProgress()
	taken := s.inbox
	s.inbox = nil
	if s.failed == nil && !s.hosted.Leased() {
		s.process.World.Reach("groups without a lease")
		s.failed = protocol.Fail(protocol.NotLeaderOrFollower, "another node may have taken this one's place")
	}
	for _, e := range taken {
		s.event(e)
	}
	s.ring()
	for _, id := range s.core.Ready() {
		s.event(&group.Drained{GroupID: id})
	}
	s.flush()
	switch {
	case s.process.Ended:
	case s.failed != nil:
		s.giveUp()
	default:
		s.setTimer()
	}
}

// event steps an event whose decision may depend on records that are not appended yet.
func (s *shard) event(e group.Event) {
	if s.core.NeedsAppend(e) {
		s.flush()
	}
	if !s.process.Ended && s.failed == nil {
		s.step(e)
	}
}

// step gives the core an event and does what it asks.
func (s *shard) step(e group.Event) {
	bug := bugOf(s.process.World)
	s.core.Step(s.now(), bug.event(s, e), &s.fx)
	for _, c := range s.fx.Timers {
		if !bug.dropsTimer(c) {
			s.timers.apply(c)
		}
	}
	for _, n := range s.fx.Notes {
		s.process.World.Notef("group %s: %v %s %s generation %d members %d", n.Group, n.Kind, n.Member, n.Reason, n.Generation, n.Members)
		s.process.World.Reach(n.Kind.String())
		if n.Kind == group.GroupDeleted { // its generations begin anew
			s.process.World.Recorder.Begin(check.Operation{Process: s.process.Machine.Name(), Kind: check.DeleteGroup, Group: n.Group}).End(check.OK, nil)
		}
	}
	replies, deferred := slices.Clone(s.fx.Replies), s.fx.Deferred
	s.deferred = append(s.deferred, deferred...)
	s.fx.Timers, s.fx.Notes, s.fx.Replies, s.fx.Deferred = s.fx.Timers[:0], s.fx.Notes[:0], s.fx.Replies[:0], s.fx.Deferred[:0]
	for _, r := range replies {
		s.finish(r.Token, r.Body, nil)
	}
	if s.process.World.Has(CommitBeforeCommitted) {
		s.release(s.core.Emitted())
	}
}

func (s *shard) finish(token group.Token, body group.Body, err *protocol.Error) {
	if f := s.waiting[token]; f != nil {
		delete(s.waiting, token)
		f(body, err)
	}
}

// takeProgress releases what was committed.
func (s *shard) takeProgress() {
	upTo, n := group.Seq(0), 0
	for n < len(s.written) && s.written[n].end <= s.committed {
		upTo = s.written[n].last
		n++
	}
	if n == 0 {
		return
	}
	s.written = s.written[n:]
	s.step(&group.Committed{UpTo: upTo})
	s.release(upTo)
}

func (s *shard) release(upTo group.Seq) {
	for len(s.deferred) > 0 && s.deferred[0].Seq <= upTo {
		d := s.deferred[0]
		s.deferred = s.deferred[1:]
		s.finish(d.Token, d.Body, nil)
	}
}

func (s *shard) refuse(upTo group.Seq, err *protocol.Error) {
	for len(s.deferred) > 0 && s.deferred[0].Seq <= upTo {
		d := s.deferred[0]
		s.deferred = s.deferred[1:]
		s.finish(d.Token, d.Body.Refuse(err), nil)
	}
}

// ring steps the timers that are due, and the timeout of writes.
func (s *shard) ring() {
	for {
		key, ok := s.timers.pop(s.now())
		if !ok {
			break
		}
		s.event(&group.Timer{Key: key})
		if s.process.Ended || s.failed != nil {
			return
		}
	}
	for i := range s.written {
		if w := &s.written[i]; !w.late && w.at.Add(s.groups.commitTimeout) <= s.now() {
			w.late = true
			s.process.World.Reach("commit timed out")
			s.step(&group.TimedOut{UpTo: w.last})
			s.refuse(w.last, protocol.Fail(group.WriteFailure(protocol.RequestTimedOut), "not committed in time"))
		}
	}
}

// giveUp answers everybody and loads again: what is in the log is not known any more.
func (s *shard) giveUp() {
	err := protocol.Fail(protocol.NotCoordinator, "partition %d of __consumer_offsets: %w", s.index, s.failed)
	s.process.World.Reach("groups gave up")
	if s.process.World.Has(TruncatedIsCommitted) {
		s.release(s.core.Emitted())
	}
	s.step(&group.Unload{Code: err.Code, Reason: err.Reason})
	s.refuse(s.core.Emitted(), err)
	tokens := make([]group.Token, 0, len(s.waiting))
	for token := range s.waiting {
		tokens = append(tokens, token)
	}
	slices.Sort(tokens)
	for _, token := range tokens {
		s.finish(token, nil, err)
	}
	s.core = nil
	s.loads++
	if !s.gone {
		s.again()
	}
}

// setTimer lets the shard wake for its next timer.
func (s *shard) setTimer() {
	if s.timers.wake != nil {
		s.timers.wake.Stop()
		s.timers.wake = nil
	}
	at, ok := s.timers.next()
	for i := range s.written {
		if late := s.written[i].at.Add(s.groups.commitTimeout); !s.written[i].late && (!ok || late < at) {
			at, ok = late, true
		}
	}
	if ok {
		load := s.loads
		s.timers.wake = s.process.Machine.After(max(at.Sub(s.now()), 0), func() {
			if s.loads == load {
				s.soon(0)
			}
		})
	}
}
