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
	r := newRecorder(4, 1<<20)
	for i := range 1000 {
		r.add(group.Instant(i), &group.Loaded{})
		events, complete := r.events()
		if complete != (i < 4) || len(events) > 4 || len(events) < min(i+1, 3) || events[len(events)-1].At != group.Instant(i) {
			t.Fatalf("after %d: %v %v", i, events, complete)
		}
	}
	r = newRecorder(1000, 6000)
	heavy := func(size int) group.Event {
		return &group.Sync{SyncRequest: group.SyncRequest{GroupID: "g", Assignments: []group.Assignment{{Data: make([]byte, size)}}}}
	}
	for i := range 100 {
		r.add(group.Instant(i), heavy(1000))
	}
	if events, _ := r.events(); len(events) > 4 || len(events) < 3 || events[len(events)-1].At != 99 {
		t.Fatalf("%d events of more than 1000 bytes in 6000", len(events))
	}
	r.add(100, heavy(1<<20))
	if events, _ := r.events(); len(events) != 1 {
		t.Fatalf("%d events beside one that is larger than all that may be kept", len(events))
	}
}

// TestRecordingOfALoadedLog: a recording whose ring wrapped, of a loop that was loaded from its log, ends in the same
// state of every group that has an event in it: some with members and parked requests, some with offsets, one whose
// commits are under way. What is kept stays within its bounds.
func TestRecordingOfALoadedLog(t *testing.T) {
	for _, events := range []int{8, 40, 120, 1 << 20} {
		synctest.Test(t, func(t *testing.T) {
			cfg := testConfig()
			cfg.RecorderEvents, cfg.RecorderBytesMax = events, 512<<10
			n := startNode(t, cfg, 1)
			ids := map[string]string{}
			for i := range 12 {
				name := memberName(i)
				ids[name] = n.member(name)
				wantCode(t, "commit", n.commit(name, ids[name], 1, int64(i)).get(t).Err, protocol.None)
			}
			n.Resigned(0, 1)
			synctest.Wait()
			n.Elected(0, 2, n.logs[0])
			synctest.Wait()
			for round := range 30 {
				for i := range 12 {
					name := memberName(i)
					switch {
					case i%4 == 0 && round == 20:
						n.join(name, "") // a rebalance begins, and the newcomer gets an id
					case i%4 == 1:
						n.commit(name, ids[name], 1, int64(100*round+i)).get(t)
					case i%4 == 2 && round > 3:
						n.fetch(name)
					default:
						n.beat(name, ids[name], 1, true)
					}
				}
				n.commit("gone"+memberName(round), "", -1, 1).get(t)
				time.Sleep(time.Second)
			}
			parked := n.join("m4", n.join("m4", "").get(t).MemberID)
			n.logs[0].manual = true
			n.commit("m5", ids["m5"], 1, 77_777)
			if parked.get(t) != nil {
				t.Fatal("no join is parked")
			}

			l := n.loop(0)
			kept, complete := l.recorder.events()
			if complete != (events == 1<<20) || l.recorder.older.bytes+l.recorder.now.bytes > cfg.RecorderBytesMax {
				t.Fatalf("%d lines, complete %v", len(kept), complete)
			}
			same := replayed(t, n, 0)
			if want := min(events/8, 12); same < want {
				t.Errorf("%d groups were compared, want at least %d", same, want)
			}
		})
	}
}

// replayed replays a dump and compares every group that it has events of with the live one. It returns how many.
func replayed(t *testing.T, n *node, partition int32) int {
	t.Helper()
	var dump bytes.Buffer
	if err := n.Dump(partition, &dump); err != nil {
		t.Fatal(err)
	}
	p := group.NewReplayer(n.cfg.Group)
	var fx group.Effects
	groups := map[string]bool{}
	lines := bufio.NewScanner(&dump)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r group.Recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		skipped, id := p.Step(r, &fx), group.GroupOf(r.Event)
		if e, ok := r.Event.(*group.Restored); ok && e.Omitted {
			delete(groups, id)
		} else if !skipped && id != "" {
			groups[id] = true
		}
		fx.Reset()
	}
	for id := range groups {
		got, err := json.Marshal(p.Shard.Snapshot(id, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(n.loop(partition).shard.Snapshot(id, 1<<20)) // the loop is at rest: the bubble waits
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("group %s was\n%s\nreplayed\n%s", id, want, got)
		}
	}
	return len(groups)
}

// TestLargeGroupsAreLeftOut: a group that would take more than its share of the recording is not in it, and neither are
// events that nobody could replay without it.
func TestLargeGroupsAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.RecorderEvents, cfg.RecorderBytesMax = 20, 16<<10
		n := startNode(t, cfg, 1)
		small, large := n.member("small"), n.member("large")
		request := group.CommitRequest{GroupID: "large", MemberID: large, Generation: 1, Retention: -1, ReportsUnknownGroup: true, Topics: []group.CommitTopic{{Name: "t"}}}
		for p := range int32(100) {
			request.Topics[0].Partitions = append(request.Topics[0].Partitions, group.CommitPartition{Partition: p, Offset: 1, CommitTime: group.NoInstant})
		}
		done := new(slot[group.CommitReply])
		n.CommitOffsets(request, done.set)
		wantCode(t, "commit", done.get(t).Err, protocol.None)
		for range 30 {
			n.beat("small", small, 1, true)
			n.beat("large", large, 1, true)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		events, _ := n.loop(0).recorder.events()
		omitted := false
		for _, r := range events {
			if e, ok := r.Event.(*group.Restored); ok {
				omitted = omitted || e.Omitted
				if e.Omitted != (e.GroupID == "large") {
					t.Errorf("group %s, left out: %v", e.GroupID, e.Omitted)
				}
			}
		}
		if !omitted || replayed(t, n, 0) != 1 {
			t.Error("want the small group alone")
		}
	})
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
