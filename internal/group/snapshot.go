package group

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Restored is what a flight recorder puts before the first event of a group that it keeps: all that the shard knew of
// the group then. Stepping it makes that so, whatever was there; nothing else follows from it. What one group does
// depends on no other, so events after it replay as they were.
type Restored struct {
	GroupID string
	// Omitted says that the group was too large for the recording: its state is not known here.
	Omitted bool          `json:",omitempty"`
	Group   *GroupState   `json:",omitempty"` // nil: there was none
	Offsets []OffsetState `json:",omitempty"`
	Queue   []QueuedState `json:",omitempty"` // offsets that are not committed yet
	Emitted []Record      `json:",omitempty"` // neither appended nor refused yet
	Waits   []WaitState   `json:",omitempty"`
	Touched uint8         `json:",omitempty"` // what Emitted would change
}

func (*Restored) event() {}

// GroupState is a group with all that is volatile in it.
type GroupState struct {
	Stored       *GroupValue
	State        State
	Previous     State
	StateTime    Instant
	Generation   int32
	ProtocolType string
	Protocol     string
	Leader       string
	Members      []MemberState
	Pending      []string
	Topics       []string
	TopicsKnown  bool
	Phase        PhaseState
	Diary        *DiaryState `json:",omitempty"`
}

// DiaryState is a diary.
type DiaryState struct {
	Kept       [][]byte // the entries in the log, the oldest first
	Last       int64
	Draft      *protocol.GroupDiaryValue
	LastSyncer string
	LastSync   Instant
}

// PhaseState is a joinPhase.
type PhaseState struct {
	Started           Instant
	Ready, Due, Early bool
	Delay, Remaining  time.Duration
	Newcomers         bool
	Arrivals          int
	LastArrival       Instant
}

// MemberState is a member with what it has parked.
type MemberState struct {
	ID, InstanceID, ClientID, ClientHost string
	RebalanceTimeout, SessionTimeout     time.Duration
	Protocols                            []Protocol
	Assignment                           []byte
	Join, Sync                           Token
	Asked                                Instant
	Beat                                 BeatState
	IsNew, PendingSync                   bool
}

// BeatState is a beat.
type BeatState struct {
	Token             Token
	At                Instant
	Seen              bool
	Gaps              []time.Duration
	Held              time.Duration
	Cut, Doubt, Tried bool
	Late              int
	ReleaseAt         Instant
}

// OffsetState is both values of a partition; nil where there is none.
type OffsetState struct {
	Topic             string
	Partition         int32
	Latest, Committed *OffsetValue
}

// QueuedState is an offset that is not committed yet; a nil Value removes it.
type QueuedState struct {
	Seq       Seq
	Topic     string
	Partition int32
	Value     *OffsetValue
}

// WaitState is a wait.
type WaitState struct {
	Seq        Seq
	Kind       uint8
	Generation int32
	Member     string
	Value      *GroupValue
	Was        *MemberState
	Leader     string
	Skips      bool
}

// Snapshot is the state of one group, to be recorded before an event of it. A group that weighs more than bytesMax, in
// memory and about, is Omitted. What it returns shares nothing with the shard that changes.
func (s *Shard) Snapshot(id string, bytesMax int) *Restored {
	r := &Restored{GroupID: id}
	g, offsets := s.groups[id], s.offsets.byGroup[id]
	if s.weighs(g, offsets) > bytesMax {
		r.Omitted = true
		return r
	}
	if g != nil {
		r.Group = g.snapshot()
		for i := range s.waits {
			if w := &s.waits[i]; w.group == g {
				r.Waits = append(r.Waits, w.snapshot())
			}
		}
	}
	if offsets != nil {
		s.offsets.snapshot(offsets, r)
	}
	for i := range s.emitted {
		if s.emitted[i].Group == id {
			r.Emitted = append(r.Emitted, s.emitted[i])
		}
	}
	r.Touched = uint8(s.dirty[id])
	return r
}

// Empty says that the shard knew nothing of the group.
func (r *Restored) Empty() bool {
	return !r.Omitted && r.Group == nil && len(r.Offsets)+len(r.Queue)+len(r.Emitted) == 0
}

// Weight is about what the snapshot takes in memory.
func (r *Restored) Weight() int {
	size := 256 + 256*(len(r.Waits)+len(r.Emitted)) + 192*(len(r.Offsets)+len(r.Queue))
	if r.Group != nil {
		for i := range r.Group.Members {
			m := &r.Group.Members[i]
			size += memberWeight(len(m.Assignment), m.Protocols)
		}
		size += 64 * (len(r.Group.Pending) + len(r.Group.Topics))
		if d := r.Group.Diary; d != nil {
			size += diaryWeight(d.Kept, d.Draft)
		}
	}
	return size
}

