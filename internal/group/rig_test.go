package group

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// rig drives a Shard as package coordinator does, in one goroutine and with time that stands still until it is moved.
type rig struct {
	t      testing.TB
	cfg    Config
	shard  *Shard
	fx     Effects
	now    Instant
	timers map[TimerKey]Instant

	log       []Record // appended
	committed Seq
	appended  Seq
	deferred  []DeferredReply
	manual    bool // appending and committing are commands of the test
	unchecked bool // timers are broken on purpose

	onReply  func(Reply)
	onRecord func(Record)
	onTimer  func(TimerChange)
	onEvent  func(Recorded)
	onNote   func(Note)
}

const rigStart Instant = 1_000_000

func newRig(t testing.TB, cfg Config) *rig {
	r := &rig{t: t, cfg: cfg, now: rigStart}
	r.onReply = func(Reply) {}
	r.onRecord = func(Record) {}
	r.onTimer = func(TimerChange) {}
	r.onEvent = func(Recorded) {}
	r.load()
	return r
}

// load makes the shard again from what is in the log.
func (r *rig) load() {
	r.shard = New(r.cfg)
	r.timers = make(map[TimerKey]Instant)
	r.deferred = nil
	r.appended, r.committed = 0, 0
	for i := range r.log {
		rec := r.log[i]
		rec.Seq = 0
		r.shard.Replay(&rec)
	}
	r.step(&Loaded{})
}

// step gives one event, with an append before it where one is needed.
func (r *rig) step(e Event) {
	if r.shard.NeedsAppend(e) {
		r.append()
	}
	r.raw(e)
}

func (r *rig) raw(e Event) {
	r.onEvent(Recorded{At: r.now, Event: e})
	r.shard.Step(r.now, e, &r.fx)
	for _, c := range r.fx.Timers {
		r.onTimer(c)
		if c.Cancel {
			delete(r.timers, c.Key)
		} else {
			r.timers[c.Key] = c.At
		}
	}
	for _, n := range r.fx.Notes {
		if r.onNote != nil {
			r.onNote(n)
		}
	}
	replies := slices.Clone(r.fx.Replies)
	r.deferred = append(r.deferred, r.fx.Deferred...)
	r.fx.Timers, r.fx.Replies, r.fx.Deferred, r.fx.Notes = r.fx.Timers[:0], r.fx.Replies[:0], r.fx.Deferred[:0], r.fx.Notes[:0]
	r.check()
	for _, reply := range replies {
		r.onReply(reply)
	}
}

// append writes what was asked for to the log.
func (r *rig) append() {
	if len(r.fx.Records) == 0 {
		return
	}
	for _, rec := range r.fx.Records {
		r.onRecord(rec)
		r.log = append(r.log, rec)
		r.appended = rec.Seq
	}
	r.fx.Records, r.fx.Units = r.fx.Records[:0], r.fx.Units[:0]
	r.raw(&Appended{UpTo: r.appended})
}

// refuse fails the append of what was asked for.
func (r *rig) refuse(code protocol.Code) {
	if len(r.fx.Records) == 0 {
		return
	}
	first, last := r.fx.Records[0].Seq, r.fx.Records[len(r.fx.Records)-1].Seq
	r.fx.Records, r.fx.Units = r.fx.Records[:0], r.fx.Units[:0]
	r.raw(&Refused{First: first, Last: last, Code: code, Reason: "by the test"})
	r.failDeferred(first, last, protocol.Fail(WriteFailure(code), "by the test"))
}

// commit moves the high watermark.
func (r *rig) commit(upTo Seq) {
	if upTo <= r.committed {
		return
	}
	r.committed = upTo
	r.raw(&Committed{UpTo: upTo})
	n := 0
	for n < len(r.deferred) && r.deferred[n].Seq <= upTo {
		n++
	}
	done := r.deferred[:n]
	r.deferred = slices.Clone(r.deferred[n:])
	for _, d := range done {
		r.onReply(Reply{d.Token, d.Body})
	}
}

func (r *rig) timeOut() {
	r.raw(&TimedOut{UpTo: r.appended})
	r.failDeferred(0, r.appended, protocol.Fail(protocol.CoordinatorNotAvailable, "timed out"))
}

func (r *rig) failDeferred(first, last Seq, err *protocol.Error) {
	kept := r.deferred[:0:0]
	for _, d := range r.deferred {
		if d.Seq >= first && d.Seq <= last {
			r.onReply(Reply{d.Token, d.Body.Refuse(err)})
		} else {
			kept = append(kept, d)
		}
	}
	r.deferred = kept
}

// settle ends a round: the inbox is empty.
func (r *rig) settle() {
	for {
		for _, id := range r.shard.Ready() {
			r.step(&Drained{GroupID: id})
		}
		if r.manual {
			return
		}
		r.append()
		r.commit(r.appended)
		if len(r.shard.Ready()) == 0 && len(r.fx.Records) == 0 {
			return
		}
	}
}

// nextTimer is the timer that rings first, the smallest key among equals.
func (r *rig) nextTimer() (key TimerKey, at Instant, ok bool) {
	for k, t := range r.timers {
		if !ok || t < at || t == at && less(k, key) {
			key, at, ok = k, t, true
		}
	}
	return key, at, ok
}

func less(a, b TimerKey) bool {
	if a.Kind != b.Kind {
		return a.Kind < b.Kind
	}
	return a.Group+"/"+a.Member < b.Group+"/"+b.Member
}

