// Package coordinator is a group's coordinator for simulations of its members: skein's own decisions, package group, on
// one of a few nodes. It moves between them, and reads its log again. What it appends is committed at once.
//
// It keeps no time and starts no goroutine: who drives it brings a clock, and sees to it that one call is made at a
// time. Start with Coordinator.Arrive.
package coordinator

import (
	"fmt"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// Config is what a Coordinator is given. Now and After are needed.
type Config struct {
	Group group.Config
	// Now is the time since the simulation began.
	Now func() time.Duration
	// After calls f later, unless it is stopped. f counts as a call of the Coordinator: it comes alone.
	After func(d time.Duration, f func()) (stop func())
	// Noted is told what a person might want to know; may be nil.
	Noted func(group.Note)
	// Written is told each record of the log; may be nil.
	Written func(group.Record)
}

// Coordinator of all groups. Calls come one at a time.
type Coordinator struct {
	cfg Config

	node    int  // where the groups are
	loading bool // the node does not answer for them yet

	shard     *group.Shard
	fx        group.Effects
	timers    map[group.TimerKey]group.Instant
	log       []group.Record
	committed group.Seq
	deferred  []group.DeferredReply
	waiting   map[group.Token]func(group.Body)
	unring    func()
	inbox     []func()
	rounds    bool // a round is due
}

// New starts a Coordinator on node 0, with an empty log.
func New(cfg Config) *Coordinator {
	c := &Coordinator{cfg: cfg, unring: func() {}}
	c.load()
	return c
}

// Node is where the groups are.
func (c *Coordinator) Node() int { return c.node }

func (c *Coordinator) now() group.Instant { return group.Instant(c.cfg.Now() / time.Millisecond) }

// load makes the shard from the log.
func (c *Coordinator) load() {
	c.shard = group.New(c.cfg.Group)
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

// Move gives the groups to another node, which loads them for so long. Who waits is told NOT_COORDINATOR.
func (c *Coordinator) Move(node int, loads time.Duration) {
	if !c.loading { // else nobody waits, and the shard is gone
		c.settle()
		c.step(&group.Unload{Code: protocol.NotCoordinator, Reason: "another node has the group"})
	}
	c.inbox = nil
	c.node, c.loading, c.timers = node, true, map[group.TimerKey]group.Instant{}
	c.cfg.After(loads, func() {
		if c.node == node && c.loading {
			c.load()
		}
	})
}

// Arrive takes a request at a node. reply is called once, or never.
func (c *Coordinator) Arrive(node int, e group.Event, token group.Token, reply func(group.Body)) {
	switch {
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
			c.cfg.After(0, c.round)
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
	case *group.Fetch:
		return &group.FetchReply{Err: err}
	case *group.Describe:
		return &group.DescribeReply{Err: err}
	}
	panic(fmt.Sprintf("no refusal for %T", e))
}

// round steps what waits, and what rings.
func (c *Coordinator) round() {
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
	c.unring()
	c.unring = func() {}
	if _, at, ok := c.nextTimer(); ok {
		c.unring = c.cfg.After(time.Duration(at)*time.Millisecond-c.cfg.Now(), c.round)
	}
}

// settle does what the shard asked for until there is nothing left.
func (c *Coordinator) settle() {
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
func (c *Coordinator) write() {
	for len(c.fx.Records) > 0 {
		records := c.fx.Records
		upTo := records[len(records)-1].Seq
		c.log = append(c.log, records...)
		c.fx.Records, c.fx.Units = nil, nil
		if c.cfg.Written != nil {
			for _, r := range records {
				c.cfg.Written(r)
			}
		}
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

func (c *Coordinator) step(e group.Event) {
	if c.shard.NeedsAppend(e) {
		c.write()
	}
	c.raw(e)
}

func (c *Coordinator) raw(e group.Event) {
	c.shard.Step(c.now(), e, &c.fx)
	for _, t := range c.fx.Timers {
		if t.Cancel {
			delete(c.timers, t.Key)
		} else {
			c.timers[t.Key] = t.At
		}
	}
	notes, replies := c.fx.Notes, slices.Clone(c.fx.Replies)
	c.deferred = append(c.deferred, c.fx.Deferred...)
	c.fx.Timers, c.fx.Replies, c.fx.Deferred, c.fx.Notes = nil, nil, nil, nil
	if c.cfg.Noted != nil {
		for _, n := range notes {
			c.cfg.Noted(n)
		}
	}
	for _, r := range replies {
		c.answer(r.Token, r.Body)
	}
}

func (c *Coordinator) answer(token group.Token, body group.Body) {
	if reply := c.waiting[token]; reply != nil {
		delete(c.waiting, token)
		reply(body)
	}
}

func (c *Coordinator) nextTimer() (key group.TimerKey, at group.Instant, ok bool) {
	for k, t := range c.timers {
		if !ok || t < at || t == at && before(k, key) {
			key, at, ok = k, t, true
		}
	}
	return key, at, ok
}

func before(a, b group.TimerKey) bool {
	switch {
	case a.Kind != b.Kind:
		return a.Kind < b.Kind
	case a.Group != b.Group:
		return a.Group < b.Group
	}
	return a.Member < b.Member
}
