package replica

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// follower is what a replica knows while it follows.
type follower struct {
	leader metadata.NodeID
	// matched says that the log is a prefix of the leader's: an answer in this epoch said so. Before that nothing of it
	// is reported, for it may be cut off again.
	matched  bool
	leaderHW record.Offset // the newest that the leader told in this epoch
	reported record.Offset // the newest durable end that was reported in this epoch, -1 before the first
}

func (s *State) follow(e *Follow, effects *Effects) {
	if e.Epoch < s.epoch {
		return
	}
	effects.Resigned = s.role == leading
	if s.role != following || e.Epoch > s.epoch || s.follower.leader != e.Leader {
		s.follower = follower{reported: -1}
	}
	s.self, s.role, s.epoch, s.partitionEpoch = e.Self, following, e.Epoch, e.PartitionEpoch
	s.follower.leader = e.Leader
	s.highWatermark = min(s.highWatermark, e.LogEnd)
}

// fetchAnswered decides what to do with an answer. One to another request than the log's end and epoch now would make is
// of no use.
func (s *State) fetchAnswered(e *FetchAnswered, effects *Effects) {
	if s.role != following || e.Epoch != s.epoch || e.Offset != e.LogEnd {
		return
	}
	switch {
	case e.Code == protocol.OffsetOutOfRange:
		s.outOfRange(e, effects)
	case e.Code != protocol.None:
		effects.Action = RetryLater
	case e.Diverging.Epoch != record.NoLeaderEpoch:
		diverged(e, effects)
	default:
		s.follower.matched = true
		s.follower.leaderHW = e.LeaderHighWatermark
		effects.Action = TakeRecords
		if e.LeaderLogStart > e.LogStart {
			effects.LogStart, effects.MoveStart = e.LeaderLogStart, true
		}
	}
}

// diverged cuts the log where it left the leader's (KIP-595). Where this log has the epoch that the leader names, both
// hold it up to the lesser of its two ends. Where it has not, all that it has of later epochs goes, and the next answer
// names an earlier one (KIP-279).
func diverged(e *FetchAnswered, effects *Effects) {
	to := min(e.Own.End, e.LogEnd)
	if e.Own.Epoch == e.Diverging.Epoch {
		to = min(to, e.Diverging.End)
	}
	switch {
	case to < 0 || to >= e.LogEnd: // nothing would change, and the next answer be the same
		effects.Action = RetryLater
	case to < e.LogStart:
		effects.Action, effects.To = ResetTo, to
	default:
		effects.Action, effects.To = TruncateTo, to
	}
}

// outOfRange finds the way back into the leader's log.
func (s *State) outOfRange(e *FetchAnswered, effects *Effects) {
	switch {
	case e.LeaderLogStart < 0 || e.LeaderLogEnd < 0:
		effects.Action = RetryLater
	case e.LogEnd < e.LeaderLogStart: // what follows here is deleted there
		effects.Action, effects.To = ResetTo, e.LeaderLogStart
	case e.LogEnd > e.LeaderLogEnd && e.LogStart > e.LeaderLogEnd: // nothing here is known there
		effects.Action, effects.To = ResetTo, e.LeaderLogStart
	case e.LogEnd > e.LeaderLogEnd:
		effects.Action, effects.To = TruncateTo, e.LeaderLogEnd
	default: // it was out of range a moment ago
		effects.Action = RetryLater
	}
}

// grown moves the high watermark behind the leader's, and tells what is durable already.
func (s *State) grown(e *Grown, effects *Effects) {
	if s.role != following || !s.follower.matched {
		return
	}
	s.highWatermark = max(s.highWatermark, min(e.LogEnd, s.follower.leaderHW))
	s.report(e.DurableEnd, effects)
}

// cut lets the high watermark follow a log that was cut below it: an unclean election has taken committed records away.
// It never decides where the cut is.
func (s *State) cut(e *Cut) {
	if s.role == following {
		s.highWatermark = max(e.LogStart, min(s.highWatermark, e.LogEnd))
		s.follower.reported = -1
	}
}

// report says once in an epoch what is durable, and then whenever it is more.
func (s *State) report(end record.Offset, effects *Effects) {
	f := &s.follower
	if f.matched && end > f.reported {
		f.reported = end
		effects.Report, effects.Reports = end, true
	}
}

// renewed tells the leader again what it has forgotten.
func (s *State) renewed(e *Renewed, effects *Effects) {
	if s.role == following {
		s.follower.reported = -1
		s.report(e.DurableEnd, effects)
	}
}
