package coordinator

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// TestGuardAtTheDoor is F5 and F6: what is refused before a group is looked at.
func TestGuardAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(testConfig())
		n := &node{Coordinator: c, t: t}
		wantCode(t, "not running", n.join("g", "").get(t).Err, protocol.CoordinatorNotAvailable)
		beat, _ := n.heartbeat("g", "m", 1)
		wantCode(t, "not running", beat.get(t).Err, protocol.CoordinatorNotAvailable)
		c.Start(4)
		wantCode(t, "not led", n.join("g", "").get(t).Err, protocol.NotCoordinator)
		wantCode(t, "not led", n.commit("g", "", -1, 1).get(t).Err, protocol.NotCoordinator)
		wantCode(t, "empty id", n.join("", "m").get(t).Err, protocol.InvalidGroupID)
		if r := n.join("", "m").get(t); r.MemberID != "m" || r.Generation != -1 {
			t.Fatalf("the member id does not come back: %+v", r)
		}
		wantCode(t, "empty id", n.sync("", "m", 1).get(t).Err, protocol.InvalidGroupID)
		beat, _ = n.heartbeat("", "m", 1)
		wantCode(t, "empty id", beat.get(t).Err, protocol.InvalidGroupID)
		left := new(slot[group.LeaveReply])
		n.Leave(group.LeaveRequest{}, left.set)
		wantCode(t, "empty id", left.get(t).Err, protocol.InvalidGroupID)
		deleted := new(slot[group.DeleteOffsetsReply])
		n.DeleteOffsets(group.DeleteOffsetsRequest{}, deleted.set)
		wantCode(t, "empty id", deleted.get(t).Err, protocol.InvalidGroupID)
		short := new(slot[group.JoinReply])
		r := joinRequest("g", "m")
		r.SessionTimeout = time.Second
		n.Join(r, short.set)
		wantCode(t, "session timeout", short.get(t).Err, protocol.InvalidSessionTimeout)

		// The empty id is a group like any other for offsets (F6).
		log := new(memLog)
		c.Elected(c.PartitionFor(""), 1, log)
		synctest.Wait()
		wantCode(t, "commit", n.commit("", "", -1, 5).get(t).Err, protocol.None)
		if o := n.fetch(""); o != 5 {
			t.Fatalf("fetched %d", o)
		}
		c.Close()
		wantCode(t, "closed", n.commit("", "", -1, 5).get(t).Err, protocol.CoordinatorNotAvailable)
	})
}

// TestLoading is F5: while the log is read requests are refused, but a heartbeat is NONE. Then everything is there (R4).
func TestLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		id := n.member("g")
		wantCode(t, "commit", n.commit("g", id, 1, 7).get(t).Err, protocol.None)
		n.Resigned(0, 1)
		synctest.Wait()
		wantCode(t, "resigned", n.commit("g", id, 1, 8).get(t).Err, protocol.NotCoordinator)

		log := n.logs[0]
		log.gate = make(chan struct{})
		n.Elected(0, 2, log)
		synctest.Wait()
		wantCode(t, "loading", n.commit("g", id, 1, 8).get(t).Err, protocol.CoordinatorLoadInProgress)
		beat, nudge := n.heartbeat("g", id, 1)
		wantCode(t, "heartbeat while loading", beat.get(t).Err, protocol.None)
		nudge()
		listed := new(slot[protocol.Code])
		n.List(nil, nil, func(_ []group.ListedGroup, err *protocol.Error) { listed.set(code(err)) })
		if got := *listed.get(t); got != protocol.CoordinatorLoadInProgress {
			t.Fatalf("list while loading: %v", got)
		}
		if n.Ready(0) {
			t.Fatal("ready while loading")
		}
		close(log.gate)
		synctest.Wait()
		if o := n.fetch("g"); o != 7 {
			t.Fatalf("loaded offset %d", o)
		}
		if d := n.describe("g"); d.State != "Stable" || len(d.Members) != 1 || string(d.Members[0].Assignment) != "p0" {
			t.Fatalf("loaded %+v", d)
		}
		beat, _ = n.heartbeat("g", id, 1)
		wantCode(t, "heartbeat", beat.get(t).Err, protocol.None)
		time.Sleep(10*time.Second + 50*time.Millisecond) // R5: a session each
		if d := n.describe("g"); d.State != "Empty" {
			t.Fatalf("nobody was heard of for 10 s: %v", d.State)
		}
	})
}

