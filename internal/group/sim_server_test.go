package group

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
)

// simServer is the coordinator's side of the simulation: a rig whose inbox, appends, high watermark and crashes follow
// the seed.
type simServer struct {
	*rig
	w       *simWorld
	rand    *sim.Rand
	inbox   []simCall
	pending map[Token]simCall // taken, not answered
	up      bool
	rung    *sim.Timer // for the next timer of the rig
	polled  bool       // a poll of the inbox is under way
	life    int

	recorded []Recorded // events of this life
	begun    []Record   // the log that it began with
}

// simCall is a request under way.
type simCall struct {
	token  Token
	event  Event
	client *simClient
	serial int // of the client's request
}

func newSimServer(t testing.TB, w *simWorld) *simServer {
	s := &simServer{w: w, rand: w.Rand("server")}
	cfg := DefaultConfig()
	cfg.SizeMax = 100
	cfg.InitialDelay = time.Duration(s.rand.IntN(2)) * 500 * time.Millisecond
	cfg.JoinSettle = time.Duration(s.rand.IntN(2)) * 20 * time.Millisecond
	cfg.HoldHeartbeats = s.rand.Chance(700)
	if s.rand.Chance(500) {
		cfg.DiaryBytesMax = 4000 // so that its older half goes now and then
	}
	s.rig = &rig{t: t, cfg: cfg, manual: true, unchecked: w.bug.noSessions}
	s.rig.now = s.wall()
	s.rig.onRecord = func(r Record) {
		w.Notef("append %d %s", r.Seq, describeRecord(&r))
		if r.Kind == DiaryRemoved {
			w.see.reach("diary cut")
		}
	}
	s.rig.onTimer = func(TimerChange) {}
	s.rig.onEvent = func(r Recorded) {
		w.see.event(r.Event, s.shard)
		if w.watch != nil {
			w.watch(s, r)
		}
		s.recorded = append(s.recorded, r)
	}
	s.rig.onReply = s.answer
	s.rig.onNote = func(n Note) { w.see.reach(n.Kind.String()) }
	s.restart()
	return s
}

func (s *simServer) wall() Instant {
	return rigStart + Instant(time.Duration(s.w.Now()).Milliseconds())
}

// restart loads a new shard.
func (s *simServer) restart() {
	s.up, s.inbox, s.pending = true, nil, make(map[Token]simCall)
	s.life++
	s.now = s.wall()
	s.fx.Reset()
	if s.w.bug.reverseLoad {
		for i, j := 0, len(s.log)-1; i < j; i, j = i+1, j-1 {
			s.log[i], s.log[j] = s.log[j], s.log[i]
		}
	}
	s.recorded, s.begun = nil, slices.Clone(s.log)
	s.load()
	s.w.see.loaded(s.shard)
	s.setTimer()
}

// crash loses the inbox, the shard and an end of what was not committed.
func (s *simServer) crash() {
	if !s.up {
		return
	}
	kept := 0
	for kept < len(s.log) && (s.log[kept].Seq == 0 || s.log[kept].Seq <= s.committed) {
		kept++
	}
	if n := len(s.log) - kept; n > 0 {
		kept += s.rand.IntN(n + 1)
		for kept < len(s.log) && s.log[kept].Kind == DiaryStored {
			kept++ // it is in one batch with the record before, and no batch is cut
		}
		s.w.see.reach("crash with records that are not committed")
	}
	s.log = s.log[:kept]
	for i := range s.log {
		s.log[i].Seq = 0
	}
	s.w.Notef("crash, %d records left", kept)
	s.up = false
	s.life++
	s.w.see.crashed()
	s.w.After(s.rand.Between(0, 2*time.Second), s.restart)
}

// arrive takes a request from the network.
func (s *simServer) arrive(c simCall) {
	if !s.up {
		return
	}
	s.inbox = append(s.inbox, c)
	s.poll(s.rand.Between(0, 3*time.Millisecond))
}

func (s *simServer) poll(d time.Duration) {
	if s.polled {
		return
	}
	s.polled = true
	s.w.After(d, s.round)
}

