package group

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Held heartbeats. A member learns of a rebalance from the answer to a heartbeat, and it sends one every few seconds.
// So in a Stable group the answer is kept back: it is given when a rebalance starts, when a later request arrives on
// the connection, or shortly before the next heartbeat is due. The member then learns of the rebalance at once.
//
// What clients do while they wait was read in their sources. Java, librdkafka and kafka-go count the interval from the
// time a heartbeat was sent; Java sends the next one even if the last is not answered, librdkafka skips it; franz-go
// counts from the answer. All of them go on with their work. sarama does not: it locks the connection until the answer
// is there, commits and fetches wait behind it, so nothing of it is held. kafkajs and clients like it do not either: they
// wait for the answer within their poll loop. Such a client is found out by its spacing: if holding makes its next heartbeat
// come later, then nothing of it is held any more. Clients that are not known as Aside are tried with a short hold.
//
// A gap of more than one and a half intervals says that a heartbeat was skipped: the interval was thought too long, as
// happens when the gap that it was learnt from ended with a late heartbeat. Without that correction such a client would
// skip every second heartbeat from then on, and half of the time there would be nothing to answer when a rebalance starts.
//
// With a member's second heartbeat its usual interval is known. The first is held for a moment if the client is known to
// go on aside, else not at all.
const (
	// holdMarginMin and a twentieth of the interval are left between the answer and the next heartbeat, so that a client
	// with one heartbeat under way does not skip one.
	holdMarginMin = 20 * time.Millisecond
	// holdFirst is how long the first heartbeat of a client is held that goes on aside.
	holdFirst = time.Second
	// holdProbeShare of the interval is held to try a client out.
	holdProbeShare = 4
	// holdSlack is how much later than usual a heartbeat may come before the hold is to blame.
	holdSlack = 50 * time.Millisecond
	// holdSessionShare of the session timeout is the longest hold.
	holdSessionShare = 3
)

// beat is what is known of a member's heartbeats.
type beat struct {
	token     Token // held; 0 is none
	at        Instant
	seen      bool          // at is that of a heartbeat in this state of the group
	usual     time.Duration // between two heartbeats; 0 is not known
	held      time.Duration // how long the last one was held
	tried     bool          // a hold did not make it late
	waits     bool          // a hold made it late
	releaseAt Instant
}

// holdOrAnswer takes a heartbeat in a Stable group.
func (s *Shard) holdOrAnswer(g *group, m *member, e *Heartbeat) {
	s.release(g, m, nil) // of another connection
	m.beat.learn(s.now, e.Aside)
	d := s.holdFor(m, e.Aside)
	if d <= 0 || e.Behind {
		s.reply(e.Token, &HeartbeatReply{})
		return
	}
	m.beat.token = e.Token
	m.beat.releaseAt = s.now.Add(d)
	s.set(HoldTimer, g, m.id, m.beat.releaseAt)
}

// learn takes the arrival of a heartbeat.
func (b *beat) learn(now Instant, aside bool) {
	gap, held, seen := now.Sub(b.at), b.held, b.seen
	b.at, b.seen, b.held = now, true, 0
	switch {
	case !seen:
	case b.usual == 0 || gap < b.usual:
		b.usual = gap
		b.tried = b.tried || held > 0
	case held == 0:
		b.usual += (gap - b.usual) / 4
	case !aside && gap > b.usual+max(held/2, holdSlack):
		b.waits = true
	case aside && gap > b.usual*3/2:
		b.usual = min(b.usual, gap/2) // one was skipped, perhaps because the hold lasted past it
	default:
		b.tried = true
	}
}

// holdFor is how long the answer to the heartbeat that has just come is held.
func (s *Shard) holdFor(m *member, aside bool) time.Duration {
	b := &m.beat
	if !s.cfg.HoldHeartbeats || b.waits {
		return 0
	}
	d := b.usual - max(b.usual/20, holdMarginMin)
	switch {
	case b.usual == 0 && aside:
		d = holdFirst
	case !aside && !b.tried:
		d = max(b.usual/holdProbeShare, 2*holdSlack+holdMarginMin)
		if d > b.usual/2 {
			return 0 // nothing is known yet, or the rhythm is too fast to tell
		}
	}
	return min(d, s.cfg.HoldMax, m.sessionTimeout/holdSessionShare)
}

// release answers a held heartbeat.
func (s *Shard) release(g *group, m *member, err *protocol.Error) {
	if m.beat.token == 0 {
		return
	}
	s.reply(m.beat.token, &HeartbeatReply{err})
	m.beat.token = 0
	m.beat.held = s.now.Sub(m.beat.at)
	s.cancel(HoldTimer, g, m.id)
}

// releaseHeld tells all members whose heartbeats are held that a rebalance starts. What was learnt of their rhythm
// stays, but the gap over the rebalance teaches nothing.
func (s *Shard) releaseHeld(g *group, err *protocol.Error) {
	for m := g.members.first; m != nil; m = m.next {
		s.release(g, m, err)
		m.beat.seen = false
	}
}

func (s *Shard) holdEnded(id, memberID string) {
	g := s.groups[id]
	if g == nil {
		return
	}
	if m := g.members.get(memberID); m != nil && m.beat.token != 0 && s.now >= m.beat.releaseAt {
		s.release(g, m, nil)
	}
}

// Nudge says that a later request arrived on the connection of a heartbeat, or that the connection ended. If the
// heartbeat is held it is answered, so that nothing waits behind it.
type Nudge struct {
	Token    Token
	GroupID  string
	MemberID string
}

func (s *Shard) nudge(e *Nudge) {
	g := s.groups[e.GroupID]
	if g == nil {
		return
	}
	if m := g.members.get(e.MemberID); m != nil && m.beat.token == e.Token {
		s.release(g, m, nil)
	}
}
