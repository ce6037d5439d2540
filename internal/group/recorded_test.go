package group

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
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
