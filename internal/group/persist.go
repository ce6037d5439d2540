package group

import (
	"github.com/skein-io/skein/internal/protocol"
)

// wait is what goes on in a group when a record of it is committed, or was not written.
type wait struct {
	seq        Seq
	kind       waitKind
	group      *group
	generation int32
	member     string
	value      *GroupValue // waitAssigned: what was written
	was        *member     // waitReplaced: the old member as it was
	leader     string      // waitReplaced: before
	skips      bool        // waitReplaced: the client can be told to leave the assignment alone
}

type waitKind uint8

const (
	waitCreated waitKind = iota + 1
	waitAssigned
	waitReplaced
)

func (s *Shard) await(w wait) { s.waits = append(s.waits, w) }

// WriteFailure maps the error of a write to the one that clients of a group are told (Y4).
func WriteFailure(code protocol.Code) protocol.Code {
	switch code {
	case protocol.UnknownTopicOrPartition, protocol.NotEnoughReplicas, protocol.NotEnoughReplicasAfterAppend, protocol.RequestTimedOut:
		return protocol.CoordinatorNotAvailable
	case protocol.NotLeaderOrFollower, protocol.KafkaStorageError:
		return protocol.NotCoordinator
	case protocol.MessageTooLarge, protocol.RecordListTooLarge, protocol.InvalidFetchSize:
		return protocol.UnknownServerError
	default:
		return code
	}
}

// appended replays what was asked for: this is the only way in which a live shard's durable state changes.
func (s *Shard) appended(e *Appended) {
	n := 0
	for n < len(s.emitted) && s.emitted[n].Seq <= e.UpTo {
		r := &s.emitted[n]
		if r.Diary != nil {
			s.askRoom(r, false)
		}
		s.Replay(r)
		if r.Kind == OffsetRemoved && r.Retention > 0 {
			s.noteExpired(r)
		}
		n++
	}
	s.settleEmitted(0, n)
}

// refused forgets what was asked for. Durable state is as it was.
func (s *Shard) refused(e *Refused) {
	first := 0
	for first < len(s.emitted) && s.emitted[first].Seq < e.First {
		first++
	}
	end := first
	for end < len(s.emitted) && s.emitted[end].Seq <= e.Last {
		end++
	}
	kept := false // of a diary, what should have gone
	for i := first; i < end; i++ {
		r := &s.emitted[i]
		kept = kept || r.Kind == DiaryRemoved
		if r.Diary != nil {
			s.askRoom(r, false)
		}
		if r.Kind == DiaryStored {
			s.takeBack(r)
		}
	}
	s.settleEmitted(first, end)
	if kept {
		s.boundDiaries(nil, s.now.Add(diaryRetry))
	}
	s.fail(e.First, e.Last, protocol.Fail(WriteFailure(e.Code), "%s: %s", e.Code, e.Reason))
}

// settleEmitted takes records out of what is neither appended nor refused.
func (s *Shard) settleEmitted(first, end int) {
	rest := copy(s.emitted[first:], s.emitted[end:])
	clear(s.emitted[first+rest:])
	s.emitted = s.emitted[:first+rest]
	if len(s.emitted) == 0 {
		clear(s.dirty)
	}
}

// committed makes offsets readable and lets groups go on.
func (s *Shard) committed(e *Committed) {
	s.offsets.commit(e.UpTo)
	n := 0
	for n < len(s.waits) && s.waits[n].seq <= e.UpTo {
		n++
	}
	for _, w := range s.takeWaits(0, n) {
		s.goOn(&w, nil)
	}
}

// timedOut answers those who wait with an error. What was written stays written, and may be committed later.
func (s *Shard) timedOut(e *TimedOut) {
	s.fail(0, e.UpTo, protocol.Fail(WriteFailure(protocol.RequestTimedOut), "the record was not replicated within offsets.commit.timeout.ms"))
}

func (s *Shard) fail(first, last Seq, err *protocol.Error) {
	from := 0
	for from < len(s.waits) && s.waits[from].seq < first {
		from++
	}
	end := from
	for end < len(s.waits) && s.waits[end].seq <= last {
		end++
	}
	for _, w := range s.takeWaits(from, end) {
		s.note(WriteFailed, w.group, w.member, reason{what: NotStored, ours: err.Reason})
		s.goOn(&w, err)
	}
}

func (s *Shard) takeWaits(first, end int) []wait {
	taken := append([]wait(nil), s.waits[first:end]...)
	rest := copy(s.waits[first:], s.waits[end:])
	clear(s.waits[first+rest:])
	s.waits = s.waits[:first+rest]
	return taken
}

// goOn continues where a decision waited for its record, if the group is still here.
func (s *Shard) goOn(w *wait, err *protocol.Error) {
	if s.groups[w.group.id] != w.group {
		return
	}
	switch w.kind {
	case waitCreated:
		if err != nil {
			s.uncreate(w.group, err)
		}
	case waitAssigned:
		s.assignmentsCommitted(w, err)
	case waitReplaced:
		s.replaced(w, err)
	}
}

// uncreate removes a group whose first record was not written: nothing of it would survive. If other records of it
// were written since, it stays.
func (s *Shard) uncreate(g *group, err *protocol.Error) {
	if g.stored != nil || s.offsets.present(g.id) > 0 {
		return
	}
	for p := g.pending.first; p != nil; p = g.pending.first {
		s.forget(g, p)
	}
	for m := g.members.first; m != nil; m = g.members.first {
		s.drop(g, m, err)
	}
	s.bury(g)
}

// bury takes a group without members out of the shard.
func (s *Shard) bury(g *group) {
	s.cancel(JoinTimer, g, "")
	s.cancel(SyncTimer, g, "")
	if g.diary != nil && g.diary.room.trimming {
		s.cancel(DiaryTimer, g, "")
	}
	s.diaries.leave(g.diary)
	delete(s.groups, g.id)
	g.to(Dead, s.now)
}
