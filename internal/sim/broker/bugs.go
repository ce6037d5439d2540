package broker

import (
	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/sim/scene"
)

// The bugs of the disk and of what clients ask, after those of other systems.
const (
	AckBeforeSync      scene.Bug = "records are acknowledged before they are synced"
	DirectoryNotSynced scene.Bug = "files are synced, their names are not"
	SyncErrorIgnored   scene.Bug = "a failed sync is taken for a good one"
	MetadataNotSynced  scene.Bug = "what the quorum has agreed upon is not synced"
	SnapshotNotLoaded  scene.Bug = "the snapshot of the metadata is not found"
	WindowOfOne        scene.Bug = "only the last batch of a producer is recognised"
	ProducersForgotten scene.Bug = "producers are forgotten at a restart"
	RetryOffsetWrong   scene.Bug = "a batch that was sent again is said to be at the log's end"
	ReadAboveWatermark scene.Bug = "records above the high watermark are served"
	RefusesAppended    scene.Bug = "a produce request of acks=1 is refused although its records were appended"
	UnsettledOffsets   scene.Bug = "a leader that does not know yet how far its log is committed says so nevertheless"
)

// The bugs of groups, after those of other systems.
const (
	CommitBeforeCommitted scene.Bug = "a commit is answered before it is committed"
	AppendedIsCommitted   scene.Bug = "a generation counts before its record is committed"
	OffsetsLostOnReload   scene.Bug = "the newest offsets are lost when a group is loaded"
	OffsetsExpireEarly    scene.Bug = "offsets that were loaded expire by the wrong time"
	WallClockSessions     scene.Bug = "sessions end by the wall clock"
	OneMemberID           scene.Bug = "every member gets the same id"
	InstanceNotFenced     scene.Bug = "a member goes on after another took its instance id"
	GenerationNotCompared scene.Bug = "commits and heartbeats of any generation are taken"
	RebalanceTimerNotSet  scene.Bug = "a rebalance waits for ever for a member that is gone"
	TruncatedIsCommitted  scene.Bug = "a commit that waits succeeds when another has taken the lead" // KAFKA-20634
)

// GroupBugs are those that a single broker can show.
var GroupBugs = []scene.Bug{CommitBeforeCommitted, AppendedIsCommitted, OffsetsLostOnReload, OffsetsExpireEarly, WallClockSessions, OneMemberID,
	InstanceNotFenced, GenerationNotCompared, RebalanceTimerNotSet}

// bug is what a planted bug does to groups.
type bug scene.Bug

func bugOf(w *scene.World) bug { return bug(w.Bug()) }

// loaded changes what a shard of groups finds in its log.
func (b bug) loaded(records []group.Record) []group.Record {
	switch scene.Bug(b) {
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
func (b bug) dropsTimer(c group.TimerChange) bool {
	return scene.Bug(b) == RebalanceTimerNotSet && c.Key.Kind == group.JoinTimer && !c.Cancel
}

// event changes what the core of a shard is told.
func (b bug) event(s *shard, e group.Event) group.Event {
	switch scene.Bug(b) {
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