// round is what loop.round of package coordinator does.
func (s *simServer) round() {
	s.polled = false
	if !s.up {
		return
	}
	s.now = s.wall()
	taken := s.inbox
	s.inbox = nil
	for _, c := range taken {
		if _, isNudge := c.event.(*Nudge); !isNudge {
			s.pending[c.token] = c
		}
		s.event(s.w.bug.rewrite(c.event, s.shard))
	}
	for {
		key, at, ok := s.nextTimer()
		if !ok || at > s.now {
			break
		}
		e := &Timer{Key: key}
		if s.shard.NeedsAppend(e) {
			s.flush()
		}
		delete(s.timers, key)
		s.event(e)
	}
	for _, id := range s.shard.Ready() {
		s.event(&Drained{GroupID: id})
	}
	s.flush()
	s.setTimer()
}

func (s *simServer) event(e Event) {
	if s.shard.NeedsAppend(e) {
		s.flush()
	}
	s.raw(e)
	if s.w.bug.noSessions {
		for k := range s.timers {
			if k.Kind == SessionTimer {
				delete(s.timers, k)
			}
		}
	}
}

// flush appends, or is refused now and then, and lets the high watermark follow.
func (s *simServer) flush() {
	if len(s.fx.Records) == 0 {
		return
	}
	if s.w.attack && s.rand.Chance(20) {
		s.w.Notef("refused")
		s.refuse(protocol.NotEnoughReplicas)
		return
	}
	s.append()
	if s.w.bug.noDiary {
		s.log = slices.DeleteFunc(s.log, func(r Record) bool { return r.Kind == DiaryStored })
	}
	if s.w.bug.noTombstones {
		s.log = slices.DeleteFunc(s.log, func(r Record) bool { return r.Kind == DiaryRemoved })
	}
	if s.w.bug.early {
		s.commit(s.appended)
		s.committed = 0 // what a crash may take away
	}
	upTo, life := s.appended, s.life
	delay := s.rand.Between(0, 5*time.Millisecond)
	if s.w.attack && s.rand.Chance(30) {
		delay = s.rand.Between(0, 8*time.Second)
	}
	s.w.After(delay, func() {
		if s.up && s.life == life {
			s.now = s.wall()
			s.commit(upTo)
			s.poll(0)
		}
	})
	s.w.After(5*time.Second, func() {
		if s.up && s.life == life && s.committed < upTo {
			s.now = s.wall()
			s.w.Notef("timed out up to %d", upTo)
			s.w.see.reach("write timed out")
			s.raw(&TimedOut{UpTo: upTo})
			s.failDeferred(0, upTo, protocol.Fail(protocol.CoordinatorNotAvailable, "timed out"))
			s.poll(0)
		}
	})
}

// setTimer makes the world ring for the rig's next timer.
func (s *simServer) setTimer() {
	if s.rung != nil {
		s.rung.Stop()
	}
	if _, at, ok := s.nextTimer(); ok {
		life := s.life
		s.rung = s.w.After(max(at.Sub(s.wall()), 0), func() {
			if s.life == life {
				s.round()
			}
		})
	}
}

// answer sends a reply over the network.
func (s *simServer) answer(r Reply) {
	c, ok := s.pending[r.Token]
	if !ok {
		s.t.Fatalf("seed %d: a second answer to token %d: %s", s.w.seed, r.Token, describeBody(r.Body))
	}
	delete(s.pending, r.Token)
	s.w.Notef("%s: %s", c.client.name, describeBody(r.Body))
	s.w.see.reply(c, r.Body, s.shard)
	if s.w.attack && s.rand.Chance(10) {
		return // lost on its way
	}
	s.w.After(s.rand.Between(0, 2*time.Millisecond), func() { c.client.receive(c.serial, r.Body) })
}

// check is that of the rig, and that nothing waits for nothing.
func (s *simServer) settled() string {
	for _, g := range s.shard.groups {
		if bad := g.stuck(s.timers); bad != "" {
			return fmt.Sprintf("group %s: %s\n%s", g.id, bad, g.dump())
		}
	}
	return ""
}
