package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/skein-io/skein/internal/group"
)

// How a group's diary is told in sentences.

const diaryTime = "2006-01-02T15:04:05.000Z"

func (d *groupWhy) print(p *page) {
	p.line("group %s: %s, generation %d, %s, coordinator %d", printable(d.Group), d.State, d.Generation, plural(d.Members, "member"), d.Coordinator.ID)
	printWaitedFor(p, d.WaitedFor, d.WaitedForOmitted)
	if d.LastSync != nil {
		p.line("the last to fetch its assignment was member %s at %s", printable(d.LastSync.MemberID), d.LastSync.At.Format(diaryTime))
	}
	if d.Since != nil {
		p.line("")
		d.Since.print(p)
	}
	for i := range d.Entries {
		p.line("")
		d.Entries[i].print(p)
	}
	switch {
	case d.Unreadable > 0:
		p.line("\n%d of the entries are from another version of skein and cannot be read", d.Unreadable)
	case len(d.Entries) == 0 && d.Since == nil:
		p.line("nothing has happened to it")
	}
}

// print tells an entry in one sentence, and what else happened in one line each.
func (e *diaryEntry) print(p *page) {
	when := "not written yet"
	if e.Written != nil {
		when = e.Written.Format(diaryTime)
	}
	p.line("%s  %s", when, e.sentence())
	for i := range e.Happenings {
		p.line("  %s  %s", e.Happenings[i].At.Format(diaryTime), e.Happenings[i].phrase())
	}
	if e.HappeningsOmitted > 0 {
		p.line("  and %d more", e.HappeningsOmitted)
	}
	for i := range e.Expired {
		p.line("  %s  %s", e.Expired[i].At.Format(diaryTime), e.Expired[i].phrase())
	}
	if e.ExpiredOmitted > 0 {
		p.line("  and the committed offsets of %s more expired", plural(e.ExpiredOmitted, "partition"))
	}
}

// phrase is which offsets expired, and why.
func (o *diaryExpired) phrase() string {
	why := "offsets.retention.minutes"
	if o.Asked {
		why = "the commit asked for that"
	}
	return fmt.Sprintf("the committed offsets of %s of %s expired after %s (%s)", plural(o.Partitions, "partition"), printable(o.Topic), span(time.Duration(o.RetentionMs)*time.Millisecond), why)
}

// tellDiary is the sentence of an entry as bytes.
func tellDiary(b []byte) string {
	if e := readDiaryEntry(b); e != nil {
		return e.sentence()
	}
	return "an entry that this program cannot read"
}

func (e *diaryEntry) sentence() string {
	parts := []string{e.head()}
	for _, w := range e.Waits {
		parts = append(parts, w.phrase())
	}
	if e.Initial && e.Formed != nil && e.LastJoin != nil {
		if ms := e.Formed.Sub(e.LastJoin.At).Milliseconds(); ms > 0 {
			parts = append(parts, "waited "+elapsed(ms)+" for more members (group.initial.rebalance.delay.ms)")
		}
	}
	if text := e.moved(); text != "" {
		parts = append(parts, text)
	}
	if e.Members > 0 && e.Written != nil {
		parts = append(parts, plural(e.Members, "member"))
	}
	return strings.Join(parts, "; ")
}

// head is what happened, and why.
func (e *diaryEntry) head() string {
	var b strings.Builder
	switch {
	case e.Started == nil && e.Written == nil:
		return fmt.Sprintf("since generation %d: no rebalance", e.Generation)
	case e.Started == nil:
		return fmt.Sprintf("generation %d: no rebalance", e.Generation)
	case e.Written == nil:
		fmt.Fprintf(&b, "after generation %d: rebalance since %s", e.Generation, e.Started.Format(diaryTime))
	case e.Members == 0:
		fmt.Fprintf(&b, "generation %d: the group is empty after %s", e.Generation, elapsed(*e.DurationMs))
	default:
		fmt.Fprintf(&b, "generation %d: rebalance took %s", e.Generation, elapsed(*e.DurationMs))
	}
	if e.JoinPhases > 1 {
		fmt.Fprintf(&b, " in %d rounds", e.JoinPhases)
	}
	if e.Cause != nil {
		b.WriteString(" because " + e.Cause.phrase())
	}
	return b.String()
}

