package coordinator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// TestFlightRecorder: what a loop did is written as lines, and a fresh shard that is given the lines comes to the same
// groups.
func TestFlightRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		id := n.member("g")
		wantCode(t, "commit", n.commit("g", id, 1, 7).get(t).Err, protocol.None)
		n.join("g", "").get(t)
		time.Sleep(11 * time.Second)
		synctest.Wait()

		var dump bytes.Buffer
		if err := n.Dump(0, &dump); err != nil {
			t.Fatal(err)
		}
		if _, complete := n.loop(0).recorder.events(); !complete {
			t.Fatal("the ring was full")
		}
		shard := group.New(n.cfg.Group)
		var fx group.Effects
		var state string
		lines := bufio.NewScanner(&dump)
		var last group.Instant
		for lines.Scan() {
			var r group.Recorded
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatalf("%s: %v", lines.Bytes(), err)
			}
			shard.Step(r.At, r.Event, &fx)
			last = r.At
		}
		fx.Reset()
		shard.Step(last, &group.Describe{Token: 1, GroupID: "g"}, &fx)
		state = fx.Replies[0].Body.(*group.DescribeReply).State
		if d := n.describe("g"); d.State != state || state != "Empty" {
			t.Fatalf("live %s, replayed %s", d.State, state)
		}
		if err := n.Dump(5, &dump); err == nil {
			t.Fatal("dumped a partition that is not here")
		}
	})
}

// TestRecorderIsBounded: it keeps the newest events, by number and by weight.
func TestRecorderIsBounded(t *testing.T) {
	r := newRecorder(3, 1<<20)
	for i := range 1000 {
		r.add(group.Instant(i), &group.Loaded{})
	}
	events, complete := r.events()
	if complete || len(events) != 3 || events[0].At != 997 || events[2].At != 999 {
		t.Fatalf("%v %v", events, complete)
	}
	r = newRecorder(1000, 4096)
	for i := range 100 {
		r.add(group.Instant(i), &group.Sync{SyncRequest: group.SyncRequest{Assignments: []group.Assignment{{Data: make([]byte, 1000)}}}})
	}
	if events, _ := r.events(); len(events) != 2 || events[1].At != 99 {
		t.Fatalf("%d events of more than 1000 bytes in 4096", len(events))
	}
}

// TestPanicIsRecorded: the events before a state that must not be are handed out before the process ends.
func TestPanicIsRecorded(t *testing.T) {
	cfg := testConfig()
	var recording []byte
	cfg.Crashed = func(partition int32, lines []byte) { recording = lines }
	c := New(cfg)
	l := newLoop(&c.cfg, 3, 1, new(memLog))
	l.recorder.add(7, &group.Drained{GroupID: "g"})
	func() {
		defer func() {
			if recover() != "impossible" {
				t.Error("the panic was swallowed")
			}
		}()
		defer l.savePanic()
		panic("impossible")
	}()
	if want := `{"at":7,"kind":"drained","event":{"GroupID":"g"}}` + "\n"; string(recording) != want {
		t.Errorf("recorded %q, want %q", recording, want)
	}
}
