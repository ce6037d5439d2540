package group

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/skein-io/skein/internal/protocol"
)

// Happening says what a line of a diary is about.
type Happening int8

const (
	// Joined: a new member came.
	Joined Happening = iota + 1
	// LeaderRejoined: the leader sent JoinGroup again, which always is a rebalance (J15).
	LeaderRejoined
	// Changed: a member came with another subscription or other assignors.
	Changed
	// Left: a member sent LeaveGroup, or an operator removed it.
	Left
	// Expired: a member's session ended. Detail says how long nothing was heard.
	Expired
	// Absent: a member did not send JoinGroup or SyncGroup in time and was removed.
	Absent
	// Replaced: a static member came back with a new member id. Detail says which it had.
	Replaced
	// Fenced: a request came from a member whose group.instance.id belongs to another one now.
	Fenced
	// NotStored: a record of the group could not be written. Detail is the error.
	NotStored
	// TooLarge: group.max.size was lowered.
	TooLarge
	// NotBack: a client was given a member id and did not come back with it.
	NotBack
	// Silent: members were removed because their SyncGroup did not come.
	Silent
	// TurnedAway: a member was refused because the group is full.
	TurnedAway
	// OldGeneration: a member of the group still sent requests of a generation that is over. Detail says which.
	OldGeneration
)

var happeningNames = [...]string{"", "joined", "leader rejoined", "changed", "left", "expired", "absent", "replaced", "fenced",
	"not stored", "too large", "not back", "silent", "turned away", "old generation"}

// String is a word or two; "" of a kind that is not known here.
func (h Happening) String() string {
	if h > 0 && int(h) < len(happeningNames) {
		return happeningNames[h]
	}
	return ""
}

// reason is why something happened.
type reason struct {
	what    Happening
	ours    string // what the coordinator says
	clients string // what the client says (J22)
	// generation is that of an OldGeneration.
	generation int32
}

// String is all of it in one sentence, as logs show it.
func (r reason) String() string {
	text := r.ours
	if r.generation > 0 {
		text += " with generation " + strconv.Itoa(int(r.generation))
	}
	if r.clients != "" {
		text += "; client reason: " + clipReason(r.clients)
	}
	return text
}

func clipReason(s string) string {
	if r := []rune(s); len(r) > reasonLengthMax {
		return string(r[:reasonLengthMax])
	}
	return s
}

// Bounds of an entry: of its lists, and of its texts in bytes.
const (
	happeningsMax  = 16
	diaryWaitsMax  = 4
	diaryMovesMax  = 4
	diaryIDMax     = 128
	diaryNameMax   = 64
	diaryDetailMax = 192
	diaryReasonMax = 512
	// diaryOldMax is how many members of old generations are told, and diaryExpiredMax of how many topics offsets that
	// expired.
	diaryOldMax     = 8
	diaryExpiredMax = 8
)

// clip cuts a text where a character ends.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return strings.Clone(s[:max])
}

// clipID keeps the end of an id, where the part is that no two share.
func clipID(s string) string {
	if len(s) <= diaryIDMax {
		return s
	}
	from := len(s) - diaryIDMax
	for from < len(s) && !utf8.RuneStart(s[from]) {
		from++
	}
	return strings.Clone(s[from:])
}

// record enters a note into the diary.
func (g *group) record(now Instant, kind NoteKind, memberID string, why reason) {
	switch kind {
	case RebalanceStarted, SessionExpired, MemberJoined, MemberRemoved, MemberReplaced, MemberFenced, MemberTurnedAway, WriteFailed, GenerationRefused:
	default:
		return
	}
	h := protocol.GroupDiaryValueHappening{TimestampMs: int64(now), Kind: int8(why.what), MemberID: clipID(memberID), Times: 1,
		Reason: clip(clipReason(why.clients), diaryReasonMax)}
	switch why.what {
	case Expired, Absent, Replaced, Fenced, NotStored, OldGeneration:
		h.Detail = clip(why.ours, diaryDetailMax)
	}
	h.Generation = why.generation
	if m := g.members.get(memberID); m != nil {
		h.InstanceID, h.ClientID, h.ClientHost = clip(m.instance, diaryIDMax), clip(m.clientID, diaryNameMax), clip(m.clientHost, diaryNameMax)
	}
	d := g.open()
	if d.draft == nil {
		d.draft = protocol.NewGroupDiaryValue()
	}
	if kind == RebalanceStarted {
		beginRebalance(d.draft, h, g.previous == Empty)
	} else {
		addHappening(d.draft, h)
	}
}

// addHappening adds a line. What may happen again and again is one line, the newest. When there is no room a new member
// is left out first: many come at once, and the others tell more.
func addHappening(e *protocol.GroupDiaryValue, h protocol.GroupDiaryValueHappening) {
	if what := Happening(h.Kind); what == Fenced || what == NotStored || what == TurnedAway {
		for i := range e.Happenings {
			if old := &e.Happenings[i]; old.Kind == h.Kind {
				h.Times = int32(min(int64(h.Times)+int64(old.Times), math.MaxInt32))
				*old = h
				return
			}
		}
	}
	if Happening(h.Kind) == OldGeneration && addOld(e, &h) {
		return
	}
	if len(e.Happenings) >= happeningsMax {
		e.HappeningsOmitted++
		if crowds(h.Kind) {
			return
		}
		dropHappening(e)
	}
	e.Happenings = append(e.Happenings, h)
}

