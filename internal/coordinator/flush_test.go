package coordinator

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// standStill makes the loop wait until the function it returns is called, so that requests come together.
func (n *node) standStill() (goOn func()) {
	gate := make(chan struct{})
	n.FetchOffsets(group.FetchRequest{GroupID: "any"}, func(group.FetchReply) { <-gate })
	synctest.Wait()
	return func() { close(gate) }
}

func (n *node) commitMany(groupID string, partitions int) *slot[group.CommitReply] {
	s := new(slot[group.CommitReply])
	n.CommitOffsets(commitOf(groupID, partitions), s.set)
	return s
}

// TestBatchesEndBetweenRequests: what does not fit into one batch is cut between two requests, never within one.
func TestBatchesEndBetweenRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.BatchBytesMax = 4096
		n := startNode(t, cfg, 1)
		goOn := n.standStill()
		var replies []*slot[group.CommitReply]
		for i := range 50 {
			replies = append(replies, n.commitMany(memberName(i), 20))
		}
		goOn()
		for _, r := range replies {
			wantCode(t, "commit", r.get(t).Err, protocol.None)
		}
		if len(n.logs[0].batches) < 10 {
			t.Fatalf("%d batches", len(n.logs[0].batches))
		}
		for _, b := range n.logs[0].batches {
			if b.Count()%20 != 0 || len(b) > cfg.BatchBytesMax {
				t.Fatalf("a batch of %d records and %d bytes", b.Count(), len(b))
			}
		}
	})
}

// TestTooLargeForAnyBatch is refused alone; its neighbours are written. A deletion is cut instead, the group last.
func TestTooLargeForAnyBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.BatchBytesMax, cfg.UnitBytesMax = 4096, 16384
		n := startNode(t, cfg, 1)
		goOn := n.standStill()
		before, large, after := n.commitMany("a", 5), n.commitMany("b", 500), n.commitMany("c", 5)
		goOn()
		wantCode(t, "before", before.get(t).Err, protocol.None)
		wantCode(t, "too large", large.get(t).Err, protocol.UnknownServerError)
		wantCode(t, "after", after.get(t).Err, protocol.None)
		if d := n.describe("b"); d.State != "Dead" {
			t.Fatalf("the refused group is %s", d.State)
		}
		for i := range 10 {
			r := commitOf("a", 50)
			r.Topics[0].Name = memberName(i)
			done := new(slot[group.CommitReply])
			n.CommitOffsets(r, done.set)
			wantCode(t, "commit", done.get(t).Err, protocol.None)
		}
		batches := len(n.logs[0].batches)
		deleted := new(slot[group.DeleteReply])
		n.Delete("a", deleted.set)
		wantCode(t, "delete", deleted.get(t).Err, protocol.None)
		if got := len(n.logs[0].batches) - batches; got < 3 {
			t.Fatalf("505 tombstones in %d batches", got)
		}
		if d := n.describe("a"); d.State != "Dead" {
			t.Fatalf("the deleted group is %s", d.State)
		}
	})
}

// TestInboxIsBounded: more requests than it holds are refused, and can be retried.
func TestInboxIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.InboxMax = 10
		n := startNode(t, cfg, 1)
		goOn := n.standStill()
		var replies []*slot[group.CommitReply]
		for range 20 {
			replies = append(replies, n.commitMany("g", 1))
		}
		goOn()
		refused := 0
		for _, r := range replies {
			if reply := r.get(t); reply.Err != nil {
				wantCode(t, "refused", reply.Err, protocol.CoordinatorNotAvailable)
				refused++
			}
		}
		if refused != 10 {
			t.Fatalf("%d of 20 were refused, the inbox holds 10", refused)
		}
	})
}

// TestLoadFails: a log that cannot be read is tried again; nobody is served meanwhile.
func TestLoadFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &brokenLog{memLog: new(memLog), err: errors.New("unreadable")}
		n := &node{Coordinator: New(testConfig()), t: t}
		t.Cleanup(n.Close)
		n.Start(1)
		n.Elected(0, 1, log)
		synctest.Wait()
		wantCode(t, "commit", n.commitMany("g", 1).get(t).Err, protocol.NotCoordinator)
		log.set(nil)
		time.Sleep(reloadAfter)
		synctest.Wait()
		wantCode(t, "commit", n.commitMany("g", 1).get(t).Err, protocol.None)
	})
}

type brokenLog struct {
	*memLog
	err error
}

func (l *brokenLog) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *brokenLog) Load(from record.Offset, f func(record.Batch) error) error {
	l.mu.Lock()
	err := l.err
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.memLog.Load(from, f)
}

// TestTransactionsAreLeftOut: a batch of a transaction is not taken for a commit, nor is a marker.
func TestTransactionsAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(memLog)
		var e encoder
		for i, transactional := range []bool{true, false} {
			b := record.NewBuilder()
			b.SetTransactional(transactional)
			key, value := e.encode(&group.Record{Kind: group.OffsetStored, Group: "g", Topic: "t", Partition: int32(i),
				Offset: group.OffsetValue{Offset: 7, ExpireTime: group.NoInstant}})
			b.Add(1, key, value)
			batch, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			log.Append(batch)
		}
		b := record.NewBuilder()
		b.SetControl(true)
		b.Add(1, []byte{0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 1})
		marker, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		log.Append(marker)
		n := &node{Coordinator: New(testConfig()), t: t}
		t.Cleanup(n.Close)
		n.Start(1)
		n.Elected(0, 1, log)
		synctest.Wait()
		s := new(slot[group.FetchReply])
		n.FetchOffsets(group.FetchRequest{GroupID: "g", All: true}, s.set)
		if got := s.get(t).Topics; len(got) != 1 || len(got[0].Partitions) != 1 || got[0].Partitions[0].Partition != 1 {
			t.Fatalf("loaded %+v", got)
		}
	})
}

// TestObserve: notes reach whoever counts them.
func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		notes := map[group.NoteKind]int{}
		cfg.Observe = func(n group.Note) { notes[n.Kind]++ }
		n := startNode(t, cfg, 1)
		n.member("g")
		synctest.Wait()
		if notes[group.RebalanceStarted] != 1 || notes[group.GenerationStable] != 1 {
			t.Fatalf("%v", notes)
		}
	})
}