func (s *Shard) weighs(g *group, offsets *groupOffsets) int {
	size := 0
	if g != nil {
		for m := g.members.first; m != nil; m = m.next {
			size += memberWeight(len(m.assignment), m.protocols)
		}
		size += 64 * (g.pending.len() + len(g.topics))
		if g.diary != nil {
			size += diaryWeight(g.diary.kept, g.diary.draft)
		}
	}
	if offsets != nil {
		size += 192 * (offsets.present + len(offsets.byTopic))
	}
	return size
}

func memberWeight(assignment int, protocols []Protocol) int {
	size := 384 + assignment
	for i := range protocols {
		size += 64 + len(protocols[i].Metadata)
	}
	return size
}

func diaryWeight(kept [][]byte, draft *protocol.GroupDiaryValue) int {
	size := 64
	for _, b := range kept {
		size += 24 + len(b)
	}
	if draft != nil {
		size += 256 * (1 + len(draft.Happenings) + len(draft.Waits) + len(draft.Moves) + len(draft.ExpiredOffsets))
	}
	return size
}

func (d *diary) snapshot() *DiaryState {
	if d == nil {
		return nil
	}
	state := &DiaryState{Kept: slices.Clone(d.kept), Last: d.last, LastSyncer: d.lastSyncer, LastSync: d.lastSync}
	if d.draft != nil {
		draft := *d.draft
		draft.Happenings, draft.Waits, draft.Moves = slices.Clone(draft.Happenings), slices.Clone(draft.Waits), slices.Clone(draft.Moves)
		draft.ExpiredOffsets = slices.Clone(draft.ExpiredOffsets)
		state.Draft = &draft
	}
	return state
}

func (state *DiaryState) restore() *diary {
	if state == nil {
		return nil
	}
	return &diary{kept: slices.Clone(state.Kept), last: state.Last, draft: state.Draft, lastSyncer: state.LastSyncer, lastSync: state.LastSync}
}

func (g *group) snapshot() *GroupState {
	p := &g.phase
	state := &GroupState{Stored: g.stored, State: g.state, Previous: g.previous, StateTime: g.stateTime, Generation: g.generation,
		ProtocolType: g.protocolType, Protocol: g.protocol, Leader: g.leader, TopicsKnown: g.topicsKnown,
		Phase: PhaseState{p.started, p.ready, p.due, p.early, p.delay, p.remaining, p.newcomers, p.arrivals, p.lastArrival},
	}
	state.Diary = g.diary.snapshot()
	for m := g.members.first; m != nil; m = m.next {
		state.Members = append(state.Members, m.snapshot())
	}
	for m := g.pending.first; m != nil; m = m.next {
		state.Pending = append(state.Pending, m.id)
	}
	if g.topics != nil {
		state.Topics = slices.AppendSeq([]string{}, maps.Keys(g.topics))
		slices.Sort(state.Topics)
	}
	return state
}

func (m *member) snapshot() MemberState {
	b := &m.beat
	return MemberState{ID: m.id, InstanceID: m.instance, ClientID: m.clientID, ClientHost: m.clientHost,
		RebalanceTimeout: m.rebalanceTimeout, SessionTimeout: m.sessionTimeout, Protocols: m.protocols, Assignment: m.assignment,
		Join: m.join, Sync: m.sync, Asked: m.asked, Beat: BeatState{b.token, b.at, b.seen, slices.Clone(b.gaps), b.held, b.cut, b.doubt, b.tried, b.late, b.releaseAt},
		IsNew: m.isNew, PendingSync: m.pendingSync}
}

func (w *wait) snapshot() WaitState {
	state := WaitState{Seq: w.seq, Kind: uint8(w.kind), Generation: w.generation, Member: w.member, Value: w.value, Leader: w.leader, Skips: w.skips}
	if w.was != nil {
		was := w.was.snapshot()
		state.Was = &was
	}
	return state
}

func (o *offsetStore) snapshot(g *groupOffsets, r *Restored) {
	for _, name := range g.topicNames() {
		t := g.byTopic[name]
		for _, p := range t.partitions() {
			e := t.entries[p]
			r.Offsets = append(r.Offsets, OffsetState{name, p, e.latest.value(), e.committed.value()})
		}
	}
	for i := o.head; i < len(o.queue); i++ {
		if u := &o.queue[i]; u.group == g {
			r.Queue = append(r.Queue, QueuedState{u.seq, u.topic.name, u.partition, u.state.value()})
		}
	}
}

func (s *offsetState) value() *OffsetValue {
	if !s.present {
		return nil
	}
	v := s.OffsetValue
	return &v
}

func stateOf(v *OffsetValue) offsetState {
	if v == nil {
		return offsetState{}
	}
	return offsetState{*v, true}
}

