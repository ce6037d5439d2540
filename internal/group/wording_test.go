package group

import (
	"fmt"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// How scripts show replies, records and timers.

func describeKey(k TimerKey) string {
	s := k.Kind.String()
	if k.Group != "" {
		s += " " + k.Group
	}
	if k.Member != "" {
		s += "/" + k.Member
	}
	return s
}

func describeError(err *protocol.Error) string {
	if err == nil {
		return "NONE"
	}
	return err.Code.String()
}

func describeBody(b Body) string {
	switch r := b.(type) {
	case *JoinReply:
		return describeJoin(r)
	case *SyncReply:
		if r.Err != nil {
			return describeError(r.Err)
		}
		return fmt.Sprintf("NONE type=%s protocol=%s assignment=%q", r.ProtocolType, r.Protocol, r.Assignment)
	case *HeartbeatReply:
		return describeError(r.Err)
	case *LeaveReply:
		s := describeError(r.Err)
		for _, m := range r.Members {
			s += fmt.Sprintf(" %s/%s:%s", m.MemberID, m.InstanceID, describeError(m.Err))
		}
		return s
	case *DescribeReply:
		return describeGroup(r)
	case *WhyReply:
		return describeWhy(r)
	case *ListReply:
		s := "groups"
		for _, g := range r.Groups {
			s += fmt.Sprintf(" %s(%s,%q,%s)", g.GroupID, g.State, g.ProtocolType, g.Type)
		}
		return s
	case *DeleteReply:
		return describeError(r.Err)
	default:
		return describeOffsets(b)
	}
}

func describeJoin(r *JoinReply) string {
	s := describeError(r.Err)
	if r.Err != nil {
		s += fmt.Sprintf(" member=%q", r.MemberID)
		if r.Generation != -1 || r.Leader != "" {
			s += fmt.Sprintf(" generation=%d leader=%s protocol=%s", r.Generation, r.Leader, r.Protocol)
		}
		return s
	}
	s += fmt.Sprintf(" member=%s generation=%d type=%s protocol=%s leader=%s", r.MemberID, r.Generation, r.ProtocolType, r.Protocol, r.Leader)
	if r.SkipAssignment {
		s += " skip-assignment"
	}
	if len(r.Members) > 0 {
		s += " members="
	}
	for i, m := range r.Members {
		if i > 0 {
			s += ","
		}
		s += m.MemberID
		if m.InstanceID != "" {
			s += "/" + m.InstanceID
		}
		s += ":" + strings.Map(printable, string(m.Metadata))
	}
	return s
}

func printable(r rune) rune {
	if r < ' ' {
		return '.'
	}
	return r
}

func describeGroup(r *DescribeReply) string {
	s := fmt.Sprintf("%s state=%s type=%q protocol=%q", describeError(r.Err), r.State, r.ProtocolType, r.Protocol)
	for _, m := range r.Members {
		s += fmt.Sprintf("\n  %s instance=%q client=%s host=%s metadata=%q assignment=%q", m.MemberID, m.InstanceID, m.ClientID, m.ClientHost, m.Metadata, m.Assignment)
	}
	return s
}

func describeWhy(r *WhyReply) string {
	s := fmt.Sprintf("%s state=%s generation=%d members=%d", describeError(r.Err), r.State, r.Generation, r.Members)
	if r.LastSyncer != "" {
		s += fmt.Sprintf(" last-sync=%s at %v", r.LastSyncer, r.LastSync.Sub(rigStart))
	}
	for _, w := range r.WaitedFor {
		s += fmt.Sprintf("\n  waits for %s %q of %s since %v", missing(w.Sync), w.MemberID, w.ClientID, w.Since.Sub(rigStart))
	}
	if r.Since != nil {
		s += "\n  since then" + strings.TrimPrefix(describeEntry(r.Since), "  ")
	}
	for _, e := range r.Entries {
		s += "\n  entry" + describeEntry(e)
	}
	for _, t := range r.Offsets {
		for _, p := range t.Partitions {
			s += fmt.Sprintf("\n  offset %s-%d=%d", t.Name, p.Partition, p.Offset)
			if p.Expiry != NoInstant {
				s += fmt.Sprintf(" expires=%v", p.Expiry.Sub(rigStart))
			}
		}
	}
	return s
}

func missing(sync bool) string {
	if sync {
		return "the sync of"
	}
	return "the join of"
}

func describeEntry(b []byte) string {
	e, err := ReadDiaryEntry(b)
	if err != nil {
		return err.Error()
	}
	s := fmt.Sprintf(" %d: generation %d, %d members, leader %q", e.Number, e.Generation, e.Members, e.Leader)
	at := func(ms int64) time.Duration { return Instant(ms).Sub(rigStart) }
	if e.StartedMs >= 0 {
		s += fmt.Sprintf("\n    rebalance at %v, %d join phases", at(e.StartedMs), e.JoinPhases)
		if e.Initial {
			s += ", initial"
		}
		if e.FormedMs >= 0 {
			s += fmt.Sprintf(", formed at %v, last join of %q at %v", at(e.FormedMs), e.LastJoiner, at(e.LastJoinMs))
		}
	}
	if e.EndedMs >= 0 {
		s += fmt.Sprintf(", written at %v", at(e.EndedMs))
	}
	if e.Cause != nil {
		s += "\n    cause " + describeHappening(e.Cause)
	}
	for i := range e.Happenings {
		s += "\n    " + describeHappening(&e.Happenings[i])
	}
	if e.HappeningsOmitted > 0 {
		s += fmt.Sprintf("\n    and %d more", e.HappeningsOmitted)
	}
	for _, o := range e.ExpiredOffsets {
		s += fmt.Sprintf("\n    %v expired: %d of %s, kept for %v", at(o.TimestampMs), o.Partitions, o.Topic, time.Duration(o.RetentionMs)*time.Millisecond)
		if o.Asked {
			s += " as was asked"
		}
	}
	if e.ExpiredOffsetsOmitted > 0 {
		s += fmt.Sprintf("\n    expired: %d more", e.ExpiredOffsetsOmitted)
	}
	for _, w := range e.Waits {
		s += fmt.Sprintf("\n    waited %v for %s %q of %s, came=%v", time.Duration(w.WaitMs)*time.Millisecond, missing(w.Sync), w.MemberID, w.ClientID, w.Came)
	}
	if e.PartitionsAssigned >= 0 {
		s += fmt.Sprintf("\n    partitions: %d assigned, %d moved, %d new, %d freed", e.PartitionsAssigned, e.PartitionsMoved, e.PartitionsNew, e.PartitionsFreed)
	}
	for _, m := range e.Moves {
		s += fmt.Sprintf("\n      %q of %s +%d -%d", m.MemberID, m.ClientID, m.Gained, m.Lost)
	}
	if e.MovesOmitted > 0 {
		s += fmt.Sprintf("\n      and %d members more", e.MovesOmitted)
	}
	return s
}

func describeHappening(h *protocol.GroupDiaryValueHappening) string {
	s := fmt.Sprintf("%v %s %q", Instant(h.TimestampMs).Sub(rigStart), Happening(h.Kind), h.MemberID)
	if h.ClientID != "" {
		s += " client=" + h.ClientID + h.ClientHost
	}
	if h.InstanceID != "" {
		s += " instance=" + h.InstanceID
	}
	if h.Generation != 0 {
		s += fmt.Sprintf(" generation=%d", h.Generation)
	}
	if h.Detail != "" {
		s += ": " + h.Detail
	}
	if h.Reason != "" {
		s += " says " + fmt.Sprintf("%q", h.Reason)
	}
	if h.Times != 1 {
		s += fmt.Sprintf(" %d times", h.Times)
	}
	return s
}

func describeOffsets(b Body) string {
	switch r := b.(type) {
	case *CommitReply:
		s := describeError(r.Err)
		for _, p := range r.Refused {
			s += fmt.Sprintf(" [%d][%d]:%s", p.Topic, p.Partition, describeError(p.Err))
		}
		return s
	case *FetchReply:
		s := describeError(r.Err)
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				s += fmt.Sprintf(" %s-%d=%d,epoch=%d,%q", t.Name, p.Partition, p.Offset, p.LeaderEpoch, p.Metadata)
			}
		}
		return s
	case *DeleteOffsetsReply:
		s := describeError(r.Err)
		for _, err := range r.Subscribed {
			s += " " + describeError(err)
		}
		return s
	case *InspectReply:
		s := fmt.Sprintf("%s at=%v state=%s type=%q", describeError(r.Err), r.At.Sub(rigStart), r.State, r.ProtocolType)
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				s += fmt.Sprintf("\n  %s-%d=%d epoch=%d %q", t.Name, p.Partition, p.Offset, p.LeaderEpoch, p.Metadata)
				if p.CommitTime != NoInstant {
					s += fmt.Sprintf(" committed=%v", p.CommitTime.Sub(rigStart))
				}
				if p.Expiry != NoInstant {
					s += fmt.Sprintf(" expires=%v", p.Expiry.Sub(rigStart))
				}
				if p.MemberID != "" {
					s += " member=" + p.MemberID
				}
			}
		}
		return s
	default:
		return fmt.Sprintf("%T", b)
	}
}

