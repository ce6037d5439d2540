package group

import (
	"time"
	"unicode/utf8"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Commit is an OffsetCommit request (key 8).
type Commit struct {
	Token Token
	CommitRequest
}

// CommitRequest is what is to be committed. Topics and partitions that do not exist have been taken out.
type CommitRequest struct {
	GroupID    string
	MemberID   string
	InstanceID string
	Generation int32         // -1: none
	Retention  time.Duration // v2 to v4; negative: offsets.retention.minutes (O7)
	// ReportsUnknownGroup is true from v9 on.
	ReportsUnknownGroup bool
	Topics              []CommitTopic
}

// CommitTopic is the offsets of one topic.
type CommitTopic struct {
	Name       string
	ID         protocol.UUID // zero: not known
	Partitions []CommitPartition
}

// CommitPartition is the offset of one partition.
type CommitPartition struct {
	Partition   int32
	Offset      record.Offset
	LeaderEpoch record.LeaderEpoch
	Metadata    string
	CommitTime  Instant // v1; NoInstant: now
}

// CommitReply answers OffsetCommit. Err is that of every partition. Without it all partitions are committed but those
// in Refused.
type CommitReply struct {
	Err     *protocol.Error
	Refused []RefusedPartition
}

// RefusedPartition is one that was not committed, by its place in the request.
type RefusedPartition struct {
	Topic     int
	Partition int
	Err       *protocol.Error
}

// Refuse is for a write that failed.
func (*CommitReply) Refuse(err *protocol.Error) Body { return &CommitReply{Err: err} }

// commit is O1 to O4 and O6 to O8.
func (s *Shard) commit(e *Commit) {
	g, known := s.groups[e.GroupID]
	if err := s.checkCommit(g, known, e); err != nil {
		s.reply(e.Token, &CommitReply{Err: err})
		return
	}
	if known && (g.state == Stable || g.state == PreparingRebalance) {
		if m := g.members.get(e.MemberID); m != nil {
			s.restartSession(g, m)
		}
	}
	expire := NoInstant
	if e.Retention >= 0 {
		expire = s.now.Add(e.Retention)
	}
	r := new(CommitReply)
	before := s.seq
	for t := range e.Topics {
		s.commitTopic(e, t, expire, r)
	}
	if s.seq == before {
		s.reply(e.Token, r)
		return
	}
	s.replyWhenCommitted(e.Token, r)
}

func (s *Shard) commitTopic(e *Commit, t int, expire Instant, r *CommitReply) {
	topic := &e.Topics[t]
	for i := range topic.Partitions {
		p := &topic.Partitions[i]
		if longer(p.Metadata, s.cfg.MetadataLengthMax) {
			r.Refused = append(r.Refused, RefusedPartition{t, i, protocol.Fail(protocol.OffsetMetadataTooLarge,
				"commit: the metadata of %s-%d is longer than offset.metadata.max.bytes %d", topic.Name, p.Partition, s.cfg.MetadataLengthMax)})
			continue
		}
		at := p.CommitTime
		if at == NoInstant {
			at = s.now
		}
		s.append(Record{Kind: OffsetStored, Group: e.GroupID, Topic: topic.Name, Partition: p.Partition, Offset: OffsetValue{
			Offset: p.Offset, LeaderEpoch: p.LeaderEpoch, Metadata: p.Metadata, CommitTime: at, ExpireTime: expire, TopicID: topic.ID,
		}})
	}
}

// longer says whether s has more than max UTF-16 units: the length that Kafka means.
func longer(s string, max int) bool {
	if len(s) <= max {
		return false
	}
	units := 0
	for _, r := range s {
		units++
		if r > 0xffff && r <= utf8.MaxRune {
			units++
		}
	}
	return units > max
}

// checkCommit says whether the group lets this client commit.
func (s *Shard) checkCommit(g *group, known bool, e *Commit) *protocol.Error {
	switch {
	case !known && e.Generation < 0:
		return nil // the first commit makes a simple group (O1)
	case !known && e.ReportsUnknownGroup:
		return protocol.Fail(protocol.GroupIDNotFound, "commit: there is no group %q", e.GroupID)
	case !known:
		return protocol.Fail(protocol.IllegalGeneration, "commit: there is no group %q, so no generation %d of it", e.GroupID, e.Generation)
	case e.Generation < 0 && g.state == Empty:
		return nil // an administrator, or a consumer with partitions of its own choice (O2)
	case e.Generation < 0 && e.MemberID == "" && e.InstanceID == "":
		return protocol.Fail(protocol.UnknownMemberID, "commit: group %q has members, so only they may commit", g.id)
	}
	m, err := s.identify(g, e.MemberID, e.InstanceID, "commit")
	if err != nil {
		return err
	}
	if err := s.checkGeneration(g, m, e.Generation, "commit"); err != nil {
		return err
	}
	if g.state == CompletingRebalance { // in PreparingRebalance it is the last commit before partitions are given up (O3)
		return protocol.Fail(protocol.RebalanceInProgress, "commit: group %q has a new generation that is not assigned yet", g.id)
	}
	return nil
}