// phrase is a happening as a sentence without its end.
func (h *diaryHappening) phrase() string {
	who := h.name()
	text := ""
	switch h.kind {
	case group.Joined:
		text = who + " joined"
	case group.LeaderRejoined:
		text = "the leader, " + who + ", joined again"
	case group.Changed:
		text = who + " came with another subscription or other assignors"
	case group.Left:
		text = who + " left"
	case group.Expired:
		text = who + " expired"
	case group.Absent:
		text = who + " was removed"
	case group.Replaced:
		text = who + " came back"
	case group.Fenced:
		text = who + " was fenced"
	case group.NotStored:
		text = "a record of the group could not be written"
	case group.TooLarge:
		text = "the group is larger than group.max.size, which was lowered"
	case group.NotBack:
		text = "the client that was given the id of " + who + " did not come back with it"
	case group.Silent:
		text = "members did not send SyncGroup in time"
	case group.TurnedAway:
		text = who + " was refused: the group has group.max.size members"
	case group.OldGeneration:
		text = who + " still used generation " + number(h.Generation) + ", which is over"
	default:
		text = "something happened to " + who + " that this program does not know (" + h.Kind + ")"
	}
	if h.Detail != "" {
		text += ": " + printable(h.Detail)
	}
	if h.Reason != "" {
		text += fmt.Sprintf(": '%s'", printable(h.Reason))
	}
	if h.Times > 1 {
		text += fmt.Sprintf(" (%d times)", h.Times)
	}
	return text
}

func (m *diaryMember) name() string {
	if m.MemberID == "" && m.ClientID == "" {
		return "a client without a member id"
	}
	text := "member " + printable(m.MemberID)
	var more []string
	if m.ClientID != "" {
		more = append(more, "client "+printable(m.ClientID))
	}
	if m.InstanceID != "" {
		more = append(more, "group.instance.id "+printable(m.InstanceID))
	}
	if m.Host != "" {
		more = append(more, printable(m.Host))
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return text
}

func (w *diaryWait) phrase() string {
	text := fmt.Sprintf("waited %s for %s", elapsed(w.WaitMs), w.name())
	switch {
	case !w.Came:
		return text + ", whose " + w.Request + " did not come"
	case w.Request == requestName(true):
		return text + " to assign the partitions"
	}
	return text + " to rejoin"
}

// moved says which partitions have another owner.
func (e *diaryEntry) moved() string {
	if e.Partitions == nil {
		return ""
	}
	var parts []string
	if n := e.Partitions.Moved; n > 0 || e.Partitions.New == 0 && e.Partitions.Freed == 0 {
		parts = append(parts, fmt.Sprintf("%d of %s moved", n, plural(e.Partitions.Assigned, "partition")))
	}
	if n := e.Partitions.New; n > 0 {
		parts = append(parts, plural(n, "partition")+" had no owner before")
	}
	if n := e.Partitions.Freed; n > 0 {
		parts = append(parts, plural(n, "partition")+" lost the owner")
	}
	text := strings.Join(parts, ", ")
	if e.Partitions.Assigned == 0 && text == "0 of 0 partitions moved" {
		return ""
	}
	if len(e.Moves) == 0 {
		return text
	}
	var who []string
	for _, m := range e.Moves {
		change := ""
		if m.Gained > 0 {
			change += " +" + number(m.Gained)
		}
		if m.Lost > 0 {
			change += " -" + number(m.Lost)
		}
		who = append(who, printable(m.MemberID)+change)
	}
	if e.MovesOmitted > 0 {
		who = append(who, plural(e.MovesOmitted, "member")+" more")
	}
	return text + " (" + strings.Join(who, ", ") + ")"
}

// elapsed is a time in words that a person compares: 200 ms, 1.2 s, 2m5s.
func elapsed(ms int64) string {
	switch {
	case ms < 1000:
		return number(ms) + " ms"
	case ms < 60_000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(ms)/1000), ".0") + " s"
	}
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}
