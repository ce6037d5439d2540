package replica

import (
	"fmt"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// State is what a replica knows of its partition. The zero value has no role.
type State struct {
	self           metadata.NodeID
	role           role
	epoch          record.LeaderEpoch // the newest that it had a role in
	partitionEpoch metadata.PartitionEpoch

	// highWatermark never falls while the replica leads. A follower's falls only where its log is cut below it.
	highWatermark record.Offset

	leader   leader
	follower follower
}

type role uint8

const (
	idle role = iota
	leading
	following
)

// Step takes one event. It fills effects anew.
func (s *State) Step(now Instant, event Event, effects *Effects) {
	*effects = Effects{}
	before := s.highWatermark
	switch e := event.(type) {
	case *Durable:
		s.durable(now, e, effects)
	case *Fetched:
		s.fetched(now, e, effects)
	case *FetchAnswered:
		s.fetchAnswered(e, effects)
	case *Grown:
		s.grown(e, effects)
	case *Cut:
		s.cut(e)
	case *Renewed:
		s.renewed(e, effects)
	case *Check:
		s.check(now, e, effects)
	case *Fenced:
		s.fenced(e)
	case *Answered:
		s.answered(now, e, effects)
	case *Lead:
		s.lead(now, e)
	case *Follow:
		s.follow(e, effects)
	case *Configure:
		s.leader.isrMin, s.leader.lagMax = e.ISRMin, e.LagMax
	case *Loaded:
		s.highWatermark = max(e.LogStart, min(e.HighWatermark, e.LogEnd))
	case *Resign:
		effects.Resigned = s.role == leading
		s.role = idle
	default:
		panic(fmt.Sprintf("replica: event %T is not known", event))
	}
	if s.role == leading {
		s.highWatermark = max(s.highWatermark, s.committable(now))
	}
	if s.highWatermark != before {
		effects.HighWatermark, effects.Moved = s.highWatermark, true
		if s.role == leading {
			s.grow(now, effects)
		}
	}
}

// Leading says whether this replica leads, and in which epoch.
func (s *State) Leading() (record.LeaderEpoch, bool) { return s.epoch, s.role == leading }

// Following says whom this replica follows, and in which epoch. ok is false where it follows nobody.
func (s *State) Following() (leader metadata.NodeID, epoch record.LeaderEpoch, ok bool) {
	return s.follower.leader, s.epoch, s.role == following && s.follower.leader != metadata.NoNode
}

// Serving says whether this replica has a role, leader or follower, and in which leader epoch.
func (s *State) Serving() (record.LeaderEpoch, bool) { return s.epoch, s.role != idle }

// HighWatermark is the offset below which every record is known to be committed.
func (s *State) HighWatermark() record.Offset { return s.highWatermark }

// Settled says whether a leader's high watermark has reached what the leaders before may have committed: before that,
// it may be below one that a client was told.
func (s *State) Settled() bool { return s.role == leading && s.highWatermark >= s.leader.start }

// EpochStart is where the epoch of a leader began: its log's end when it took the lead.
func (s *State) EpochStart() record.Offset { return s.leader.start }

// Assigned says whether a leader knows a node as a replica.
func (s *State) Assigned(node metadata.NodeID) bool {
	return s.role == leading && s.leader.find(node) != nil
}

// InSync says whether a leader has a node in the ISR that the controller has.
func (s *State) InSync(node metadata.NodeID) bool {
	p := s.leader.find(node)
	return s.role == leading && p != nil && p.inSync
}

// EnoughInSync says whether a produce with acks=all may be accepted, and with how many of how many replicas.
func (s *State) EnoughInSync() (ok bool, have, need int) {
	have, need = s.leader.inSync, s.leader.need()
	return have >= need, have, need
}