// addOld adds a request of an old generation to the line of its member and generation. When there are enough of such
// lines another one is left out.
func addOld(e *protocol.GroupDiaryValue, h *protocol.GroupDiaryValueHappening) bool {
	lines := 0
	for i := range e.Happenings {
		old := &e.Happenings[i]
		if old.Kind != h.Kind {
			continue
		}
		lines++
		if old.MemberID != h.MemberID || old.Generation != h.Generation {
			continue
		}
		if !strings.Contains(old.Detail, h.Detail) {
			old.Detail = clip(old.Detail+", "+h.Detail, diaryDetailMax)
		}
		old.Times = int32(min(int64(old.Times)+int64(h.Times), math.MaxInt32))
		old.TimestampMs = h.TimestampMs
		return true
	}
	if lines < diaryOldMax {
		return false
	}
	e.HappeningsOmitted++
	return true
}

// crowds says whether a kind of line comes from many members at once and tells least.
func crowds(kind int8) bool { return Happening(kind) == Joined || Happening(kind) == OldGeneration }

// dropHappening takes out the newest of the new members and of those of old generations, or else the oldest line.
func dropHappening(e *protocol.GroupDiaryValue) {
	out := 0
	for i := range e.Happenings {
		if crowds(e.Happenings[i].Kind) {
			out = i
		}
	}
	e.Happenings = slices.Delete(e.Happenings, out, out+1)
}

// beginRebalance notes the cause. If the line before tells it, it becomes the cause. A rebalance that begins again
// before the assignment is the same one.
func beginRebalance(e *protocol.GroupDiaryValue, h protocol.GroupDiaryValueHappening, initial bool) {
	e.JoinPhases++
	e.FormedMs = -1
	n := len(e.Happenings)
	told := n > 0 && e.Happenings[n-1].Kind == h.Kind && e.Happenings[n-1].MemberID == h.MemberID
	if e.StartedMs >= 0 {
		if !told {
			addHappening(e, h)
		}
		return
	}
	if told {
		h, e.Happenings = e.Happenings[n-1], e.Happenings[:n-1]
	}
	e.StartedMs, e.Cause, e.Initial = h.TimestampMs, &h, initial
}

// addWait keeps the longest waits.
func addWait(e *protocol.GroupDiaryValue, w protocol.GroupDiaryValueWait) {
	if w.WaitMs <= 0 {
		return
	}
	i := 0
	for i < len(e.Waits) && e.Waits[i].WaitMs >= w.WaitMs {
		i++
	}
	if i < diaryWaitsMax {
		e.Waits = slices.Insert(e.Waits, i, w)
		e.Waits = e.Waits[:min(len(e.Waits), diaryWaitsMax)]
	}
}

// joinEntries adds to an entry what happened after it.
func joinEntries(e, later *protocol.GroupDiaryValue) {
	e.HappeningsOmitted += later.HappeningsOmitted
	e.JoinPhases += later.JoinPhases
	switch {
	case e.StartedMs < 0:
		e.StartedMs, e.Cause, e.Initial = later.StartedMs, later.Cause, later.Initial
	case later.Cause != nil:
		addHappening(e, *later.Cause)
	}
	for _, h := range later.Happenings {
		addHappening(e, h)
	}
	for _, w := range later.Waits {
		addWait(e, w)
	}
	for _, o := range later.ExpiredOffsets {
		addExpired(e, o)
	}
	e.ExpiredOffsetsOmitted += later.ExpiredOffsetsOmitted
	if later.StartedMs >= 0 {
		e.FormedMs, e.LastJoiner, e.LastJoinMs = later.FormedMs, later.LastJoiner, later.LastJoinMs
	}
}

// encodeDiary writes an entry within its bound. It leaves out what tells least until it fits; without any list it does.
func encodeDiary(e *protocol.GroupDiaryValue) []byte {
	small := *e
	small.Happenings, small.ExpiredOffsets = slices.Clone(e.Happenings), slices.Clone(e.ExpiredOffsets)
	for {
		b := protocol.AppendRecord(nil, &small, diaryValueVersion)
		switch {
		case len(b) <= DiaryEntryBytesMax:
			return slices.Clip(b)
		case len(small.Moves) > 0:
			small.Moves = small.Moves[:len(small.Moves)-1]
			small.MovesOmitted++
		case len(small.ExpiredOffsets) > 0:
			last := len(small.ExpiredOffsets) - 1
			small.ExpiredOffsetsOmitted += small.ExpiredOffsets[last].Partitions
			small.ExpiredOffsets = small.ExpiredOffsets[:last]
		case len(small.Happenings) > 0:
			dropHappening(&small)
			small.HappeningsOmitted++
		case len(small.Waits) > 0:
			small.Waits = small.Waits[:len(small.Waits)-1]
		default:
			panic("group: a diary entry of " + small.Leader + " does not fit")
		}
	}
}
