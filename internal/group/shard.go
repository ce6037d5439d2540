package group

import (
	"fmt"
	"slices"

	"github.com/skein-io/skein/internal/protocol"
)

// Shard is the group coordinator of one partition of __consumer_offsets. Not safe for concurrent use. Make one with
// New, give it the log's records with Replay, then Step Loaded.
type Shard struct {
	cfg     Config
	groups  map[string]*group
	offsets offsetStore

	seq     Seq      // of the record emitted last
	emitted []Record // asked for, neither appended nor refused yet
	dirty   map[string]touched
	waits   []wait   // what goes on when records are committed, by Seq
	ready   []*group // their join phase can end as soon as the inbox has no more joins of them

	diaries diaryList       // of the groups
	idle    []*group        // may have neither members nor offsets, the oldest first; see noteIdle
	closing *protocol.Error // the node ends soon, see ShuttingDown; nil until then

	// These are set during a Step only.
	now Instant
	fx  *Effects
}

// touched is what the emitted records of a group would change.
type touched uint8

const (
	touchedOffsets touched = iota + 1
	touchedGroup
)

// New makes a Shard that knows no group.
func New(cfg Config) *Shard {
	return &Shard{cfg: cfg, groups: make(map[string]*group), offsets: newOffsetStore(), dirty: make(map[string]touched)}
}

// Step takes one event at a time that never goes back, and adds what follows from it to fx.
func (s *Shard) Step(now Instant, event Event, fx *Effects) {
	s.now, s.fx = max(now, s.now), fx
	first := len(fx.Records)
	if s.closing != nil && s.lastCalls(event) {
		s.fx = nil
		return
	}
	divisible := false
	switch e := event.(type) {
	case *Join:
		s.join(e)
	case *Sync:
		s.sync(e)
	case *Heartbeat:
		s.heartbeat(e)
	case *Nudge:
		s.nudge(e)
	case *Leave:
		s.leave(e)
	case *Commit:
		s.commit(e)
	case *Fetch:
		s.fetch(e)
	case *List:
		s.list(e)
	case *Describe:
		s.describe(e)
	case *Why:
		s.why(e)
	case *Inspect:
		s.inspect(e)
	case *Delete:
		s.delete(e)
		divisible = true
	case *DeleteOffsets:
		s.deleteOffsets(e)
		divisible = true
	case *TopicsDeleted:
		s.topicsDeleted(e)
		divisible = true
	case *Timer:
		s.timer(e.Key)
		divisible = e.Key.Kind == CleanupTimer
	case *Drained:
		s.drained(e)
	case *Appended:
		s.appended(e)
	case *Refused:
		s.refused(e)
	case *Committed:
		s.committed(e)
	case *TimedOut:
		s.timedOut(e)
	case *Loaded:
		s.loaded()
	case *Unload:
		s.unload(e)
	case *ShuttingDown:
		s.shuttingDown(e)
	case *Restored:
		s.restored(e)
	default:
		panic(fmt.Sprintf("group: no step for the event %T", event))
	}
	if n := len(fx.Records); n > first {
		fx.Units = append(fx.Units, Unit{First: fx.Records[first].Seq, Last: fx.Records[n-1].Seq, Divisible: divisible})
	}
	s.fx = nil
}

func (s *Shard) timer(key TimerKey) {
	switch key.Kind {
	case SessionTimer:
		s.sessionEnded(key.Group, key.Member)
	case JoinTimer:
		s.joinTimerRang(key.Group)
	case SettleTimer:
		s.settled(key.Group)
	case SyncTimer:
		s.syncTimerRang(key.Group)
	case HoldTimer:
		s.holdEnded(key.Group, key.Member)
	case CleanupTimer:
		s.cleanup()
	case IdleTimer:
		s.idleEnded(key.Group)
	case DiaryTimer:
		s.trimDiary(key.Group)
	default:
		panic(fmt.Sprintf("group: no timer of kind %d", key.Kind))
	}
}