// advance lets time pass. Each timer rings at its time, each in a round of its own.
func (r *rig) advance(d time.Duration, ring func(TimerKey)) {
	end := r.now.Add(d)
	for {
		key, at, ok := r.nextTimer()
		if !ok || at > end {
			break
		}
		r.now = max(r.now, at)
		if ring != nil {
			ring(key)
		}
		e := &Timer{Key: key}
		if r.shard.NeedsAppend(e) {
			r.append()
		}
		delete(r.timers, key)
		r.raw(e)
		r.settle()
	}
	r.now = end
}

// check holds what must be true of a shard after every step.
func (r *rig) check() {
	for id, g := range r.shard.groups {
		bad := g.invariant()
		if bad == "" && !r.unchecked {
			bad = g.stuck(r.timers)
		}
		if bad != "" {
			r.t.Fatalf("group %s: %s\n%s", id, bad, g.dump())
		}
	}
	if len(r.fx.Records) != len(r.shard.emitted) {
		r.t.Fatalf("%d records asked for, %d remembered", len(r.fx.Records), len(r.shard.emitted))
	}
}

// invariant returns what is wrong with a group, or "".
func (g *group) invariant() string {
	joining, syncing, statics := 0, 0, 0
	support := map[string]int{}
	var before *member
	for m := g.members.first; m != nil; m = m.next {
		switch {
		case m.previous != before:
			return "the list of members is torn"
		case g.members.get(m.id) != m:
			return "member " + m.id + " is not found by its id"
		case m.instance != "" && g.static[m.instance] != m.id:
			return "instance " + m.instance + " is that of " + g.static[m.instance]
		case m.beat.token != 0 && g.state != Stable:
			return "a heartbeat is held in " + g.state.String()
		case m.sync != 0 && g.state != CompletingRebalance:
			return "a sync is parked in " + g.state.String()
		case m.join != 0 && g.state != PreparingRebalance && g.state != Stable:
			return "a join is parked in " + g.state.String()
		case g.pending.get(m.id) != nil:
			return "member " + m.id + " is pending too"
		}
		if m.join != 0 {
			joining++
		}
		if m.pendingSync {
			syncing++
		}
		if m.instance != "" {
			statics++
		}
		for _, p := range m.protocols {
			support[p.Name]++
		}
		before = m
	}
	switch {
	case joining != g.joining:
		return fmt.Sprintf("%d joins parked, counted %d", joining, g.joining)
	case syncing != g.syncing:
		return fmt.Sprintf("%d syncs expected, counted %d", syncing, g.syncing)
	case statics != len(g.static):
		return fmt.Sprintf("%d static members, %d known", statics, len(g.static))
	case fmt.Sprint(support) != fmt.Sprint(g.support) && len(support)+len(g.support) > 0:
		return fmt.Sprintf("support %v, counted %v", support, g.support)
	case g.members.len() == 0 && g.leader != "":
		return "leader " + g.leader + " of nobody"
	case g.members.len() > 0 && g.members.get(g.leader) == nil:
		return "leader " + g.leader + " is no member"
	case g.members.len() > 0 && g.state == Empty:
		return "Empty with members"
	case g.members.len() == 0 && (g.state == Stable || g.state == CompletingRebalance):
		return g.state.String() + " without members"
	case g.members.len() > 0 && g.vote() == "":
		return "no protocol that all offer"
	case g.state == Dead:
		return "Dead and still here"
	}
	return ""
}

func (g *group) dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v generation=%d type=%q protocol=%q leader=%q", g.id, g.state, g.generation, g.protocolType, g.protocol, g.leader)
	if g.pending.len() > 0 {
		b.WriteString(" pending=")
		for p := g.pending.first; p != nil; p = p.next {
			b.WriteString(p.id + ",")
		}
	}
	b.WriteByte('\n')
	for m := g.members.first; m != nil; m = m.next {
		fmt.Fprintf(&b, "  %s", m.id)
		if m.instance != "" {
			b.WriteString(" instance=" + m.instance)
		}
		for _, p := range m.protocols {
			fmt.Fprintf(&b, " %s:%s", p.Name, p.Metadata)
		}
		if len(m.assignment) > 0 {
			fmt.Fprintf(&b, " assigned=%s", m.assignment)
		}
		if m.join != 0 {
			b.WriteString(" joining")
		}
		if m.sync != 0 {
			b.WriteString(" syncing")
		}
		if m.pendingSync {
			b.WriteString(" sync-expected")
		}
		if m.beat.token != 0 {
			b.WriteString(" heartbeat-held")
		}
		if m.isNew {
			b.WriteString(" new")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// stuck returns what of a group waits for nothing that will come, or "".
func (g *group) stuck(timers map[TimerKey]Instant) string {
	has := func(kind TimerKind, member string) bool {
		_, ok := timers[TimerKey{Kind: kind, Group: g.id, Member: member}]
		return ok
	}
	for m := g.members.first; m != nil; m = m.next {
		if !m.heard() && !has(SessionTimer, m.id) {
			return "nothing would end the session of " + m.id
		}
		if m.beat.token != 0 && !has(HoldTimer, m.id) {
			return "nothing would answer the heartbeat of " + m.id
		}
	}
	for p := g.pending.first; p != nil; p = p.next {
		if !has(SessionTimer, p.id) {
			return "nothing would end the wait for " + p.id
		}
	}
	switch {
	case g.state == PreparingRebalance && !g.phase.ready && !has(JoinTimer, "") && !has(SettleTimer, ""):
		return "nothing would end the join phase"
	case g.syncing > 0 && !has(SyncTimer, ""):
		return "nothing would end the wait for syncs"
	}
	return ""
}
