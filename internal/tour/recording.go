package tour

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
	"github.com/skein-io/skein/internal/tour/text"
)

// The settings of the brokers that the tour starts; Kafka's names for them are in Properties. The recorder's events are
// decided again by the same.
const (
	initialDelay = time.Second
	sessionMin   = time.Second
)

func settings() group.Config {
	c := group.DefaultConfig()
	c.InitialDelay, c.SessionTimeoutMin, c.HoldHeartbeats = initialDelay, sessionMin, false
	return c
}

// retelling turns events into rows.
type retelling struct {
	words text.Language
	group string
	begun time.Time

	story
	shard    *group.Shard
	fx       group.Effects
	at       group.Instant
	state    string
	asked    map[group.Token]asking
	deferred []group.DeferredReply
	heard    map[string]group.Instant // by member id
}

// asking is a request that is not answered yet.
type asking struct {
	client string
	kind   string
	quiet  func() // adds its row, which is left out unless the answer is worth telling
}

func (r *retelling) take(recorded group.Recorded) {
	r.at = recorded.At
	r.fx.Reset()
	r.request(recorded.Event)
	r.shard.Step(recorded.At, recorded.Event, &r.fx)
	for _, n := range r.fx.Notes {
		if n.Group == r.group {
			r.note(n)
		}
	}
	r.changed()
	for _, a := range r.fx.Replies {
		r.reply(a.Token, a.Body)
	}
	r.deferred = append(r.deferred, r.fx.Deferred...)
	if committed, ok := recorded.Event.(*group.Committed); ok {
		r.deferred = slices.DeleteFunc(r.deferred, func(d group.DeferredReply) bool {
			if d.Seq > committed.UpTo {
				return false
			}
			r.reply(d.Token, d.Body)
			return true
		})
	}
}

// changed asks for the group's state and tells if it is another.
func (r *retelling) changed() {
	var fx group.Effects
	r.shard.Step(r.at, &group.Describe{Token: 1, GroupID: r.group}, &fx)
	described := fx.Replies[0].Body.(*group.DescribeReply)
	if described.State == r.state {
		return
	}
	if r.state == "Dead" {
		r.tell(0, lane.Change, described.State)
	} else {
		r.tell(0, lane.Change, r.state+" → "+described.State)
	}
	r.state = described.State
	r.states = append(r.states, described.State)
}

func (r *retelling) note(n group.Note) {
	if n.Kind == group.SessionExpired {
		r.expired = append(r.expired, expiry{clientOf(n.Member), r.at, r.heard[n.Member]})
		r.tell(0, lane.None, r.words.Say("lane.expired", clientOf(n.Member), r.at.Sub(r.heard[n.Member]).Seconds()))
	}
}

// request adds the arrow of a member's request.
func (r *retelling) request(event group.Event) {
	switch e := event.(type) {
	case *group.Join:
		if e.GroupID != r.group {
			return
		}
		said := r.words.Say("lane.join.first")
		if e.MemberID != "" {
			said = r.words.Say("lane.join.again", e.MemberID[:min(len(e.MemberID), len(e.ClientID)+5)])
			r.heard[e.MemberID] = r.at
		}
		r.ask(e.Token, "JoinGroup", e.ClientID, said)
	case *group.Sync:
		if e.GroupID != r.group {
			return
		}
		r.heard[e.MemberID] = r.at
		said := r.words.Say("lane.sync.follower")
		if len(e.Assignments) > 0 {
			said = r.words.Say("lane.sync.leader", len(e.Assignments))
		}
		r.ask(e.Token, "SyncGroup", clientOf(e.MemberID), said)
	case *group.Heartbeat:
		if e.GroupID == r.group {
			r.heard[e.MemberID] = r.at
			r.askQuietly(e.Token, "Heartbeat", clientOf(e.MemberID), "Heartbeat")
		}
	case *group.Leave:
		if e.GroupID == r.group && len(e.Members) > 0 {
			r.ask(e.Token, "LeaveGroup", clientOf(e.Members[0].MemberID), "LeaveGroup")
		}
	case *group.Commit:
		if e.GroupID == r.group && e.MemberID != "" {
			r.heard[e.MemberID] = r.at
			r.ask(e.Token, "OffsetCommit", clientOf(e.MemberID), "OffsetCommit "+offsetsOf(e))
		}
	}
}

func (r *retelling) ask(token group.Token, kind, client, said string) {
	r.asked[token] = asking{client: client, kind: kind}
	r.row(r.lane(client), 0, said)
}

// askQuietly leaves the arrow out where nothing came of it.
func (r *retelling) askQuietly(token group.Token, kind, client, said string) {
	at, from := r.at, r.lane(client)
	r.asked[token] = asking{client: client, kind: kind, quiet: func() {
		r.rows = append(r.rows, lane.Row{At: r.since(at), From: from, Text: said})
	}}
}

// reply adds the arrow of an answer that says something.
func (r *retelling) reply(token group.Token, body group.Body) {
	a, known := r.asked[token]
	if !known {
		return
	}
	delete(r.asked, token)
	switch b := body.(type) {
	case *group.JoinReply:
		switch {
		case b.Err != nil:
			r.refuse(a, b.Err)
		case b.Leader == b.MemberID:
			r.row(0, r.lane(a.client), r.words.Say("lane.joined.leader", b.Generation, len(b.Members)))
		default:
			r.row(0, r.lane(a.client), r.words.Say("lane.joined.follower", b.Generation, clientOf(b.Leader)))
		}
	case *group.SyncReply:
		if b.Err != nil {
			r.refuse(a, b.Err)
			return
		}
		r.row(0, r.lane(a.client), r.words.Say("lane.synced", assigned(b.Assignment)))
	case *group.HeartbeatReply:
		if b.Err != nil {
			a.quiet()
			r.refuse(a, b.Err)
		}
	case *group.CommitReply:
		if b.Err != nil {
			r.refuse(a, b.Err)
		}
	}
}

func (r *retelling) refuse(a asking, err *protocol.Error) {
	r.row(0, r.lane(a.client), err.Code.String())
}

func (r *retelling) row(from, to int, said string) {
	r.rows = append(r.rows, lane.Row{At: r.since(r.at), From: from, To: to, Text: said})
}

func (r *retelling) tell(at int, mark lane.Mark, said string) {
	r.rows = append(r.rows, lane.Row{At: r.since(r.at), From: at, To: at, Mark: mark, Text: said})
}

func (r *retelling) since(at group.Instant) time.Duration {
	return at.Sub(group.Instant(r.begun.UnixMilli()))
}

// lane is where a client is drawn.
func (r *retelling) lane(client string) int { return laneIn(&r.lanes, client) }

// clientOf is the client id in a dynamic member's id: CLIENT-UUID.
func clientOf(memberID string) string {
	if n := len(memberID) - len("-00000000-0000-0000-0000-000000000000"); n > 0 {
		return memberID[:n]
	}
	return memberID
}

func offsetsOf(e *group.Commit) string {
	var all []string
	for _, t := range e.Topics {
		for _, p := range t.Partitions {
			all = append(all, fmt.Sprintf("%s-%d@%d", t.Name, p.Partition, p.Offset))
		}
	}
	return strings.Join(all, " ")
}

// assigned is "orders-0 orders-1" of an assignment.
func assigned(assignment []byte) string {
	decoded, _, err := protocol.DecodeAssignment(assignment)
	if err != nil {
		return "?"
	}
	var all []string
	for _, t := range decoded.AssignedPartitions {
		for _, p := range t.Partitions {
			all = append(all, fmt.Sprintf("%s-%d", t.Topic, p))
		}
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, " ")
}
