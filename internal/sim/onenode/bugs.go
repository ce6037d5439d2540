package onenode

import (
	"github.com/skein-io/skein/internal/group"
)

// Bug is a fault that is planted on purpose, around the parts and never in them, to see that a checker finds it.
type Bug string

// The bugs, after those of other systems.
const (
	None                  Bug = ""
	AckBeforeSync         Bug = "records are acknowledged before they are synced"
	DirectoryNotSynced    Bug = "files are synced, their names are not"
	SyncErrorIgnored      Bug = "a failed sync is taken for a good one"
	WindowOfOne           Bug = "only the last batch of a producer is recognised"
	ProducersForgotten    Bug = "producers are forgotten at a restart"
	ReadAboveWatermark    Bug = "records above the high watermark are served"
	SnapshotNotLoaded     Bug = "the snapshot of the metadata is not found"
	CommitBeforeCommitted Bug = "a commit is answered before it is committed"
	AppendedIsCommitted   Bug = "a generation counts before its record is committed"
	OffsetsLostOnReload   Bug = "the newest offsets are lost when a group is loaded"
	OffsetsExpireEarly    Bug = "offsets that were loaded expire by the wrong time"
	WallClockSessions     Bug = "sessions end by the wall clock"
	OneMemberID           Bug = "every member gets the same id"
	InstanceNotFenced     Bug = "a member goes on after another took its instance id"
	GenerationNotCompared Bug = "commits and heartbeats of any generation are taken"
	RebalanceTimerNotSet  Bug = "a rebalance waits for ever for a member that is gone"
)

// Bugs are all of them.
var Bugs = []Bug{AckBeforeSync, DirectoryNotSynced, SyncErrorIgnored, WindowOfOne, ProducersForgotten, ReadAboveWatermark, SnapshotNotLoaded,
	CommitBeforeCommitted, AppendedIsCommitted, OffsetsLostOnReload, OffsetsExpireEarly, WallClockSessions, OneMemberID, InstanceNotFenced,
	GenerationNotCompared, RebalanceTimerNotSet}

// loaded changes what a shard of groups finds in its log.
func (b Bug) loaded(records []group.Record) []group.Record {
	switch b {
	case OffsetsLostOnReload:
		var kept []group.Record
		for i := range records {
			if records[i].Kind != group.OffsetStored || i < len(records)*3/4 {
				kept = append(kept, records[i])
			}
		}
		return kept
	case OffsetsExpireEarly:
		for i := range records {
			if records[i].Kind == group.OffsetStored {
				records[i].Offset.CommitTime -= 4 * 3_600_000
			}
		}
	}
	return records
}

// dropsTimer says whether a timer is not set.
func (b Bug) dropsTimer(c group.TimerChange) bool {
	return b == RebalanceTimerNotSet && c.Key.Kind == group.JoinTimer && !c.Cancel
}

// event changes what the core of a shard is told.
func (b Bug) event(s *shard, e group.Event) group.Event {
	switch b {
	case InstanceNotFenced:
		return s.asCurrentMember(e)
	case GenerationNotCompared:
		return s.asCurrentGeneration(e)
	}
	return e
}

// newest is what a shard last told of a group: who has an instance id, and the generation. Only planted bugs ask.
type newest struct {
	instances  map[string]string
	generation int32
}

func (n *newest) learn(instance string, r *group.JoinReply) {
	if r.Err != nil {
		return
	}
	if n.instances == nil {
		n.instances = map[string]string{}
	}
	n.instances[instance] = r.MemberID
	n.generation = max(n.generation, r.Generation)
}

func (s *shard) asCurrentMember(e group.Event) group.Event {
	switch e := e.(type) {
	case *group.Heartbeat:
		if id := s.newest.instances[e.InstanceID]; e.InstanceID != "" && id != "" {
			changed := *e
			changed.MemberID = id
			return &changed
		}
	case *group.Commit:
		if id := s.newest.instances[e.InstanceID]; e.InstanceID != "" && id != "" {
			changed := *e
			changed.MemberID = id
			return &changed
		}
	}
	return e
}

func (s *shard) asCurrentGeneration(e group.Event) group.Event {
	switch e := e.(type) {
	case *group.Heartbeat:
		changed := *e
		changed.Generation = max(e.Generation, s.newest.generation)
		return &changed
	case *group.Commit:
		if e.Generation < 0 {
			return e
		}
		changed := *e
		changed.Generation = max(e.Generation, s.newest.generation)
		return &changed
	}
	return e
}
