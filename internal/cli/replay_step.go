package cli

import (
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// replayedStep is one event with what it led to, as JSON.
type replayedStep struct {
	Line    int              `json:"line"`
	At      group.Instant    `json:"at"` // ms since 1970
	Kind    string           `json:"kind"`
	Event   group.Event      `json:"event"`
	Words   []string         `json:"words"` // what the text shows, without the time
	Changes []replayedChange `json:"changes"`
	Records []group.Record   `json:"records"`
	Replies []replayedReply  `json:"replies"`
	// Given are replies of earlier steps, whose records are committed now, or will not be.
	Given  []replayedReply `json:"given"`
	Timers []replayedTimer `json:"timers"`
	Notes  []replayedNote  `json:"notes"`

	asked  asked // what the event asks for, if it is a request
	parked bool  // a request that is not answered in this step, and waits for no record
}

// replayedChange is a group that has another state or generation than before.
type replayedChange struct {
	Group      string `json:"group"`
	From       string `json:"from"`
	To         string `json:"to"`
	Generation int32  `json:"generation"`
	Members    int    `json:"members"`
}

type replayedReply struct {
	Token group.Token `json:"token"`
	// After is the record that must be committed before the reply is given; 0 is at once.
	After group.Seq  `json:"after"`
	Kind  string     `json:"kind"`
	Body  group.Body `json:"body"`

	to asked
}

type replayedTimer struct {
	Kind   string        `json:"kind"`
	Group  string        `json:"group"`
	Member string        `json:"member"`
	At     group.Instant `json:"at"`
	Cancel bool          `json:"cancel"`
}

type replayedNote struct {
	Kind       string `json:"kind"`
	Group      string `json:"group"`
	Member     string `json:"member"`
	Reason     string `json:"reason"`
	Generation int32  `json:"generation"`
	Members    int    `json:"members"`

	kind group.NoteKind
}

// asked is a request whose answer is still to come.
type asked struct {
	request string // JoinGroup
	group   string
	member  string // "" has no id
	client  string
	at      group.Instant
}

// who is how the text calls who asked.
func (a asked) who(names *shortNames) string {
	switch {
	case a.member != "":
		return names.of(a.member)
	case a.client != "":
		return "client " + printable(a.client)
	}
	return ""
}

// showSteps prints each step when it is told.
func showSteps(r *replay, out io.Writer, asJSON bool) {
	r.end = func() error { return nil }
	r.tell = func(step *replayedStep) error {
		if asJSON {
			b, err := marshalPlain(step)
			if err == nil {
				_, err = out.Write(append(b, '\n'))
			}
			return err
		}
		p := page{w: out}
		for i, words := range step.Words {
			if i == 0 {
				p.line("%s  %s", instant(step.At), words)
			} else {
				p.line("  %s", words)
			}
		}
		return p.err
	}
}

func (r *replay) describe(recorded group.Recorded) *replayedStep {
	step := &replayedStep{Line: r.line, At: recorded.At, Kind: group.KindOf(recorded.Event), Event: recorded.Event, Changes: []replayedChange{},
		Records: present(r.fx.Records), Replies: []replayedReply{}, Given: []replayedReply{}, Timers: []replayedTimer{}, Notes: []replayedNote{}}
	token, question := askedBy(recorded)
	if token != 0 {
		question.member = r.memberOf(token, question)
		r.asked[token] = question
	}
	step.asked = question
	r.answers(step)
	for _, t := range r.fx.Timers {
		step.Timers = append(step.Timers, replayedTimer{t.Key.Kind.String(), t.Key.Group, t.Key.Member, t.At, t.Cancel})
	}
	for _, n := range r.fx.Notes {
		step.Notes = append(step.Notes, replayedNote{n.Kind.String(), n.Group, n.Member, n.Reason, n.Generation, n.Members, n.Kind})
	}
	if _, open := r.asked[token]; open && token != 0 {
		step.parked = !slices.ContainsFunc(step.Replies, func(a replayedReply) bool { return a.Token == token })
	}
	r.changes(step)
	step.Words = r.words(step)
	return step
}

// answers takes the replies of the step, and those of earlier ones that are given with it.
func (r *replay) answers(step *replayedStep) {
	for _, a := range r.fx.Replies {
		step.Replies = append(step.Replies, r.answer(a.Token, 0, a.Body))
		delete(r.asked, a.Token)
	}
	for _, a := range r.fx.Deferred {
		step.Replies = append(step.Replies, r.answer(a.Token, a.Seq, a.Body))
	}
	r.waiting = append(r.waiting, r.fx.Deferred...)
	r.waiting = slices.DeleteFunc(r.waiting, func(a group.DeferredReply) bool {
		body := group.Body(a.Body)
		switch e := step.Event.(type) {
		case *group.Committed:
			if a.Seq > e.UpTo {
				return false
			}
		case *group.TimedOut:
			if a.Seq > e.UpTo {
				return false
			}
			body = a.Body.Refuse(protocol.Fail(group.WriteFailure(protocol.RequestTimedOut), "the record was not replicated within offsets.commit.timeout.ms"))
		case *group.Refused:
			if a.Seq < e.First || a.Seq > e.Last {
				return false
			}
			body = a.Body.Refuse(protocol.Fail(group.WriteFailure(e.Code), "%s: %s", e.Code, e.Reason))
		case *group.Unload:
			body = a.Body.Refuse(protocol.Fail(e.Code, "%s", e.Reason))
		default:
			return false
		}
		step.Given = append(step.Given, r.answer(a.Token, a.Seq, body))
		delete(r.asked, a.Token)
		return true
	})
}

// memberOf is who asked. A client that joins without an id has one after the step, unless it was turned away.
func (r *replay) memberOf(token group.Token, a asked) string {
	if a.member != "" || a.request != protocol.KeyJoinGroup.String() {
		return a.member
	}
	for _, n := range r.fx.Notes {
		if n.Kind == group.MemberJoined || n.Kind == group.MemberReplaced {
			return n.Member
		}
	}
	for _, reply := range r.fx.Replies {
		if join, ok := reply.Body.(*group.JoinReply); ok && reply.Token == token {
			return join.MemberID
		}
	}
	for _, reply := range r.fx.Deferred { // the first member of a group, whose record is written first
		if join, ok := reply.Body.(*group.JoinReply); ok && reply.Token == token {
			return join.MemberID
		}
	}
	return ""
}

func (r *replay) answer(token group.Token, after group.Seq, body group.Body) replayedReply {
	return replayedReply{token, after, bodyKind(body), body, r.asked[token]}
}

// changes finds the groups that are not what they were. A step changes none that nothing of it names.
func (r *replay) changes(step *replayedStep) {
	ids := []string{}
	add := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	add(group.GroupOf(step.Event))
	for _, n := range step.Notes {
		add(n.Group)
	}
	for _, t := range step.Timers {
		add(t.Group)
	}
	_, restored := step.Event.(*group.Restored)
	_, unloaded := step.Event.(*group.Unload)
	if unloaded {
		ids = sortedKeys(r.looks)
	}
	for _, id := range ids {
		before, seen := r.looks[id]
		if !seen {
			before = groupLook{state: group.Dead, generation: -1}
		}
		var now groupLook
		now.state, now.generation, now.members = r.shard.Look(id)
		r.looks[id] = now
		if !restored && (now.state != before.state || now.generation != before.generation && now.state != group.Dead) {
			step.Changes = append(step.Changes, replayedChange{id, before.state.String(), now.state.String(), now.generation, now.members})
		}
	}
}

// bodyKind is "join" of *group.JoinReply.
func bodyKind(body group.Body) string {
	name := reflect.TypeOf(body).Elem().Name()
	return strings.ToLower(strings.TrimSuffix(name, "Reply"))
}

// concerns says whether the step is about a group: its event names it, or an effect does.
func (s *replayedStep) concerns(name string) bool {
	return group.GroupOf(s.Event) == name ||
		slices.ContainsFunc(s.Records, func(r group.Record) bool { return r.Group == name }) ||
		slices.ContainsFunc(s.Notes, func(n replayedNote) bool { return n.Group == name }) ||
		slices.ContainsFunc(s.Timers, func(t replayedTimer) bool { return t.Group == name }) ||
		slices.ContainsFunc(s.Changes, func(c replayedChange) bool { return c.Group == name }) ||
		slices.ContainsFunc(s.Given, func(a replayedReply) bool { return a.to.group == name })
}

// shortNames makes names that a person can tell apart of member ids, which end with a UUID: "app-1f3c" of
// "app-1f3c...".
type shortNames struct {
	names map[string]string // by id
	taken map[string]bool
}

func newShortNames() *shortNames { return &shortNames{map[string]string{}, map[string]bool{}} }

func (s *shortNames) of(id string) string {
	if name, ok := s.names[id]; ok {
		return name
	}
	const length = len("00000000-0000-0000-0000-000000000000")
	name := printable(id)
	if n := len(id) - length; n > 0 {
		if _, err := uuid.Parse(id[n:]); err == nil {
			for _, digits := range []int{4, 8} {
				if short := printable(id[:n+digits]); !s.taken[short] {
					name = short
					break
				}
			}
		}
	}
	s.names[id], s.taken[name] = name, true
	return name
}

func instant(at group.Instant) string {
	return time.UnixMilli(int64(at)).UTC().Format("2006-01-02T15:04:05.000Z")
}