func describeRecord(r *Record) string {
	switch r.Kind {
	case OffsetStored:
		s := fmt.Sprintf("offset %s %s-%d=%d epoch=%d %q committed=%v", r.Group, r.Topic, r.Partition, r.Offset.Offset, r.Offset.LeaderEpoch, r.Offset.Metadata,
			r.Offset.CommitTime.Sub(rigStart))
		if r.Offset.ExpireTime != NoInstant {
			s += fmt.Sprintf(" expires=%v", r.Offset.ExpireTime.Sub(rigStart))
		}
		if !r.Offset.TopicID.IsZero() {
			s += " topic-id=" + strings.TrimRight(string(r.Offset.TopicID[:]), "\x00")
		}
		return s
	case OffsetRemoved:
		return fmt.Sprintf("remove offset %s %s-%d", r.Group, r.Topic, r.Partition)
	case GroupRemoved:
		return "remove group " + r.Group
	case DiaryRemoved:
		return fmt.Sprintf("remove diary %s slot=%d", r.Group, r.Diary.Slot)
	case DiaryStored:
		return fmt.Sprintf("diary %s slot=%d", r.Group, r.Diary.Slot)
	}
	v := r.Value
	s := fmt.Sprintf("group %s generation=%d type=%q protocol=%q leader=%q since=%v", r.Group, v.Generation, v.ProtocolType, v.Protocol, v.Leader, v.StateTime.Sub(rigStart))
	for _, m := range v.Members {
		s += " " + m.MemberID
		if m.InstanceID != "" {
			s += "/" + m.InstanceID
		}
		s += fmt.Sprintf("=%q", m.Assignment)
	}
	return s
}
