package group

import (
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Held heartbeats. A member learns of a rebalance from the answer to a heartbeat, and it sends one every few seconds.
// So in a Stable group the answer is kept back: it is given when a rebalance starts, when a later request arrives on
// the connection, or shortly before the next heartbeat is due. The member then learns of the rebalance at once.
//
// What clients do while they wait was read in their sources. Java, kafka-python, librdkafka and kafka-go count the
// interval from the time a heartbeat was sent; Java and kafka-python send the next one even if the last is not answered,
// librdkafka skips it; franz-go counts from the answer. All of them go on with their work. sarama does not: it locks the
// connection until the answer is there, commits and fetches wait behind it, so nothing of it is held. kafkajs and clients
// like it do not either: they wait for the answer within their poll loop. Such a client is found out by its spacing
// (rhythm.go), and then nothing of it is held any more. Clients that are not known as Aside are tried with a short hold.
//
// With a member's second heartbeat its usual interval is known. The first is held for a moment if the client is known to
// go on aside, else not at all.
const (
	// holdMarginMin and a twentieth of the interval are left between the answer and the next heartbeat, so that a client
	// with one heartbeat under way does not skip one.
	holdMarginMin = 20 * time.Millisecond
	// holdFirst is how long the first heartbeat of a client is held that goes on aside.
	holdFirst = time.Second
	// holdIntervalMin is the shortest interval of which anything is held: such a client learns soon enough.
	holdIntervalMin = 100 * time.Millisecond
	// holdProbeShare of the interval is held to try a client out, but at least holdProbeMin.
	holdProbeShare = 4
	holdProbeMin   = 120 * time.Millisecond
	// holdSessionShare of the session timeout is the longest hold.
	holdSessionShare = 3
)

// holdOrAnswer takes a heartbeat in a Stable group.
func (s *Shard) holdOrAnswer(g *group, m *member, e *Heartbeat) {
	s.cutHold(g, m) // of another connection
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

// holdFor is how long the answer to the heartbeat that has just come is held: a little shorter than the usual interval,
// half of it where that is in doubt, and never so long that the client could take the answer for lost.
func (s *Shard) holdFor(m *member, aside bool) time.Duration {
	b := &m.beat
	if !s.cfg.HoldHeartbeats || b.waits() {
		return 0
	}
	longest := min(s.cfg.HoldMax, m.sessionTimeout/holdSessionShare)
	usual := b.usual()
	switch {
	case len(b.gaps) == 0 && aside:
		return min(holdFirst, longest)
	case usual < holdIntervalMin:
		return 0
	case !aside && !b.tried && holdProbe(usual) > usual/2:
		return 0 // the rhythm is too fast to tell
	case !aside && !b.tried:
		return min(holdProbe(usual), longest)
	case b.doubt:
		return min(usual, longest) / 2
	}
	return min(usual-holdMargin(usual), longest)
}

func holdMargin(usual time.Duration) time.Duration { return max(usual/20, holdMarginMin) }

func holdProbe(usual time.Duration) time.Duration { return max(usual/holdProbeShare, holdProbeMin) }

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

// cutHold answers a held heartbeat because another request came.
func (s *Shard) cutHold(g *group, m *member) {
	if m.beat.token != 0 {
		s.release(g, m, nil)
		m.beat.cut = true
	}
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
		s.cutHold(g, m)
	}
}
