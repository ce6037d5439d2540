package cli

import (
	"fmt"
	"strings"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// How a step is told: what came, and below it what was decided.

// words are the lines of a step. The first is the event.
func (r *replay) words(s *replayedStep) []string {
	event := r.eventWords(s.Event)
	if id := group.GroupOf(s.Event); id != "" {
		event = "group " + printable(id) + ": " + event
	}
	lines := []string{event}
	add := func(what, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%-7s ", what)+fmt.Sprintf(format, args...))
	}
	of := func(id string) string { // the group, where it is not that of the event
		if id == group.GroupOf(s.Event) {
			return ""
		}
		return "group " + printable(id) + ": "
	}
	for _, n := range s.Notes {
		add("note", "%s%s", of(n.Group), r.noteWords(&n))
	}
	for _, c := range s.Changes {
		add("state", "%s%s", of(c.Group), c.words())
	}
	for i := range s.Records {
		add("record", "%d: %s", s.Records[i].Seq, describeRecord(&s.Records[i]))
	}
	for i := range s.Replies {
		a := &s.Replies[i]
		if a.After > 0 {
			add("answer", "%s, once record %d is committed: %s", r.toWhom(a), a.After, r.bodyWords(a.Body))
		} else {
			add("answer", "%s: %s", r.toWhom(a), r.bodyWords(a.Body))
		}
	}
	for i := range s.Given {
		a := &s.Given[i]
		add("answer", "%s%s: %s", of(a.to.group), r.toWhom(a), r.bodyWords(a.Body))
	}
	if s.parked {
		add("answer", "not yet")
	}
	for _, t := range s.Timers {
		what := t.Kind
		if t.Member != "" {
			what += " of " + r.names.of(t.Member)
		}
		if t.Cancel {
			add("timer", "%s%s: cancelled", of(t.Group), what)
		} else {
			add("timer", "%s%s: in %s", of(t.Group), what, elapsed(t.At.Sub(s.At).Milliseconds()))
		}
	}
	return lines
}

// toWhom is "JoinGroup of app-1f3c".
func (r *replay) toWhom(a *replayedReply) string {
	switch who := a.to.who(r.names); {
	case a.to.request == "":
		return "a request from before the recording"
	case who == "":
		return a.to.request
	default:
		return a.to.request + " of " + who
	}
}

func (c *replayedChange) words() string {
	text := c.From + " → " + c.To
	switch {
	case c.To == group.Dead.String():
		return text
	case c.From == c.To:
		text = c.To
	}
	return fmt.Sprintf("%s, generation %d, %s", text, c.Generation, plural(c.Members, "member"))
}

func (r *replay) noteWords(n *replayedNote) string {
	text := n.Kind
	if n.Member != "" {
		text += ", " + r.names.of(n.Member)
	}
	if n.Reason != "" {
		text += ": " + printable(n.Reason)
	}
	return text
}

// eventWords says what came.
func (r *replay) eventWords(event group.Event) string {
	switch e := event.(type) {
	case *group.Timer:
		if e.Key.Member != "" {
			return fmt.Sprintf("the timer %s of %s rang", e.Key.Kind, r.names.of(e.Key.Member))
		}
		return fmt.Sprintf("the timer %s rang", e.Key.Kind)
	case *group.Nudge:
		return "a later request is on the connection of " + r.names.of(e.MemberID) + ", or it ended"
	case *group.Drained:
		return "no JoinGroup of it waits any more"
	case *group.Appended:
		return fmt.Sprintf("the log has the records up to %d", e.UpTo)
	case *group.Refused:
		return fmt.Sprintf("the records %d to %d were not written: %s: %s", e.First, e.Last, e.Code, printable(e.Reason))
	case *group.Committed:
		return fmt.Sprintf("the records up to %d are committed", e.UpTo)
	case *group.TimedOut:
		return fmt.Sprintf("the records up to %d were not committed in time", e.UpTo)
	case *group.Loaded:
		return "the log of the partition is loaded"
	case *group.Unload:
		return fmt.Sprintf("the coordinator of the partition ends: %s: %s", e.Code, printable(e.Reason))
	case *group.ShuttingDown:
		return fmt.Sprintf("the node shuts down: %s: %s", e.Code, printable(e.Reason))
	case *group.TopicsDeleted:
		var names []string
		for _, t := range e.Topics {
			names = append(names, printable(t.Name))
		}
		return "deleted: " + listed(names, "topic")
	case *group.Restored:
		return describeRestored(e)
	default:
		return r.requestWords(event)
	}
}

// describeRestored is a snapshot in a few words; -o json has all of it.
func describeRestored(state *group.Restored) string {
	switch {
	case state.Omitted:
		return "it was left out of the recording"
	case state.Group == nil:
		return "it was not there"
	}
	g := state.Group
	return fmt.Sprintf("it was %v at generation %d, %s, %s", g.State, g.Generation, plural(len(g.Members), "member"), plural(len(state.Offsets), "offset"))
}

// listedMax is how many things are named before the rest is counted.
const listedMax = 8

// listed is "a, b, c", or "8 of them ... and 12 more".
func listed(texts []string, what string) string {
	if len(texts) == 0 {
		return "no " + what
	}
	if more := len(texts) - listedMax; more > 0 {
		return strings.Join(texts[:listedMax], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(texts, ", ")
}

func describeRecord(r *group.Record) string {
	switch r.Kind {
	case group.OffsetStored:
		return fmt.Sprintf("offset of %s in %s-%d is %d", printable(r.Group), printable(r.Topic), r.Partition, r.Offset.Offset)
	case group.OffsetRemoved:
		return fmt.Sprintf("offset of %s in %s-%d is removed", printable(r.Group), printable(r.Topic), r.Partition)
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

// assignedWords is "orders-0, orders-1" of an assignment, or its size where it is not a consumer's.
func assignedWords(assignment []byte) string {
	if len(assignment) == 0 {
		return "nothing"
	}
	decoded, _, err := protocol.DecodeAssignment(assignment)
	if err != nil {
		return fmt.Sprintf("%d bytes", len(assignment))
	}
	var names []string
	for _, t := range decoded.AssignedPartitions {
		for _, p := range t.Partitions {
			names = append(names, fmt.Sprintf("%s-%d", printable(t.Topic), p))
		}
	}
	return listed(names, "partition")
}