// NeedsAppend says whether records that were asked for must be appended before the event, because its decision
// depends on what they change. Commits do not need it, so that one batch takes the commits of many requests.
func (s *Shard) NeedsAppend(event Event) bool {
	if len(s.emitted) == 0 {
		return false
	}
	switch e := event.(type) {
	case *Commit:
		return s.dirty[e.GroupID] == touchedGroup
	case *Fetch:
		return e.RequireStable && s.dirty[e.GroupID] != 0
	case *Join:
		return s.dirty[e.GroupID] != 0
	case *Sync:
		return s.dirty[e.GroupID] != 0
	case *Heartbeat:
		return s.dirty[e.GroupID] != 0
	case *Nudge, *Inspect:
		return false
	case *Leave:
		return s.dirty[e.GroupID] != 0
	case *Describe:
		return s.dirty[e.GroupID] != 0
	case *Why:
		return s.dirty[e.GroupID] != 0
	case *Delete:
		return s.dirty[e.GroupID] != 0
	case *DeleteOffsets:
		return s.dirty[e.GroupID] != 0
	case *Drained:
		return s.dirty[e.GroupID] != 0
	case *Timer:
		return e.Key.Group == "" || s.dirty[e.Key.Group] != 0
	case *Appended, *Refused, *Committed, *TimedOut, *ShuttingDown:
		return false
	default:
		return true
	}
}

// Ready returns the groups whose join phase can end. The driver steps Drained for each of them as soon as its inbox
// holds no JoinGroup of that group. The slice is valid until the next Step.
func (s *Shard) Ready() []string {
	ids := make([]string, len(s.ready))
	for i, g := range s.ready {
		ids[i] = g.id
	}
	return ids
}

// Emitted is the Seq of the last record that was asked for.
func (s *Shard) Emitted() Seq { return s.seq }

// append asks for a record.
func (s *Shard) append(r Record) Seq {
	s.seq++
	r.Seq = s.seq
	s.fx.Records = append(s.fx.Records, r)
	s.emitted = append(s.emitted, r)
	if r.Diary != nil {
		s.askRoom(&r, true)
	}
	touch := touchedOffsets
	if r.Kind != OffsetStored {
		touch = touchedGroup
	}
	s.dirty[r.Group] = max(s.dirty[r.Group], touch)
	return r.Seq
}

func (s *Shard) reply(token Token, body Body) {
	if token != 0 {
		s.fx.Replies = append(s.fx.Replies, Reply{Token: token, Body: body})
	}
}

// replyWhenCommitted gives the reply when all records asked for so far are committed.
func (s *Shard) replyWhenCommitted(token Token, body Refusable) {
	if token != 0 {
		s.fx.Deferred = append(s.fx.Deferred, DeferredReply{Seq: s.seq, Token: token, Body: body})
	}
}

func (s *Shard) set(kind TimerKind, g *group, member string, at Instant) {
	s.fx.Timers = append(s.fx.Timers, TimerChange{Key: TimerKey{Kind: kind, Group: g.id, Member: member}, At: at})
}

func (s *Shard) cancel(kind TimerKind, g *group, member string) {
	s.fx.Timers = append(s.fx.Timers, TimerChange{Key: TimerKey{Kind: kind, Group: g.id, Member: member}, Cancel: true})
}

// note tells logs and metrics what happened, and the group's diary.
func (s *Shard) note(kind NoteKind, g *group, member string, why reason) {
	s.fx.Notes = append(s.fx.Notes, Note{Kind: kind, Group: g.id, Member: member, Reason: why.String(), Generation: g.generation, Members: g.members.len()})
	g.record(s.now, kind, member, why)
}

// identify is group.check, and notes who is fenced.
func (s *Shard) identify(g *group, memberID, instanceID, during string) (*member, *protocol.Error) {
	m, err := g.check(memberID, instanceID, during)
	if err != nil && err.Code == protocol.FencedInstanceID {
		s.note(MemberFenced, g, memberID, reason{what: Fenced, ours: during + " with group.instance.id " + instanceID})
	}
	return m, err
}

// checkGeneration refuses a member's request of another generation than the present one, and notes who is left in an old
// one: it did not learn of a rebalance, or it was held up since.
func (s *Shard) checkGeneration(g *group, m *member, generation int32, during string) *protocol.Error {
	if generation == g.generation {
		return nil
	}
	if generation > 0 && generation < g.generation {
		s.note(GenerationRefused, g, m.id, reason{what: OldGeneration, ours: during, generation: generation})
	}
	return protocol.Fail(protocol.IllegalGeneration, "%s: group %q is at generation %d, not %d", during, g.id, g.generation, generation)
}

// groupIDs are the ids of all groups in order, for whatever looks at all of them.
func (s *Shard) groupIDs() []string {
	ids := make([]string, 0, len(s.groups))
	for id := range s.groups {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