// TestLoadWaitsForHighWatermark: what an earlier leader wrote and did not commit is known here before anybody is served.
func TestLoadWaitsForHighWatermark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		log := n.logs[0]
		wantCode(t, "commit", n.commit("g", "", -1, 7).get(t).Err, protocol.None)
		log.manual = true
		n.commit("g", "", -1, 8)
		synctest.Wait()
		n.Resigned(0, 1)
		synctest.Wait()
		n.Elected(0, 2, log)
		wantCode(t, "before", n.commit("g", "", -1, 9).get(t).Err, protocol.CoordinatorLoadInProgress)
		log.commitAll()
		synctest.Wait()
		if o := n.fetch("g"); o != 8 {
			t.Fatalf("fetched %d", o)
		}
	})
}

// TestResignedAnswersAll is R6: parked joins and syncs, held heartbeats and commits that wait get NOT_COORDINATOR.
func TestResignedAnswersAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		id := n.member("stable")
		for range 2 {
			n.beat("stable", id, 1, true)
			time.Sleep(2 * time.Second)
		}
		held, nudge := n.beat("stable", id, 1, true)
		if r := held.get(t); r != nil {
			t.Fatalf("not held: %v", r)
		}
		n.member("joining")
		other := n.join("joining", "").get(t).MemberID
		parked := n.join("joining", other)
		n.logs[0].manual = true
		commit := n.commit("simple", "", -1, 1)
		synctest.Wait()
		n.Resigned(0, 7)
		wantCode(t, "join", parked.get(t).Err, protocol.NotCoordinator)
		wantCode(t, "heartbeat", held.get(t).Err, protocol.NotCoordinator)
		wantCode(t, "commit", commit.get(t).Err, protocol.NotCoordinator)
		nudge()
		synctest.Wait()
	})
}

// TestDrain is R6 for a node that ends: who is parked is answered, nobody is parked after that, and commits go on.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		id := n.member("stable")
		for range 2 {
			n.beat("stable", id, 1, true)
			time.Sleep(2 * time.Second)
		}
		held, _ := n.beat("stable", id, 1, true)
		n.member("joining")
		other := n.join("joining", "").get(t).MemberID
		parked := n.join("joining", other)
		n.logs[0].manual = true
		commit := n.commit("simple", "", -1, 1)
		synctest.Wait()
		n.Drain()
		wantCode(t, "join", parked.get(t).Err, protocol.NotCoordinator)
		wantCode(t, "heartbeat", held.get(t).Err, protocol.NotCoordinator)
		if r := commit.get(t); r != nil {
			t.Fatalf("a commit that is not committed yet: %v", r)
		}
		n.logs[0].commitAll()
		wantCode(t, "commit", commit.get(t).Err, protocol.None)
		wantCode(t, "join again", n.join("joining", other).get(t).Err, protocol.NotCoordinator)
		wantCode(t, "sync", n.sync("stable", id, 1, id+"=p0").get(t).Err, protocol.NotCoordinator)
		again, _ := n.beat("stable", id, 1, true)
		wantCode(t, "heartbeat again", again.get(t).Err, protocol.NotCoordinator)
		n.Elected(1, 9, new(memLog))
		if n.loop(1) != nil {
			t.Fatal("a partition was taken while the node ends")
		}
	})
}

