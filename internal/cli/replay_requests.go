package cli

import (
	"fmt"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// askedBy is the request that an event is, and its token; 0 is no request.
func askedBy(recorded group.Recorded) (group.Token, asked) {
	a := asked{group: group.GroupOf(recorded.Event), at: recorded.At}
	ask := func(token group.Token, key protocol.Key, member string) (group.Token, asked) {
		a.request, a.member = key.String(), member
		return token, a
	}
	switch e := recorded.Event.(type) {
	case *group.Join:
		a.client = e.ClientID
		return ask(e.Token, protocol.KeyJoinGroup, e.MemberID)
	case *group.Sync:
		return ask(e.Token, protocol.KeySyncGroup, e.MemberID)
	case *group.Heartbeat:
		return ask(e.Token, protocol.KeyHeartbeat, e.MemberID)
	case *group.Leave:
		member := ""
		if len(e.Members) == 1 {
			member = e.Members[0].MemberID
		}
		return ask(e.Token, protocol.KeyLeaveGroup, member)
	case *group.Commit:
		return ask(e.Token, protocol.KeyOffsetCommit, e.MemberID)
	case *group.Fetch:
		return ask(e.Token, protocol.KeyOffsetFetch, "")
	case *group.List:
		return ask(e.Token, protocol.KeyListGroups, "")
	case *group.Describe:
		return ask(e.Token, protocol.KeyDescribeGroups, "")
	case *group.Why:
		return ask(e.Token, protocol.KeyDescribeGroupDiary, "")
	case *group.Inspect:
		return ask(e.Token, protocol.KeyDescribeGroupLag, "")
	case *group.Delete:
		return ask(e.Token, protocol.KeyDeleteGroups, "")
	case *group.DeleteOffsets:
		return ask(e.Token, protocol.KeyOffsetDelete, "")
	}
	return 0, asked{}
}

// requestWords says what a client asked for.
func (r *replay) requestWords(event group.Event) string {
	_, a := askedBy(group.Recorded{Event: event})
	text := a.request
	if who := a.who(r.names); who != "" {
		text += " of " + who
	}
	switch e := event.(type) {
	case *group.Join:
		if e.MemberID == "" {
			text += " without a member id"
		}
		if e.InstanceID != "" {
			text += ", group.instance.id " + printable(e.InstanceID)
		}
		var names []string
		for _, p := range e.Protocols {
			names = append(names, printable(p.Name))
		}
		text += fmt.Sprintf(", from %s, %s: %s, session %s", plainHost(printable(e.ClientHost)), printable(e.ProtocolType), listed(names, "assignor"),
			elapsed(e.SessionTimeout.Milliseconds()))
		return text + quoted(e.Reason)
	case *group.Sync:
		text += fmt.Sprintf(", generation %d", e.Generation)
		if n := len(e.Assignments); n > 0 {
			text += ", with what " + plural(n, "member") + " shall have"
		}
	case *group.Heartbeat:
		text += fmt.Sprintf(", generation %d", e.Generation)
	case *group.Leave:
		if len(e.Members) == 1 {
			return text + quoted(e.Members[0].Reason)
		}
		var names []string
		for _, m := range e.Members {
			name := r.names.of(m.MemberID)
			if m.MemberID == "" {
				name = "group.instance.id " + printable(m.InstanceID)
			}
			names = append(names, name+quoted(m.Reason))
		}
		text += ": " + listed(names, "member")
	case *group.Commit:
		if e.Generation >= 0 {
			text += fmt.Sprintf(", generation %d", e.Generation)
		}
		var offsets []string
		for _, t := range e.Topics {
			for _, p := range t.Partitions {
				offsets = append(offsets, fmt.Sprintf("%s-%d at %d", printable(t.Name), p.Partition, p.Offset))
			}
		}
		text += ": " + listed(offsets, "partition")
	case *group.Fetch:
		if e.All {
			return text + ": all partitions"
		}
		n := 0
		for _, t := range e.Topics {
			n += len(t.Partitions)
		}
		text += ": " + plural(n, "partition")
	}
	return text
}

func quoted(reason string) string {
	if reason == "" {
		return ""
	}
	return ": '" + printable(reason) + "'"
}

// bodyWords says what was answered.
func (r *replay) bodyWords(body group.Body) string {
	switch b := body.(type) {
	case *group.JoinReply:
		if b.Err != nil && b.Err.Code == protocol.MemberIDRequired {
			return failed(b.Err) + " " + printable(b.MemberID)
		}
		if b.Err != nil {
			return failed(b.Err)
		}
		text := fmt.Sprintf("generation %d, protocol %s, leader %s", b.Generation, printable(b.Protocol), r.names.of(b.Leader))
		if b.Leader == b.MemberID && !b.SkipAssignment {
			text += ", which assigns to " + plural(len(b.Members), "member")
		}
		return text
	case *group.SyncReply:
		if b.Err == nil {
			return assignedWords(b.Assignment)
		}
		return failed(b.Err)
	case *group.HeartbeatReply:
		return failed(b.Err)
	case *group.LeaveReply:
		for _, m := range b.Members {
			if m.Err != nil && b.Err == nil {
				return failed(m.Err)
			}
		}
		return failed(b.Err)
	case *group.CommitReply:
		if b.Err == nil && len(b.Refused) > 0 {
			return plural(len(b.Refused), "partition") + " refused: " + failed(b.Refused[0].Err)
		}
		return failed(b.Err)
	case *group.FetchReply:
		if b.Err != nil {
			return failed(b.Err)
		}
		var offsets []string
		for _, t := range b.Topics {
			for _, p := range t.Partitions {
				if p.Offset >= 0 {
					offsets = append(offsets, fmt.Sprintf("%s-%d at %d", printable(t.Name), p.Partition, p.Offset))
				}
			}
		}
		return listed(offsets, "offset")
	case *group.DescribeReply:
		return b.State
	case *group.WhyReply:
		if b.Err != nil {
			return failed(b.Err)
		}
		return fmt.Sprintf("%s, generation %d, %s; the diary has %d written", b.State, b.Generation, plural(b.Members, "member"), len(b.Entries))
	case *group.InspectReply:
		return failed(b.Err)
	case *group.DeleteReply:
		return failed(b.Err)
	case *group.DeleteOffsetsReply:
		return failed(b.Err)
	}
	return "answered"
}

// failed is "ok", or the error with its reason.
func failed(err *protocol.Error) string {
	if err == nil {
		return "ok"
	}
	return err.Code.String() + ": " + printable(err.Reason)
}
