package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
)

// diagram collects what is drawn of one group: joins, syncs and leaves, what the coordinator made of them, and any other
// request that was refused. Heartbeats, commits and fetches that went well are left out.
type diagram struct {
	group   string
	names   *shortNames
	rows    []diagramRow
	members []string               // in the order in which they came
	known   map[string]diagramSeen // by member id
}

type diagramSeen struct {
	matters int    // more is shown first
	about   string // for the legend
}

// diagramRow is a row before anybody knows which lanes there are.
type diagramRow struct {
	at       group.Instant
	from, to string // a member id; "" is the coordinator
	mark     lane.Mark
	kind     string                                // rows of one kind can be drawn as one
	text     func(name func(string) string) string // name is how the drawing calls a member
}

// How much it matters that a member is seen.
const (
	mattersLeader = 10
	mattersCause  = 100
	mattersGone   = 1000
)

// showDiagrams draws each group at the end of a recording.
func showDiagrams(r *replay, p *page, columns int) {
	all := map[string]*diagram{}
	of := func(id string) *diagram {
		if all[id] == nil {
			all[id] = &diagram{group: id, names: r.names, known: map[string]diagramSeen{}}
		}
		return all[id]
	}
	r.tell = func(step *replayedStep) error {
		ids := []string{group.GroupOf(step.Event)}
		add := func(id string) {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		for _, n := range step.Notes {
			add(n.Group)
		}
		for _, c := range step.Changes {
			add(c.Group)
		}
		for _, a := range slices.Concat(step.Replies, step.Given) {
			add(a.to.group)
		}
		for _, id := range ids {
			if id != "" && (r.only == "" || id == r.only) {
				of(id).take(step)
			}
		}
		return nil
	}
	told := false
	r.end = func() error {
		for _, id := range sortedKeys(all) {
			if told {
				p.line("")
			}
			told = true
			all[id].print(p, columns)
		}
		clear(all)
		return p.err
	}
}

// take adds the rows of a step: what came, its answer and those to members that go, what the coordinator made of it, and
// what it answered to others.
func (d *diagram) take(s *replayedStep) {
	if group.GroupOf(s.Event) == d.group {
		d.event(s)
	}
	first := func(a *replayedReply) bool {
		return a.to == s.asked || slices.ContainsFunc(s.Notes, func(n replayedNote) bool { return n.gone() && n.Member == a.to.member })
	}
	for i := range s.Replies {
		if a := &s.Replies[i]; first(a) {
			d.answer(s, a)
		}
	}
	cause := ""
	for i := range s.Notes {
		if n := &s.Notes[i]; n.Group == d.group {
			d.note(s, n)
			if n.kind == group.RebalanceStarted {
				cause = ": " + oursOf(n.Reason)
			}
		}
	}
	for i := range s.Changes {
		if c := &s.Changes[i]; c.Group == d.group {
			text := fmt.Sprintf("%s, generation %d, %s", c.To, c.Generation, plural(c.Members, "member"))
			if c.To == group.PreparingRebalance.String() || c.To == group.Dead.String() {
				text = c.From + " → " + c.To + cause
			}
			d.add(s, "", "", lane.Change, "", text)
		}
	}
	for i := range s.Replies {
		if a := &s.Replies[i]; !first(a) {
			d.answer(s, a)
		}
	}
	for i := range s.Given {
		d.answer(s, &s.Given[i])
	}
}

func (d *diagram) add(s *replayedStep, from, to string, mark lane.Mark, kind, text string) {
	d.addNaming(s, from, to, mark, kind, func(func(string) string) string { return text })
}

func (d *diagram) addNaming(s *replayedStep, from, to string, mark lane.Mark, kind string, text func(func(string) string) string) {
	d.see(from, "", 0)
	d.see(to, "", 0)
	d.rows = append(d.rows, diagramRow{s.At, from, to, mark, kind, text})
}

// see gives a member a lane.
func (d *diagram) see(id, about string, matters int) {
	if id == "" {
		return
	}
	seen, there := d.known[id]
	if !there {
		d.members = append(d.members, id)
	}
	if about != "" {
		seen.about = about
	}
	seen.matters = max(seen.matters, matters)
	d.known[id] = seen
}

// from is whose lane a request comes from. A client that was given no id has a lane too.
func (a asked) from() string {
	if a.member == "" && a.client != "" {
		return "client " + a.client
	}
	return a.member
}

func (d *diagram) event(s *replayedStep) {
	switch e := s.Event.(type) {
	case *group.Restored:
		if len(d.rows) == 0 && e.Group != nil {
			for i := range e.Group.Members {
				m := &e.Group.Members[i]
				d.see(m.ID, memberAbout(m.InstanceID, m.ClientHost), 0)
			}
			d.see(e.Group.Leader, "", mattersLeader)
			d.add(s, "", "", lane.Change, "", describeRestored(e))
		}
	case *group.Join:
		from := s.asked.from()
		text := "JoinGroup"
		if e.MemberID == "" {
			text += " without a member id"
		}
		d.see(from, memberAbout(e.InstanceID, e.ClientHost), 0)
		d.add(s, from, "", lane.None, text, text+quoted(e.Reason))
	case *group.Sync:
		text := "SyncGroup"
		if n := len(e.Assignments); n > 0 {
			text += ", assigns to " + plural(n, "member")
		}
		d.add(s, e.MemberID, "", lane.None, "SyncGroup", text)
	case *group.Leave:
		for _, m := range e.Members {
			if m.MemberID == "" {
				d.add(s, "", "", lane.None, "", "LeaveGroup for group.instance.id "+printable(m.InstanceID)+quoted(m.Reason))
			} else {
				d.add(s, m.MemberID, "", lane.None, "LeaveGroup", "LeaveGroup"+quoted(m.Reason))
			}
		}
	}
}

func memberAbout(instance, host string) string {
	text := plainHost(printable(host))
	if instance != "" {
		text += ", group.instance.id " + printable(instance)
	}
	return text
}

// gone says whether the note is the end of a member.
func (n *replayedNote) gone() bool {
	return n.kind == group.SessionExpired || n.kind == group.MemberRemoved
}

// note adds what became of a member. How the group is after it is a change.
func (d *diagram) note(s *replayedStep, n *replayedNote) {
	switch n.kind {
	case group.RebalanceStarted:
		d.see(n.Member, "", mattersCause)
	case group.GenerationFormed:
		d.see(n.Member, "", mattersLeader)
	case group.SessionExpired, group.MemberRemoved: // see gone
		d.see(n.Member, "", mattersGone)
		d.add(s, n.Member, n.Member, lane.End, "gone", n.Kind+": "+oursOf(n.Reason))
	case group.MemberReplaced, group.MemberFenced, group.MemberTurnedAway:
		d.see(n.Member, "", mattersGone)
		d.add(s, n.Member, n.Member, lane.None, n.Kind, n.Kind+": "+printable(n.Reason))
	case group.WriteFailed, group.GroupDeleted, group.OffsetsExpired:
		text := n.Kind
		if n.Reason != "" {
			text += ": " + printable(n.Reason)
		}
		d.add(s, "", "", lane.None, "", text)
	}
}

// oursOf is a reason without what the client says, which stands beside its request.
func oursOf(reason string) string {
	ours, _, _ := strings.Cut(reason, "; client reason: ")
	return printable(ours)
}

// answer adds the arrow of an answer that says something.
func (d *diagram) answer(s *replayedStep, a *replayedReply) {
	if a.to.group != d.group || a.After > 0 && !slices.ContainsFunc(s.Given, func(g replayedReply) bool { return g.Token == a.Token }) {
		return
	}
	to := a.to.from()
	refused := func(err *protocol.Error) {
		if err != nil {
			text := a.to.request + ": " + err.Code.String()
			d.add(s, "", to, lane.None, text, text)
		}
	}
	switch b := a.Body.(type) {
	case *group.JoinReply:
		switch {
		case b.Err != nil && b.Err.Code == protocol.MemberIDRequired:
			d.add(s, "", to, lane.None, "MEMBER_ID_REQUIRED", "MEMBER_ID_REQUIRED")
		case b.Err != nil:
			refused(b.Err)
		case b.Leader == b.MemberID:
			d.add(s, "", to, lane.None, "joined", fmt.Sprintf("generation %d: it leads %s", b.Generation, plural(max(len(b.Members), 1), "member")))
		default:
			d.addNaming(s, "", to, lane.None, fmt.Sprintf("generation %d", b.Generation),
				func(name func(string) string) string {
					return fmt.Sprintf("generation %d, leader %s", b.Generation, name(b.Leader))
				})
		}
	case *group.SyncReply:
		if b.Err != nil {
			refused(b.Err)
			return
		}
		d.add(s, "", to, lane.None, "assigned", "has "+assignedWords(b.Assignment))
	case *group.HeartbeatReply:
		refused(b.Err)
	case *group.LeaveReply:
		for _, m := range b.Members {
			refused(m.Err)
		}
	case *group.CommitReply:
		refused(b.Err)
	}
}
