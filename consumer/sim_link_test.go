package consumer

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/skein-io/skein/internal/sim"
)

// simLink is a process's way to the simulated cluster, in the place of link.Link. What the network does to a request is
// drawn from the seed, the process, the kind of the request and its number: how long it takes there and back, whether it
// is lost, before or after it took effect, and whether that shows at once or by the timeout.
//
// Requests of the membership arrive in order, as on one connection. A request that is given up before it arrived never
// does: its connection is closed. So a commit does not take effect after the next one was sent.
type simLink struct {
	w    *simWorld
	p    *process
	base uint64
	done chan struct{} // closed by Close

	// Guarded by simWorld.mu.
	sent    map[string]uint64
	arrived time.Time // the last request of the membership
	closed  bool
	cut     bool // the process cannot reach anybody

	joined, left string // the member ids of the last JoinGroup and LeaveGroup that arrived somewhere
}

var (
	errSimLost   = errors.New("the connection was lost")
	errSimTime   = errors.New("no answer within the timeout")
	errSimClosed = errors.New("the client is closed")
)

func newSimLink(w *simWorld, p *process) *simLink {
	h := fnv.New64a()
	fmt.Fprint(h, w.seed, p.name)
	return &simLink{w: w, p: p, base: h.Sum64(), done: make(chan struct{}), sent: map[string]uint64{}}
}

// draw starts the random numbers of the next request of a kind.
func (l *simLink) draw(kind string) *sim.Rand {
	l.sent[kind]++
	h := fnv.New64a()
	fmt.Fprint(h, kind)
	return &sim.Rand{Rand: rand.New(rand.NewPCG(l.base^h.Sum64(), l.sent[kind]))}
}

const anySimNode int32 = -2

// exchange sends a request, and waits for the answer. arrive is called with w.mu held when, and if, the request is at
// its node; it calls reply then or later.
func (l *simLink) exchange(ctx context.Context, kind string, node int32, timeout time.Duration, arrive func(node int32, reply func(any))) (any, error) {
	answer, fate, err := l.depart(kind, node, arrive)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	defer fate.giveUp(l.w)
	select {
	case a := <-answer:
		if err, lost := a.(error); lost {
			return nil, err
		}
		return a, nil
	case <-timer.C:
		return nil, errSimTime
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, errSimClosed
	}
}

// simFate is what becomes of a request.
type simFate struct {
	there, back     time.Duration
	before, after   bool // it is lost before, or after, it took effect
	shows           bool // that it is lost is seen at once
	gaveUp, replied bool
}

func (f *simFate) giveUp(w *simWorld) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.gaveUp = true
}

func (w *simWorld) fate(chance *sim.Rand) *simFate {
	f := &simFate{there: chance.Between(0, 2*time.Millisecond), back: chance.Between(0, 2*time.Millisecond)}
	if !w.attack {
		return f
	}
	switch n := chance.IntN(1000) / w.storm; {
	case n < 12:
		f.before = true
	case n < 24:
		f.after = true
	case n < 34:
		f.back = chance.Between(0, 2*simRequest)
	case n < 44:
		f.there = chance.Between(0, simRequest)
	}
	f.shows = chance.Chance(500)
	return f
}

func (l *simLink) depart(kind string, node int32, arrive func(node int32, reply func(any))) (chan any, *simFate, error) {
	w := l.w
	w.mu.Lock()
	defer w.mu.Unlock()
	chance := l.draw(kind)
	fate := w.fate(chance)
	answer := make(chan any, 2)
	if node == anySimNode {
		node = int32(chance.IntN(simNodes))
	}
	if node < 0 {
		return nil, nil, errors.New("the node that it is for is not known")
	}
	lose := func() {
		if fate.shows {
			answer <- errSimLost
		}
	}
	at := time.Now().Add(fate.there)
	switch kind {
	case "Join", "Sync", "Heartbeat", "Leave":
		if at.Before(l.arrived) {
			at = l.arrived
		}
		l.arrived = at
	}
	w.after(time.Until(at), func() {
		switch {
		case fate.gaveUp || l.closed || l.p.dead:
			return
		case fate.before || w.cut[node] || l.cut:
			w.notef("%s: %s to node %d is lost", l.p.name, kind, node)
			lose()
			return
		}
		arrive(node, func(body any) {
			if fate.replied {
				return
			}
			fate.replied = true
			if fate.after || w.cut[node] || l.cut {
				w.notef("%s: the answer to %s of node %d is lost", l.p.name, kind, node)
				lose()
				return
			}
			w.after(fate.back, func() { answer <- body })
		})
	})
	return answer, fate, nil
}

// Close is link.Link's.
func (l *simLink) Close() {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.done)
	}
}
