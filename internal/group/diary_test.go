package group

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// cycle runs generations of a group with one member.
func (s *script) cycle(a args) {
	id, group := a.str("member", ""), a.str("group", "g")
	for n := a.int("from", 1); n <= a.int("to", 1); n++ {
		s.out.Reset()
		list := a.list
		a.list = nil
		e := s.joinEvent(a).(*Join)
		a.list = list
		e.GroupID, e.MemberID, e.ClientID = group, id, a.str("client", "c")
		s.step(e)
		s.settle()
		s.step(&Sync{SyncRequest: SyncRequest{GroupID: group, MemberID: id, Generation: int32(n), Assignments: []Assignment{{id, consumerAssignment("t+0")}}}})
		s.settle()
	}
}

func (s *script) slots(id string) {
	g := s.shard.groups[id]
	if g == nil || g.diary == nil {
		s.say("no diary of %s", id)
		return
	}
	bySlot := slices.SortedFunc(slices.Values(g.diary.kept), func(a, b []byte) int { return int(diarySlot(diaryNumber(a)) - diarySlot(diaryNumber(b))) })
	var numbers []string
	for _, b := range bySlot {
		numbers = append(numbers, fmt.Sprintf("%d:%d", diarySlot(diaryNumber(b)), diaryNumber(b)))
	}
	s.say("slot:number %s", strings.Join(numbers, " "))
}

func (s *script) compact() {
	last := map[string]int{}
	key := func(r *Record) string {
		switch {
		case r.Diary != nil:
			return fmt.Sprintf("diary %s %d", r.Group, r.Diary.Slot)
		case r.Kind == GroupStored || r.Kind == GroupRemoved:
			return "group " + r.Group
		}
		return fmt.Sprintf("offset %s %s %d", r.Group, r.Topic, r.Partition)
	}
	for i := range s.log {
		last[key(&s.log[i])] = i
	}
	var kept []Record
	for i := range s.log {
		if last[key(&s.log[i])] == i {
			kept = append(kept, s.log[i])
		}
	}
	s.say("%d of %d records are left", len(kept), len(s.log))
	s.log = kept
}

// TestDiaryEntryFits: however long the texts and however much happened, an entry stays within its bound, and a reader
// gets what was kept.
func TestDiaryEntryFits(t *testing.T) {
	r := newRig(t, DefaultConfig())
	r.cfg.InitialDelay, r.cfg.JoinSettle, r.cfg.HoldHeartbeats, r.cfg.CleanupInterval = 0, 0, false, 0
	r.load()
	var replies []Reply
	r.onReply = func(reply Reply) { replies = append(replies, reply) }
	long := strings.Repeat("ö", 4000)
	ids := make([]string, 40)
	for i := range ids {
		r.step(&Join{Token: Token(i + 1), FreshID: fmt.Sprint(i), JoinRequest: JoinRequest{GroupID: "g", InstanceID: fmt.Sprint(long, i), ClientID: long, ClientHost: long,
			SessionTimeout: 10 * time.Second, RebalanceTimeout: time.Minute, ProtocolType: "consumer", Protocols: []Protocol{{long, nil}}, Reason: long}})
		ids[i] = fmt.Sprint(long, i, "-", i)
	}
	r.settle()
	if len(replies) != len(ids) {
		t.Fatalf("%d replies", len(replies))
	}
	sync := &Sync{SyncRequest: SyncRequest{GroupID: "g", MemberID: ids[0], InstanceID: fmt.Sprint(long, 0), Generation: 1}}
	for i, id := range ids {
		sync.Assignments = append(sync.Assignments, Assignment{id, consumerAssignment(fmt.Sprintf("t+%d", i))})
	}
	r.step(sync)
	r.settle()
	last := r.log[len(r.log)-1]
	if last.Kind != DiaryStored || len(last.Diary.Bytes) > DiaryEntryBytesMax || last.Diary.Check() != nil {
		t.Fatalf("%+v of %d bytes, %v", last, len(last.Diary.Bytes), last.Diary.Check())
	}
	e, err := ReadDiaryEntry(last.Diary.Bytes)
	if err != nil || e.Members != 40 || e.PartitionsNew != 40 || e.Cause == nil || e.Cause.Reason == "" || e.HappeningsOmitted == 0 ||
		int(e.HappeningsOmitted)+len(e.Happenings) != 39 || int(e.MovesOmitted)+len(e.Moves) != 40 {
		t.Fatalf("%v: %+v", err, e)
	}
	if !strings.HasSuffix(ids[0], e.Leader) || !strings.HasSuffix(e.Leader, "-0") {
		t.Fatalf("the leader is %q", e.Leader)
	}
}

