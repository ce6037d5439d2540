package cli

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/skein-io/skein/internal/group"
)

// replayedStep is one event with what it led to, as JSON.
type replayedStep struct {
	Line    int             `json:"line"`
	At      group.Instant   `json:"at"` // ms since 1970
	Kind    string          `json:"kind"`
	Event   group.Event     `json:"event"`
	Records []group.Record  `json:"records"`
	Replies []replayedReply `json:"replies"`
	Timers  []replayedTimer `json:"timers"`
	Notes   []replayedNote  `json:"notes"`
}

type replayedReply struct {
	Token group.Token `json:"token"`
	// After is the record that must be committed before the reply is given; 0 is at once.
	After group.Seq  `json:"after"`
	Kind  string     `json:"kind"`
	Body  group.Body `json:"body"`
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
}

// print writes the last step.
func (r *replay) print(recorded group.Recorded) error {
	step := r.described(recorded)
	if r.only != "" && !step.concerns(r.only) {
		return nil
	}
	if r.json {
		b, err := marshalPlain(step)
		if err == nil {
			_, err = r.out.Write(append(b, '\n'))
		}
		return err
	}
	p := page{w: r.out}
	step.print(&p)
	return p.err
}

func (r *replay) described(recorded group.Recorded) replayedStep {
	step := replayedStep{Line: r.line, At: recorded.At, Kind: group.KindOf(recorded.Event), Event: recorded.Event,
		Records: present(r.fx.Records), Replies: []replayedReply{}, Timers: []replayedTimer{}, Notes: []replayedNote{}}
	for _, a := range r.fx.Replies {
		step.Replies = append(step.Replies, replayedReply{a.Token, 0, bodyKind(a.Body), a.Body})
	}
	for _, a := range r.fx.Deferred {
		step.Replies = append(step.Replies, replayedReply{a.Token, a.Seq, bodyKind(a.Body), a.Body})
	}
	for _, t := range r.fx.Timers {
		step.Timers = append(step.Timers, replayedTimer{t.Key.Kind.String(), t.Key.Group, t.Key.Member, t.At, t.Cancel})
	}
	for _, n := range r.fx.Notes {
		step.Notes = append(step.Notes, replayedNote{n.Kind.String(), n.Group, n.Member, n.Reason, n.Generation, n.Members})
	}
	return step
}

// bodyKind is "join" of *group.JoinReply.
func bodyKind(body group.Body) string {
	name := reflect.TypeOf(body).Elem().Name()
	return strings.ToLower(strings.TrimSuffix(name, "Reply"))
}

// concerns says whether the step is about a group: its event names it, or an effect does.
func (s *replayedStep) concerns(name string) bool {
	var event struct {
		GroupID string
		Key     group.TimerKey
	}
	if b, err := json.Marshal(s.Event); err == nil {
		_ = json.Unmarshal(b, &event) // an event without these fields names no group
	}
	if event.GroupID == name || event.Key.Group == name {
		return true
	}
	for _, record := range s.Records {
		if record.Group == name {
			return true
		}
	}
	for _, note := range s.Notes {
		if note.Group == name {
			return true
		}
	}
	for _, timer := range s.Timers {
		if timer.Group == name {
			return true
		}
	}
	return false
}

func (s *replayedStep) print(p *page) {
	if state, ok := s.Event.(*group.Restored); ok {
		p.line("%s  %s %s", instant(s.At), s.Kind, describeRestored(state))
	} else {
		p.line("%s  %s %s", instant(s.At), s.Kind, compactJSON(s.Event))
	}
	for _, n := range s.Notes {
		p.line("  note    %s: group %s generation %d, %s%s%s", n.Kind, printable(n.Group), n.Generation, plural(n.Members, "member"),
			prefixed(", member ", n.Member), prefixed(": ", n.Reason))
	}
	for _, record := range s.Records {
		p.line("  append  %d %s", record.Seq, describeRecord(&record))
	}
	for _, a := range s.Replies {
		after := ""
		if a.After > 0 {
			after = fmt.Sprintf(" once %d is committed", a.After)
		}
		p.line("  reply   %d%s: %s %s", a.Token, after, a.Kind, compactJSON(a.Body))
	}
	for _, t := range s.Timers {
		what := fmt.Sprintf("rings in %v", t.At.Sub(s.At))
		if t.Cancel {
			what = "cancelled"
		}
		p.line("  timer   %s%s%s %s", t.Kind, prefixed(" ", t.Group), prefixed("/", t.Member), what)
	}
}

// describeRestored is a snapshot in a few words; -o json has all of it.
func describeRestored(state *group.Restored) string {
	name := "group " + printable(state.GroupID)
	switch {
	case state.Omitted:
		return name + " was left out"
	case state.Group == nil:
		return name + " was not there"
	}
	g := state.Group
	return fmt.Sprintf("%s was %v at generation %d, %s, %s", name, g.State, g.Generation, plural(len(g.Members), "member"), plural(len(state.Offsets), "offset"))
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + printable(text)
}

func compactJSON(v any) string {
	b, err := marshalPlain(v)
	if err != nil {
		return err.Error()
	}
	return printable(string(b))
}

func describeRecord(r *group.Record) string {
	switch r.Kind {
	case group.OffsetStored:
		return fmt.Sprintf("offset of %s in %s-%d is %d", printable(r.Group), r.Topic, r.Partition, r.Offset.Offset)
	case group.OffsetRemoved:
		return fmt.Sprintf("offset of %s in %s-%d is removed", printable(r.Group), r.Topic, r.Partition)
	case group.GroupStored:
		return fmt.Sprintf("group %s has generation %d, %s", printable(r.Group), r.Value.Generation, plural(len(r.Value.Members), "member"))
	case group.GroupRemoved:
		return fmt.Sprintf("group %s is removed", printable(r.Group))
	case group.DiaryStored:
		return fmt.Sprintf("diary of %s, slot %d: %s", printable(r.Group), r.Diary.Slot, tellDiary(r.Diary.Bytes))
	case group.DiaryRemoved:
		return fmt.Sprintf("diary of %s, slot %d is removed", printable(r.Group), r.Diary.Slot)
	}
	return fmt.Sprintf("record of kind %d", r.Kind)
}
