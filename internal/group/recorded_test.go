package group

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

// TestRecordedEventsReplay: the events of a run, written as JSON and read again, make the same effects and leave the same
// groups and diaries, byte for byte. That is what a flight recorder is worth.
func TestRecordedEventsReplay(t *testing.T) {
	for seed := range uint64(5) {
		w := runSim(t, seed, bug{})
		var lines []string
		for _, r := range w.server.recorded {
			line, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
		first, second := replayLines(t, w.server, lines), replayLines(t, w.server, lines)
		if first != second {
			t.Fatal("two replays differ")
		}
		if want := dumpAll(w.server.shard) + diaries(w.server.shard); !strings.HasSuffix(first, want) {
			t.Fatalf("seed %d: after the replay\n%s\nin the run\n%s", seed, first[max(0, len(first)-2000):], want)
		}
	}
}

func replayLines(t *testing.T, s *simServer, lines []string) string {
	shard := New(s.cfg)
	for i := range s.begun {
		r := s.begun[i]
		shard.Replay(&r)
	}
	var fx Effects
	var out strings.Builder
	for _, line := range lines {
		var r Recorded
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		shard.Step(r.At, r.Event, &fx)
		for _, reply := range fx.Replies {
			fmt.Fprintln(&out, reply.Token, describeBody(reply.Body))
		}
		for _, c := range fx.Timers {
			fmt.Fprintln(&out, describeKey(c.Key), c.At, c.Cancel)
		}
		fx.Reset()
	}
	out.WriteString(dumpAll(shard))
	out.WriteString(diaries(shard))
	return out.String()
}

func dumpAll(s *Shard) string {
	var b strings.Builder
	for _, id := range s.groupIDs() {
		b.WriteString(s.groups[id].dump())
	}
	return b.String()
}

// TestEveryEventIsRecordable: each kind of event keeps its name and its content through JSON.
func TestEveryEventIsRecordable(t *testing.T) {
	for _, k := range eventKinds {
		e := k.make()
		if got := KindOf(e); got != k.name {
			t.Errorf("%T is called %q and %q", e, k.name, got)
		}
		b, err := json.Marshal(Recorded{At: 5, Event: e})
		if err != nil {
			t.Fatal(err)
		}
		var r Recorded
		if err := json.Unmarshal(b, &r); err != nil || r.At != 5 || !reflect.DeepEqual(r.Event, e) {
			t.Errorf("%s: %v: %#v", b, err, r)
		}
	}
	if err := json.Unmarshal([]byte(`{"at":1,"kind":"nonsense"}`), new(Recorded)); err == nil {
		t.Error("an unknown kind was read")
	}
}

// TestEventsNameTheirGroup: a recorder puts the state of a group before the first event that is about it, so it must find
// each event's group.
func TestEventsNameTheirGroup(t *testing.T) {
	for _, k := range eventKinds {
		e := k.make()
		field := reflect.ValueOf(e).Elem().FieldByName("GroupID")
		if field.IsValid() {
			if field.SetString("g"); GroupOf(e) != "g" {
				t.Errorf("%s is about group %q, want g", k.name, GroupOf(e))
			}
		}
	}
	if got := GroupOf(&Timer{Key: TimerKey{Group: "g"}}); got != "g" {
		t.Errorf("a timer is about group %q, want g", got)
	}
}

// TestReplayFromTheMiddle: a recording that begins anywhere in a life of the coordinator, with a snapshot of the group
// before its first event, comes to the same group, offsets and waits before each event, to the last field.
func TestReplayFromTheMiddle(t *testing.T) {
	for seed := range uint64(4) {
		m := &middle{t: t, after: int(seed * 41)}
		w := runWatched(t, seed, bug{}, m.see)
		m.replay()
		if m.replayed < 100 {
			t.Fatalf("seed %d: only %d events were replayed", seed, m.replayed)
		}
		report(t, w)
	}
}

// middle records each life of the coordinator from an event on, and replays it when it ends.
type middle struct {
	t     *testing.T
	after int // events of each life that are not recorded

	cfg      Config
	events   int
	lines    [][]byte
	want     []string // the group before a line
	replayed int
}

// see is called before the shard steps an event.
func (m *middle) see(s *simServer, r Recorded) {
	if _, begins := r.Event.(*Loaded); begins {
		m.replay()
		m.cfg, m.events, m.lines, m.want = s.cfg, 0, nil, nil
	}
	if m.events++; m.events <= m.after {
		return
	}
	r.Seq = s.shard.seq
	if len(m.lines) == 0 {
		m.add(s.shard, Recorded{At: r.At, Seq: r.Seq, Event: s.shard.Snapshot(simGroup, 1<<30)})
	}
	m.add(s.shard, r)
}

func (m *middle) add(s *Shard, r Recorded) {
	want := "" // not compared
	if len(m.lines)%8 == 7 {
		want = string(asJSON(m.t, s.Snapshot(simGroup, 1<<30)))
	}
	m.lines, m.want = append(m.lines, asJSON(m.t, r)), append(m.want, want)
}

func (m *middle) replay() {
	p := NewReplayer(m.cfg)
	var fx Effects
	for i, line := range m.lines {
		if want := m.want[i]; want != "" {
			if got := string(asJSON(m.t, p.Shard.Snapshot(simGroup, 1<<30))); got != want {
				m.t.Fatalf("before %s the group is\n%s\nwant\n%s", line, got, want)
			}
		}
		var r Recorded
		if err := json.Unmarshal(line, &r); err != nil {
			m.t.Fatal(err)
		}
		if p.Step(r, &fx) {
			m.t.Fatalf("%s was left out", line)
		}
		fx.Reset()
		m.replayed++
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSnapshotKeepsEveryField: a group of which every field says something is the same after a snapshot in JSON. A field
// that is added to a group, and not to its snapshot, fails here.
func TestSnapshotKeepsEveryField(t *testing.T) {
	s := New(DefaultConfig())
	g := newGroup("g", 1)
	s.groups["g"] = g
	var n int64 = 100
	fill(reflect.ValueOf(&g.phase).Elem(), &n)
	m := new(member)
	fill(reflect.ValueOf(m).Elem(), &n)
	m.id, m.instance, m.protocols = "m", "i", []Protocol{{"range", []byte("x")}}
	join, expect := m.join, m.pendingSync
	m.join, m.pendingSync = 0, false
	g.add(m)
	g.park(m, join)
	g.expectSync(m, expect)
	g.pending.add(&member{id: "p"})
	g.stored = &GroupValue{Leader: "m", Members: []MemberValue{{MemberID: "m"}}}
	g.state, g.previous, g.stateTime, g.generation, g.protocolType, g.protocol = Stable, CompletingRebalance, 7, 8, "consumer", "range"
	g.topics, g.topicsKnown = map[string]struct{}{"t": {}}, true
	g.diary = &diary{kept: [][]byte{{0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}, last: 3, draft: &protocol.GroupDiaryValue{Number: 4,
		Happenings: []protocol.GroupDiaryValueHappening{{MemberID: "m", Kind: 2}}}, lastSyncer: "m", lastSync: 6}
	s.restoreRoom(g)
	s.ready = []*group{g}
	was := new(member)
	fill(reflect.ValueOf(was).Elem(), &n)
	s.waits = []wait{{seq: 9, kind: waitReplaced, group: g, generation: 3, member: "m", value: g.stored, was: was, leader: "l", skips: true}}
	s.fx = new(Effects)
	for i := range int32(3) {
		s.append(Record{Kind: OffsetStored, Group: "g", Topic: "t", Partition: i, Offset: OffsetValue{Offset: 5, Metadata: "m", ExpireTime: 9}})
	}
	s.append(Record{Kind: OffsetRemoved, Group: "g", Topic: "t", Retention: 7, Asked: true})
	s.append(Record{Kind: DiaryStored, Group: "g", Diary: &DiaryValue{Slot: 2, Bytes: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 3}}})
	s.appended(&Appended{UpTo: 2})
	s.offsets.commit(1)

	line := asJSON(t, Recorded{At: 1, Seq: s.seq, Event: s.Snapshot("g", 1<<20)})
	var r Recorded
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatal(err)
	}
	p := NewReplayer(s.cfg)
	p.Step(r, new(Effects))
	p.Step(r, new(Effects)) // again: it replaces
	got := p.Shard
	for what, pair := range map[string][2]any{
		"group": {got.groups, s.groups}, "offsets": {got.offsets.byGroup, s.offsets.byGroup}, "emitted": {got.emitted, s.emitted},
		"queue": {got.offsets.queue[got.offsets.head:], s.offsets.queue[s.offsets.head:]}, "waits": {got.waits, s.waits},
		"dirty": {got.dirty, s.dirty}, "ready": {got.ready, s.ready}, "seq": {got.seq, s.seq}, "diaries": {got.diaries, s.diaries},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s differs:\n%s", what, line)
		}
	}
}

// fill gives every field of a struct a value of its own.
func fill(v reflect.Value, n *int64) {
	for i := range v.NumField() {
		f := v.Field(i)
		f = reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem()
		*n++
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString(fmt.Sprint("s", *n))
		case reflect.Int, reflect.Int32, reflect.Int64:
			f.SetInt(*n)
		case reflect.Uint8, reflect.Uint64:
			f.SetUint(uint64(*n))
		case reflect.Struct:
			fill(f, n)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		}
	}
}