// TestDiaryOfACrowd: of many new members some are told; who leaves among them is told too.
func TestDiaryOfACrowd(t *testing.T) {
	e := protocol.NewGroupDiaryValue()
	for i := range 500 {
		addHappening(e, protocol.GroupDiaryValueHappening{Kind: int8(Joined), MemberID: fmt.Sprint(i), Times: 1})
	}
	addHappening(e, protocol.GroupDiaryValueHappening{Kind: int8(Left), MemberID: "gone", Times: 1})
	if n := len(e.Happenings); n != happeningsMax || e.Happenings[n-1].MemberID != "gone" || e.Happenings[0].MemberID != "0" || int(e.HappeningsOmitted) != 501-happeningsMax {
		t.Fatalf("%d omitted, %+v", e.HappeningsOmitted, e.Happenings)
	}
	for range 1000 {
		addHappening(e, protocol.GroupDiaryValueHappening{Kind: int8(Fenced), MemberID: "old", Times: 1})
	}
	if last := e.Happenings[len(e.Happenings)-1]; last.Times != 1000 || len(e.Happenings) != happeningsMax {
		t.Fatalf("%+v", e.Happenings)
	}
}

// TestCountMoves: who had what, and who has it now.
func TestCountMoves(t *testing.T) {
	value := func(members ...string) *GroupValue {
		v := &GroupValue{ProtocolType: "consumer"}
		for _, m := range members {
			id, data, _ := strings.Cut(m, "=")
			id, instance, _ := strings.Cut(id, "/")
			v.Members = append(v.Members, MemberValue{MemberID: id, InstanceID: instance, Assignment: consumerAssignment(data)})
		}
		return v
	}
	torn := value("a=t+0")
	torn.Members[0].Assignment = torn.Members[0].Assignment[:14]
	liar := value("a=t+0")
	liar.Members[0].Assignment[12] = 0xff // a negative number of partitions
	other := value("a=t+0")
	other.ProtocolType = "connect"
	for _, c := range []struct {
		name          string
		before, after *GroupValue
		want          string
	}{
		{"first", nil, value("a=t+0+1"), "2 assigned 0 moved 2 new 0 freed [a+2-0]"},
		{"nothing", value("a=t+0+1"), value("a=t+1+0"), "2 assigned 0 moved 0 new 0 freed []"},
		{"one goes over", value("a=t+0+1", "b=t+2"), value("a=t+0", "b=t+1+2"), "3 assigned 1 moved 0 new 0 freed [a+0-1 b+1-0]"},
		{"a member left", value("a=t+0", "b=t+1+2"), value("a=t+0+1+2"), "3 assigned 2 moved 0 new 0 freed [a+2-0 b+0-2]"},
		{"given up first", value("a=t+0+1"), value("a=t+0", "b=t"), "1 assigned 0 moved 0 new 1 freed [a+0-1]"},
		{"a static member came back", value("x-1/i=t+0"), value("x-2/i=t+0"), "1 assigned 0 moved 0 new 0 freed []"},
		{"another topic", value("a=t+0"), value("a=u+0"), "1 assigned 0 moved 1 new 1 freed [a+1-1]"},
		{"two owners", nil, value("a=t+0", "b=t+0"), "2 assigned 0 moved 2 new 0 freed [a+1-0 b+1-0]"},
		{"empty", value("a=t+0"), value(), "0 assigned 0 moved 0 new 1 freed [a+0-1]"},
		{"torn", nil, torn, "-1 assigned -1 moved -1 new -1 freed []"},
		{"lies", value("a=t+0"), liar, "-1 assigned -1 moved -1 new -1 freed []"},
		{"another protocol", nil, other, "-1 assigned -1 moved -1 new -1 freed []"},
	} {
		e := protocol.NewGroupDiaryValue()
		countMoves(e, c.before, c.after)
		var moves []string
		for _, m := range e.Moves {
			moves = append(moves, fmt.Sprintf("%s+%d-%d", m.MemberID, m.Gained, m.Lost))
		}
		got := fmt.Sprintf("%d assigned %d moved %d new %d freed %v", e.PartitionsAssigned, e.PartitionsMoved, e.PartitionsNew, e.PartitionsFreed, moves)
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestCountMovesIsBounded: a leader that gives away more partitions than there are costs a bounded time.
func TestCountMovesIsBounded(t *testing.T) {
	b := []byte{0, 1, 0, 0, 0, 1, 0, 1, 't', 0, 0x10, 0, 0}
	v := &GroupValue{ProtocolType: "consumer", Members: []MemberValue{{MemberID: "a", Assignment: append(b, make([]byte, 4<<20)...)}}}
	e := protocol.NewGroupDiaryValue()
	countMoves(e, nil, v)
	if e.PartitionsAssigned != -1 || e.Moves != nil {
		t.Fatalf("%+v", e)
	}
}

// FuzzDiaryValue: no value, however hostile, makes a shard that loads it panic, or tells what cannot be written again.
func FuzzDiaryValue(f *testing.F) {
	e := protocol.NewGroupDiaryValue()
	e.Number = 3
	e.Cause = &protocol.GroupDiaryValueHappening{Kind: int8(Left), MemberID: "m", Reason: "r", Times: 1}
	e.Waits = []protocol.GroupDiaryValueWait{{MemberID: "m", WaitMs: 5}}
	e.Moves = []protocol.GroupDiaryValueMove{{MemberID: "m", Gained: 1}}
	f.Add(int8(2), encodeDiary(e))
	f.Add(int8(0), []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add(int8(-1), []byte{})
	f.Fuzz(func(t *testing.T, slot int8, b []byte) {
		v := &DiaryValue{Slot: slot, Bytes: b}
		if v.Check() != nil {
			return
		}
		if slot < 0 || slot >= DiarySlots {
			t.Fatalf("slot %d was taken", slot)
		}
		r := newRig(t, DefaultConfig())
		r.log = []Record{{Kind: GroupStored, Group: "g", Value: &GroupValue{ProtocolType: "consumer"}}, {Kind: DiaryStored, Group: "g", Diary: v}}
		r.load()
		var told *WhyReply
		r.onReply = func(reply Reply) { told, _ = reply.Body.(*WhyReply) }
		r.step(&Why{Token: 1, GroupID: "g"})
		if told == nil || len(told.Entries) != 1 || string(told.Entries[0]) != string(b) {
			t.Fatalf("told %+v", told)
		}
		if read, err := ReadDiaryEntry(b); err == nil && len(b) <= DiaryEntryBytesMax {
			again, err := ReadDiaryEntry(encodeDiary(read))
			if err != nil || len(read.Happenings) == len(again.Happenings) && !reflect.DeepEqual(read, again) {
				t.Fatalf("%v: %+v became %+v", err, read, again)
			}
		}
		// The diary goes on behind it, and goes with the group.
		r.step(&Delete{GroupID: "g"})
		r.settle()
		if got := r.log[len(r.log)-2]; got.Kind != DiaryRemoved || got.Diary.Slot != slot {
			t.Fatalf("removed %+v", got)
		}
	})
}

// TestDiaryCostsNothing: heartbeats and commits do not touch it, and a group without one has none.
func TestDiaryCostsNothing(t *testing.T) {
	r := newRig(t, DefaultConfig())
	r.step(&Commit{Token: 1, CommitRequest: CommitRequest{GroupID: "simple", Generation: -1, Retention: -1, Topics: []CommitTopic{{Name: "t", Partitions: []CommitPartition{{CommitTime: NoInstant}}}}}})
	r.settle()
	if g := r.shard.groups["simple"]; g == nil || g.diary != nil {
		t.Fatalf("a group of offsets has a diary: %+v", g)
	}
	r.cfg.InitialDelay = 0
	r.load()
	var joined *JoinReply
	r.onReply = func(reply Reply) {
		if j, ok := reply.Body.(*JoinReply); ok {
			joined = j
		}
	}
	r.step(&Join{Token: 2, FreshID: "1", JoinRequest: JoinRequest{GroupID: "g", ClientID: "a", SessionTimeout: 10 * time.Second, RebalanceTimeout: time.Minute,
		ProtocolType: "consumer", Protocols: []Protocol{{"range", nil}}}})
	r.settle()
	r.step(&Sync{Token: 3, SyncRequest: SyncRequest{GroupID: "g", MemberID: joined.MemberID, Generation: 1}})
	r.settle()
	d := *r.shard.groups["g"].diary
	if d.draft != nil || d.last != 1 {
		t.Fatalf("%+v", d)
	}
	r.step(&Heartbeat{Token: 4, HeartbeatRequest: HeartbeatRequest{GroupID: "g", MemberID: joined.MemberID, Generation: 1}})
	r.step(&Commit{Token: 5, CommitRequest: CommitRequest{GroupID: "g", MemberID: joined.MemberID, Generation: 1, Retention: -1,
		Topics: []CommitTopic{{Name: "t", Partitions: []CommitPartition{{CommitTime: NoInstant}}}}}})
	r.settle()
	if after := *r.shard.groups["g"].diary; !reflect.DeepEqual(after, d) {
		t.Fatalf("%+v became %+v", d, after)
	}
}

// TestOrphanedDiary: a group that Apache Kafka deleted has left its diary behind. It is Empty and is removed with its
// entries at once, so that a new group of that name does not find them.
func TestOrphanedDiary(t *testing.T) {
	e := protocol.NewGroupDiaryValue()
	e.Number = 1
	r := newRig(t, DefaultConfig())
	r.log = []Record{{Kind: DiaryStored, Group: "g", Diary: &DiaryValue{Bytes: encodeDiary(e)}}}
	r.load()
	if g := r.shard.groups["g"]; g == nil || g.state != Empty || len(g.diary.entries()) != 1 {
		t.Fatalf("loaded %+v", g)
	}
	r.advance(0, nil)
	last := len(r.log) - 1
	if len(r.shard.groups) != 0 || last != 2 || r.log[1].Kind != DiaryRemoved || r.log[2].Kind != GroupRemoved {
		t.Fatalf("%d groups, log %+v", len(r.shard.groups), r.log)
	}
	// So it is as long as Kafka's tombstone is in the log, which stands behind the entries.
	r.log = []Record{{Kind: GroupStored, Group: "g", Value: &GroupValue{Generation: 3}}, r.log[0], {Kind: GroupRemoved, Group: "g"}}
	r.load()
	if g := r.shard.groups["g"]; g == nil || g.state != Empty || g.stored != nil || g.generation != 0 {
		t.Fatalf("loaded %+v", g)
	}
	r.advance(0, nil)
	if len(r.shard.groups) != 0 || len(r.log) != 5 || r.log[3].Kind != DiaryRemoved || r.log[4].Kind != GroupRemoved {
		t.Fatalf("%d groups, log %+v", len(r.shard.groups), r.log)
	}
	// With its own tombstones there is nothing to do.
	r.load()
	if len(r.shard.groups) != 0 || r.shard.diaries != (diaryList{}) {
		t.Fatalf("%d groups, %+v", len(r.shard.groups), r.shard.diaries)
	}
}

// diaries are the diaries of a shard, byte for byte.
func diaries(s *Shard) string {
	var b strings.Builder
	for _, id := range s.groupIDs() {
		var r *WhyReply
		var fx Effects
		s.Step(s.now, &Why{Token: 1, GroupID: id}, &fx)
		r = fx.Replies[0].Body.(*WhyReply)
		text, _ := json.Marshal(r) // of plain values
		fmt.Fprintf(&b, "%s %s\n", id, text)
	}
	return b.String()
}
