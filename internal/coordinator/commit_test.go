package coordinator

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// TestCommitWaitsForHighWatermark is O8 and O12: no answer and no visible offset before the record is committed.
func TestCommitWaitsForHighWatermark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		n.logs[0].manual = true
		reply := n.commit("g", "", -1, 7)
		if r := reply.get(t); r != nil {
			t.Fatalf("answered before the commit: %v", r)
		}
		if o := n.fetch("g"); o != -1 {
			t.Fatalf("offset %d is visible before the commit", o)
		}
		n.logs[0].commitAll()
		if r := reply.get(t); r == nil || r.Err != nil {
			t.Fatalf("after the commit: %v", r)
		}
		if o := n.fetch("g"); o != 7 {
			t.Fatalf("committed 7, fetched %d", o)
		}
	})
}

// TestCommitTimesOut is O8: the client is told after offsets.commit.timeout.ms, and the offset counts all the same when
// it is committed later.
func TestCommitTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		n.logs[0].manual = true
		reply := n.commit("g", "", -1, 7)
		time.Sleep(4999 * time.Millisecond)
		if r := reply.get(t); r != nil {
			t.Fatalf("answered early: %v", r)
		}
		time.Sleep(time.Millisecond)
		wantCode(t, "after 5 s", reply.get(t).Err, protocol.CoordinatorNotAvailable)
		n.logs[0].commitAll()
		if o := n.fetch("g"); o != 7 {
			t.Fatalf("the record was committed in the end, fetched %d", o)
		}
	})
}

// TestCommitRefused is Y4 for offsets: nothing was written, nothing changed, the mapped error is answered.
func TestCommitRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		n.logs[0].refuse = protocol.Fail(protocol.NotEnoughReplicas, "one replica left")
		wantCode(t, "commit", n.commit("g", "", -1, 7).get(t).Err, protocol.CoordinatorNotAvailable)
		n.logs[0].refuse = nil
		if o := n.fetch("g"); o != -1 {
			t.Fatalf("refused, fetched %d", o)
		}
		if d := n.describe("g"); d.State != "Dead" {
			t.Fatalf("a refused commit left a group: %v", d)
		}
		wantCode(t, "again", n.commit("g", "", -1, 8).get(t).Err, protocol.None)
	})
}

// TestStorageErrorReloads: after an error that leaves open what was written, everything is loaded again from the log.
func TestStorageErrorReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		wantCode(t, "commit", n.commit("g", "", -1, 7).get(t).Err, protocol.None)
		n.logs[0].refuse = protocol.Fail(protocol.KafkaStorageError, "the disk is gone")
		wantCode(t, "commit", n.commit("g", "", -1, 8).get(t).Err, protocol.NotCoordinator)
		wantCode(t, "meanwhile", n.commit("g", "", -1, 8).get(t).Err, protocol.NotCoordinator)
		n.logs[0].refuse = nil
		time.Sleep(reloadAfter)
		synctest.Wait()
		if o := n.fetch("g"); o != 7 {
			t.Fatalf("after the reload fetched %d", o)
		}
	})
}

// TestLostLeadershipRefusesCommits is KAFKA-20634: records of another leader that come to lie below the high watermark
// do not make our commits succeed.
func TestLostLeadershipRefusesCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		n.logs[0].manual = true
		reply := n.commit("g", "", -1, 7)
		synctest.Wait()
		n.logs[0].lose(protocol.Fail(protocol.NotLeaderOrFollower, "node 2 leads"))
		wantCode(t, "commit", reply.get(t).Err, protocol.NotCoordinator)
	})
}

// TestCommitsShareABatch: what waits in the inbox together is written together.
func TestCommitsShareABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		var replies []*slot[group.CommitReply]
		block := make(chan struct{})
		n.FetchOffsets(group.FetchRequest{GroupID: "g"}, func(group.FetchReply) { <-block }) // the loop stands still
		for i := range 100 {
			replies = append(replies, n.commit(memberName(i), "", -1, int64(i)))
		}
		close(block)
		for i, r := range replies {
			wantCode(t, "commit", r.get(t).Err, protocol.None)
			if o := n.fetch(memberName(i)); o != int64(i) {
				t.Fatalf("group %d: fetched %d", i, o)
			}
		}
		if n.logs[0].appends > 2 {
			t.Fatalf("100 commits that waited together took %d appends", n.logs[0].appends)
		}
	})
}