// TestEpochs: an election of an older epoch changes nothing, nor does a resignation of one.
func TestEpochs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		n.Elected(0, 0, new(memLog))
		n.Resigned(0, 0)
		wantCode(t, "commit", n.commit("g", "", -1, 7).get(t).Err, protocol.None)
		if len(n.logs[0].batches) != 1 {
			t.Fatal("the commit went elsewhere")
		}
		newer := new(memLog)
		n.Elected(0, 5, newer)
		synctest.Wait()
		wantCode(t, "commit", n.commit("g", "", -1, 7).get(t).Err, protocol.None)
		if len(newer.batches) != 1 {
			t.Fatal("the commit went to the old log")
		}
	})
}

// TestUnknownRecordsAreSkipped is R2: keys of groups that are not known here, of a newer version, or nonsense do not
// keep the rest from being loaded.
func TestUnknownRecordsAreSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(memLog)
		b := record.NewBuilder()
		b.Add(1, []byte{0, 3, 0, 1, 'g'}, []byte{0, 0})          // a KIP-848 group
		b.Add(1, []byte{0x7f, 0xff, 1, 2, 3}, []byte{0, 0, 1})   // not known
		b.Add(1, nil, []byte("x"))                               // no key
		b.Add(1, []byte{0, 1, 0, 9, 'g'}, nil)                   // cut off
		b.Add(1, []byte{0, 2, 0, 1, 'b'}, []byte{0x7f, 0xff, 1}) // a version that is not known
		var e encoder
		key, value := e.encode(&group.Record{Kind: group.OffsetStored, Group: "g", Topic: "t", Offset: group.OffsetValue{Offset: 7, ExpireTime: group.NoInstant}})
		b.Add(1, key, value)
		batch, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		log.Append(batch)
		n := &node{Coordinator: New(testConfig()), t: t}
		t.Cleanup(n.Close)
		n.Start(1)
		n.Elected(0, 1, log)
		synctest.Wait()
		if o := n.fetch("g"); o != 7 {
			t.Fatalf("fetched %d", o)
		}
	})
}

// TestListAndTopicsDeleted go to all partitions (A1, O18).
func TestListAndTopicsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 8)
		for i := range 20 {
			wantCode(t, "commit", n.commit(memberName(i), "", -1, 7).get(t).Err, protocol.None)
		}
		listed := new(slot[[]group.ListedGroup])
		n.List([]string{"empty"}, nil, func(groups []group.ListedGroup, err *protocol.Error) { listed.set(groups) })
		if got := *listed.get(t); len(got) != 20 || got[0].GroupID != "m0" || got[19].GroupID != "m9" {
			t.Fatalf("listed %v", got)
		}
		n.TopicsDeleted([]group.DeletedTopic{{Name: "t"}})
		synctest.Wait()
		for i := range 20 {
			if o := n.fetch(memberName(i)); o != -1 {
				t.Fatalf("group %d still has %d", i, o)
			}
		}
		deleted := new(slot[group.DeleteReply])
		n.Delete("m3", deleted.set)
		wantCode(t, "delete", deleted.get(t).Err, protocol.None)
		n.Delete("m3", new(slot[group.DeleteReply]).set)
		if d := n.describe("m3"); code(d.Err) != protocol.GroupIDNotFound {
			t.Fatalf("deleted: %v", d)
		}
	})
}

// TestNextLoopWaitsForTheLast: a loop that was told to end, and is in the middle of something, ends before the next one
// of its partition reads the log: what it still appends is loaded.
func TestNextLoopWaitsForTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		goOn := n.standStill()
		reply := n.commit("g", "", -1, 7)
		n.Resigned(0, 1)
		n.Elected(0, 2, n.logs[0])
		wantCode(t, "meanwhile", n.commit("g", "", -1, 8).get(t).Err, protocol.CoordinatorLoadInProgress)
		goOn()
		r := reply.get(t)
		written := len(n.logs[0].batches)
		if o := n.fetch("g"); r == nil || code(r.Err) == protocol.None && o != 7 || written > 0 && o != 7 || written == 0 && o != -1 {
			t.Fatalf("answered %v, %d batches in the log, fetched %d", r, written, o)
		}
	})
}