// restored makes the state of a group what a snapshot says.
func (s *Shard) restored(e *Restored) {
	s.forgetGroup(e.GroupID)
	s.offsets.restore(e)
	s.emitted = append(s.emitted, e.Emitted...)
	slices.SortStableFunc(s.emitted, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	if e.Touched != 0 {
		s.dirty[e.GroupID] = touched(e.Touched)
	}
	if e.Group == nil {
		return
	}
	g := e.Group.restore(e.GroupID)
	s.groups[g.id] = g
	s.restoreRoom(g)
	if g.phase.ready {
		s.ready = append(s.ready, g)
	}
	for i := range e.Waits {
		s.waits = append(s.waits, e.Waits[i].restore(g))
	}
	slices.SortStableFunc(s.waits, func(a, b wait) int { return cmp.Compare(a.seq, b.seq) })
}

// forgetGroup takes out every trace of a group, and nothing follows from it.
func (s *Shard) forgetGroup(id string) {
	g := s.groups[id]
	if g != nil {
		s.diaries.leave(g.diary)
	}
	delete(s.groups, id)
	delete(s.dirty, id)
	s.ready = slices.DeleteFunc(s.ready, func(other *group) bool { return other.id == id })
	s.waits = slices.DeleteFunc(s.waits, func(w wait) bool { return g != nil && w.group == g })
	s.emitted = slices.DeleteFunc(s.emitted, func(r Record) bool { return r.Group == id })
	s.offsets.forget(id)
}

func (o *offsetStore) forget(id string) {
	o.queue = slices.DeleteFunc(o.queue[o.head:], func(u uncommitted) bool { return u.group.id == id })
	o.head, o.last = 0, nil
	delete(o.byGroup, id)
}

func (o *offsetStore) restore(e *Restored) {
	for _, p := range e.Offsets {
		g := o.group(e.GroupID)
		entry := &offsetEntry{latest: stateOf(p.Latest), committed: stateOf(p.Committed)}
		g.topic(p.Topic).entries[p.Partition] = entry
		if entry.latest.present {
			g.present++
		}
	}
	for _, q := range e.Queue {
		g := o.group(e.GroupID)
		t := g.topic(q.Topic)
		entry := t.entries[q.Partition]
		if entry == nil {
			continue // no snapshot has that
		}
		entry.queued++
		o.queue = append(o.queue, uncommitted{seq: q.Seq, group: g, topic: t, partition: q.Partition, entry: entry, state: stateOf(q.Value)})
	}
	slices.SortStableFunc(o.queue, func(a, b uncommitted) int { return cmp.Compare(a.seq, b.seq) })
}

func (state *GroupState) restore(id string) *group {
	p := &state.Phase
	g := &group{id: id, stored: state.Stored, state: state.State, previous: state.Previous, stateTime: state.StateTime,
		generation: state.Generation, protocolType: state.ProtocolType, protocol: state.Protocol, topicsKnown: state.TopicsKnown,
		phase: joinPhase{p.Started, p.Ready, p.Due, p.Early, p.Delay, p.Remaining, p.Newcomers, p.Arrivals, p.LastArrival},
	}
	g.diary = state.Diary.restore()
	for i := range state.Members {
		m := state.Members[i].restore()
		join, pendingSync := m.join, m.pendingSync
		m.join, m.pendingSync = 0, false
		g.add(m)
		g.park(m, join)
		g.expectSync(m, pendingSync)
	}
	for _, id := range state.Pending {
		g.pending.add(&member{id: id})
	}
	if state.Topics != nil {
		g.topics = make(map[string]struct{}, len(state.Topics))
		for _, t := range state.Topics {
			g.topics[t] = struct{}{}
		}
	}
	g.leader = state.Leader
	return g
}

func (state *MemberState) restore() *member {
	b := &state.Beat
	return &member{id: state.ID, instance: state.InstanceID, clientID: state.ClientID, clientHost: state.ClientHost,
		rebalanceTimeout: state.RebalanceTimeout, sessionTimeout: state.SessionTimeout, protocols: state.Protocols, assignment: state.Assignment,
		join: state.Join, sync: state.Sync, asked: state.Asked, beat: beat{b.Token, b.At, b.Seen, slices.Clone(b.Gaps), b.Held, b.Cut, b.Doubt, b.Tried, b.Late, b.ReleaseAt},
		isNew: state.IsNew, pendingSync: state.PendingSync}
}

func (state *WaitState) restore(g *group) wait {
	w := wait{seq: state.Seq, kind: waitKind(state.Kind), group: g, generation: state.Generation, member: state.Member,
		value: state.Value, leader: state.Leader, skips: state.Skips}
	if state.Was != nil {
		w.was = state.Was.restore()
	}
	return w
}
