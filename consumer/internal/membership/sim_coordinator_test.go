package membership

import (
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
)

const simGroup = "g"

// simCoordinator is skein's own coordinator of the group, package group, on one of two nodes. It moves between them:
// the new node reads the log of the old one. What is appended is committed at once.
type simCoordinator struct {
	w    *simWorld
	rand *sim.Rand
	cfg  group.Config

	node    int  // where the group is
	loading bool // the node does not answer for it yet
	cut     [2]bool

	shard     *group.Shard
	fx        group.Effects
	timers    map[group.TimerKey]group.Instant
	log       []group.Record
	committed group.Seq
	deferred  []group.DeferredReply
	waiting   map[group.Token]func(group.Body)
	rung      *sim.Timer
	inbox     []func()
	rounds    bool // a round is under way, or due
}

func newSimCoordinator(w *simWorld) *simCoordinator {
	c := &simCoordinator{w: w, rand: w.Rand("coordinator"), cfg: group.DefaultConfig()}
	c.cfg.InitialDelay = time.Duration(c.rand.IntN(2)) * 500 * time.Millisecond
	c.cfg.JoinSettle = time.Duration(c.rand.IntN(2)) * 20 * time.Millisecond
	c.cfg.HoldHeartbeats = c.rand.Chance(500)
	c.cfg.CleanupInterval = 0
	c.load()
	return c
}

func (c *simCoordinator) now() group.Instant {
	return group.Instant(c.w.Now() / sim.Instant(time.Millisecond))
}

// load makes the shard from the log.
func (c *simCoordinator) load() {
	c.shard = group.New(c.cfg)
	c.fx.Reset()
	c.timers = map[group.TimerKey]group.Instant{}
	c.waiting = map[group.Token]func(group.Body){}
	c.deferred, c.committed, c.loading = nil, 0, false
	for i := range c.log {
		r := c.log[i]
		r.Seq = 0
		c.shard.Replay(&r)
	}
	c.step(&group.Loaded{})
	c.round()
}

// move gives the group to the other node, which loads for a while.
func (c *simCoordinator) move() {
	c.w.Notef("the coordinator moves to node %d", 1-c.node)
	c.settle()
	c.step(&group.Unload{Code: protocol.NotCoordinator, Reason: "another node has the group"})
	c.inbox = nil
	c.w.see.moved()
	c.node, c.loading, c.timers = 1-c.node, true, map[group.TimerKey]group.Instant{}
	node := c.node
	c.w.After(c.rand.Between(0, 2*time.Second), func() {
		if c.node == node && c.loading {
			c.load()
		}
	})
}

// arrive takes a request at a node. An answer is given to reply once, or never.
func (c *simCoordinator) arrive(node int, e group.Event, token group.Token, reply func(group.Body)) {
	switch {
	case c.cut[node]:
	case node != c.node:
		reply(refusal(e, protocol.NotCoordinator))
	case c.loading:
		if _, beat := e.(*group.Heartbeat); beat {
			reply(&group.HeartbeatReply{}) // as Kafka does
			return
		}
		reply(refusal(e, protocol.CoordinatorLoadInProgress))
	default:
		c.inbox = append(c.inbox, func() {
			c.waiting[token] = reply
			c.step(e)
		})
		if !c.rounds {
			c.rounds = true
			c.w.After(0, c.round)
		}
	}
}

// refusal is an answer of the node rather than of the group.
func refusal(e group.Event, code protocol.Code) group.Body {
	err := protocol.Fail(code, "by the node")
	switch e := e.(type) {
	case *group.Join:
		return &group.JoinReply{Err: err, MemberID: e.MemberID, Generation: -1}
	case *group.Sync:
		return &group.SyncReply{Err: err}
	case *group.Heartbeat:
		return &group.HeartbeatReply{Err: err}
	case *group.Leave:
		return &group.LeaveReply{Err: err}
	case *group.Commit:
		return &group.CommitReply{Err: err}
	}
	panic(fmt.Sprintf("no refusal for %T", e))
}

// round steps what waits, and what rings.
func (c *simCoordinator) round() {
	c.rounds = false
	if c.loading {
		return
	}
	inbox := c.inbox
	c.inbox = nil
	for _, run := range inbox {
		run()
	}
	for {
		key, at, ok := c.nextTimer()
		if !ok || at > c.now() {
			break
		}
		delete(c.timers, key)
		c.step(&group.Timer{Key: key})
	}
	c.settle()
	if c.rung != nil {
		c.rung.Stop()
	}
	if _, at, ok := c.nextTimer(); ok {
		c.rung = c.w.At(sim.Instant(at)*sim.Instant(time.Millisecond), c.round)
	}
}

// settle does what the shard asked for until there is nothing left.
func (c *simCoordinator) settle() {
	for {
		for _, id := range c.shard.Ready() {
			c.step(&group.Drained{GroupID: id})
		}
		c.write()
		if len(c.shard.Ready()) == 0 && len(c.fx.Records) == 0 {
			return
		}
	}
}

// write appends and commits.
func (c *simCoordinator) write() {
	for len(c.fx.Records) > 0 {
		upTo := c.fx.Records[len(c.fx.Records)-1].Seq
		c.log = append(c.log, c.fx.Records...)
		c.fx.Records, c.fx.Units = nil, nil
		c.raw(&group.Appended{UpTo: upTo})
		c.committed = upTo
		c.raw(&group.Committed{UpTo: upTo})
	}
	due := c.deferred
	c.deferred = nil
	for _, d := range due {
		if d.Seq > c.committed {
			c.deferred = append(c.deferred, d)
			continue
		}
		c.answer(d.Token, d.Body)
	}
}

func (c *simCoordinator) step(e group.Event) {
	if c.shard.NeedsAppend(e) {
		c.write()
	}
	c.raw(e)
}

func (c *simCoordinator) raw(e group.Event) {
	c.shard.Step(c.now(), e, &c.fx)
	for _, t := range c.fx.Timers {
		if t.Cancel {
			delete(c.timers, t.Key)
		} else {
			c.timers[t.Key] = t.At
		}
	}
	for _, n := range c.fx.Notes {
		if n.Kind == group.GenerationStable {
			c.w.see.stable = n.Generation
		}
		c.w.Notef("coordinator: %v, member %s, generation %d of %d: %s", n.Kind, n.Member, n.Generation, n.Members, n.Reason)
	}
	replies := slices.Clone(c.fx.Replies)
	c.deferred = append(c.deferred, c.fx.Deferred...)
	c.fx.Timers, c.fx.Replies, c.fx.Deferred, c.fx.Notes = nil, nil, nil, nil
	for _, r := range replies {
		c.answer(r.Token, r.Body)
	}
}

func (c *simCoordinator) answer(token group.Token, body group.Body) {
	if reply := c.waiting[token]; reply != nil {
		delete(c.waiting, token)
		reply(body)
	}
}

func (c *simCoordinator) nextTimer() (key group.TimerKey, at group.Instant, ok bool) {
	before := func(a, b group.TimerKey) bool {
		return fmt.Sprint(a.Kind, a.Group, a.Member) < fmt.Sprint(b.Kind, b.Group, b.Member)
	}
	for k, t := range c.timers {
		if !ok || t < at || t == at && before(k, key) {
			key, at, ok = k, t, true
		}
	}
	return key, at, ok
}
