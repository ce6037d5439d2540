package group

import (
	"fmt"
	"strings"

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
	for _, b := range r.Rebalances {
		s += fmt.Sprintf("\n  rebalanced at %v from generation %d by %q: %s", b.At.Sub(rigStart), b.Generation, b.Member, b.Reason)
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
