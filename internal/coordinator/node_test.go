package coordinator

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// node is a Coordinator over logs in memory, within a synctest bubble.
type node struct {
	*Coordinator
	t    *testing.T
	logs []*memLog
}

func testConfig() Config {
	cfg := DefaultConfig()
	cfg.Group.InitialDelay, cfg.Group.CleanupInterval = 0, 0
	return cfg
}

// startNode starts a Coordinator that leads all of its partitions.
func startNode(t *testing.T, cfg Config, partitions int) *node {
	n := &node{Coordinator: New(cfg), t: t}
	n.Start(partitions)
	for p := range partitions {
		n.logs = append(n.logs, new(memLog))
		n.Elected(int32(p), 1, n.logs[p])
	}
	t.Cleanup(n.Close)
	synctest.Wait()
	return n
}

func code(err *protocol.Error) protocol.Code {
	if err == nil {
		return protocol.None
	}
	return err.Code
}

// wantCode fails the test if an error has another code.
func wantCode(t *testing.T, what string, err *protocol.Error, want protocol.Code) {
	t.Helper()
	if code(err) != want {
		t.Fatalf("%s: %v (%v), want %v", what, code(err), err, want)
	}
}

// slot holds a reply that may not have come.
type slot[T any] struct {
	mu    sync.Mutex
	value *T
	calls int
}

func (s *slot[T]) set(v T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = &v
	s.calls++
}

// get returns the reply once everything has come to rest, or nil.
func (s *slot[T]) get(t *testing.T) *T {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls > 1 {
		t.Fatalf("%d replies to one request", s.calls)
	}
	return s.value
}

func joinRequest(groupID, memberID string) group.JoinRequest {
	return group.JoinRequest{
		GroupID: groupID, MemberID: memberID, ClientID: "c", ClientHost: "/127.0.0.1", SessionTimeout: 10 * time.Second, RebalanceTimeout: time.Minute,
		ProtocolType: "consumer", Protocols: []group.Protocol{{Name: "range", Metadata: []byte("t")}}, RequiresKnownMemberID: true, SupportsSkippingAssignment: true,
	}
}

func (n *node) join(groupID, memberID string) *slot[group.JoinReply] {
	s := new(slot[group.JoinReply])
	n.Join(joinRequest(groupID, memberID), s.set)
	return s
}

func (n *node) sync(groupID, memberID string, generation int32, assigned ...string) *slot[group.SyncReply] {
	s := new(slot[group.SyncReply])
	r := group.SyncRequest{GroupID: groupID, MemberID: memberID, Generation: generation}
	for _, a := range assigned {
		id, data, _ := strings.Cut(a, "=")
		r.Assignments = append(r.Assignments, group.Assignment{MemberID: id, Data: []byte(data)})
	}
	n.Sync(r, s.set)
	return s
}

// heartbeat is that of a client of which it is not known whether it waits: the first is not held.
func (n *node) heartbeat(groupID, memberID string, generation int32) (*slot[group.HeartbeatReply], func()) {
	return n.beat(groupID, memberID, generation, false)
}

func (n *node) beat(groupID, memberID string, generation int32, aside bool) (*slot[group.HeartbeatReply], func()) {
	s := new(slot[group.HeartbeatReply])
	nudge := n.Heartbeat(group.HeartbeatRequest{GroupID: groupID, MemberID: memberID, Generation: generation, Aside: aside}, s.set)
	return s, nudge
}

func (n *node) commit(groupID, memberID string, generation int32, offset int64) *slot[group.CommitReply] {
	s := new(slot[group.CommitReply])
	n.CommitOffsets(group.CommitRequest{GroupID: groupID, MemberID: memberID, Generation: generation, Retention: -1, ReportsUnknownGroup: true,
		Topics: []group.CommitTopic{{Name: "t", Partitions: []group.CommitPartition{{Offset: record.Offset(offset), LeaderEpoch: 3, Metadata: "m", CommitTime: group.NoInstant}}}}}, s.set)
	return s
}

// fetch returns the committed offset of t-0.
func (n *node) fetch(groupID string) int64 {
	n.t.Helper()
	s := new(slot[group.FetchReply])
	n.FetchOffsets(group.FetchRequest{GroupID: groupID, Topics: []group.FetchTopic{{Name: "t", Partitions: []int32{0}}}}, s.set)
	r := s.get(n.t)
	if r == nil || r.Err != nil {
		n.t.Fatalf("fetch: %v", r)
	}
	return int64(r.Topics[0].Partitions[0].Offset)
}

// member joins a group in both steps and syncs alone; it returns the id.
func (n *node) member(groupID string) string {
	n.t.Helper()
	id := n.join(groupID, "").get(n.t).MemberID
	r := n.join(groupID, id).get(n.t)
	if r == nil || r.Err != nil || r.Leader != id {
		n.t.Fatalf("join: %v", r)
	}
	if r := n.sync(groupID, id, r.Generation, id+"=p0").get(n.t); r == nil || r.Err != nil || string(r.Assignment) != "p0" {
		n.t.Fatalf("sync: %v", r)
	}
	return id
}

func (n *node) describe(groupID string) group.DescribeReply {
	n.t.Helper()
	s := new(slot[group.DescribeReply])
	n.Describe(groupID, s.set)
	return *s.get(n.t)
}

func memberName(i int) string { return fmt.Sprintf("m%d", i) }
