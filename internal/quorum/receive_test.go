package quorum

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
)

// mail makes a raft message from node 2 to node 1, and lets change spoil it.
func mail(t testing.TB, kind raftpb.MessageType, change func(*raftpb.Message)) []byte {
	t.Helper()
	m := &raftpb.Message{Type: kind.Enum(), From: new(uint64(3)), To: new(uint64(2)), Term: new(uint64(4))}
	if change != nil {
		change(m)
	}
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func voterOfThree(t testing.TB) *life {
	t.Helper()
	return mustOpen(t, disk.NewSimulated(disk.SimulatedOptions{}), 1, func(c *Config) {
		c.Voters, c.Transport = []Member{{ID: 1, Address: "a:1"}, {ID: 2, Address: "b:1"}, {ID: 3, Address: "c:1"}}, lost{}
	})
}

// TestMessagesRefused: a message that no node sends is refused before it does anything, with those beside it.
func TestMessagesRefused(t *testing.T) {
	l := voterOfThree(t)
	defer l.close(t)
	image, _, err := metadata.Apply(metadata.NewImage("another"), someRecords(2))
	if err != nil {
		t.Fatal(err)
	}
	var foreign []byte
	c := checkpoint{index: 4, term: 1, clusterID: "another", members: someMembers()}
	if err := encodeCheckpoint(c, image, func(b []byte) error { foreign = append(foreign, b...); return nil }); err != nil {
		t.Fatal(err)
	}
	entry := func(index, term uint64) *raftpb.Entry { return &raftpb.Entry{Index: new(index), Term: new(term)} }
	conf := someMembers().confState()
	good := mail(t, raftpb.MsgHeartbeat, nil)
	for name, b := range map[string][]byte{
		"no message":      {0xff},
		"nothing":         {},
		"a proposal":      mail(t, raftpb.MsgProp, nil),
		"local":           mail(t, raftpb.MsgHup, nil),
		"storage":         mail(t, raftpb.MsgStorageAppendResp, nil),
		"to another":      mail(t, raftpb.MsgHeartbeat, func(m *raftpb.Message) { m.To = new(uint64(4)) }),
		"from another":    mail(t, raftpb.MsgHeartbeat, func(m *raftpb.Message) { m.From = new(uint64(4)) }),
		"no term":         mail(t, raftpb.MsgHeartbeat, func(m *raftpb.Message) { m.Term = nil }),
		"too late a term": mail(t, raftpb.MsgHeartbeat, func(m *raftpb.Message) { m.Term = new(uint64(1 << 31)) }),
		"a gap": mail(t, raftpb.MsgApp, func(m *raftpb.Message) {
			m.Entries = []*raftpb.Entry{entry(1, 4), entry(3, 4)}
		}),
		"a term that goes back": mail(t, raftpb.MsgApp, func(m *raftpb.Message) {
			m.Entries = []*raftpb.Entry{entry(1, 4), entry(2, 3)}
		}),
		"an entry after the leader": mail(t, raftpb.MsgApp, func(m *raftpb.Message) {
			m.Entries = []*raftpb.Entry{entry(1, 5)}
		}),
		"a snapshot that is none": mail(t, raftpb.MsgSnap, func(m *raftpb.Message) {
			m.Snapshot = &raftpb.Snapshot{Data: []byte("SKCP"), Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(4)), Term: new(uint64(1))}}
		}),
		"a snapshot of another cluster": mail(t, raftpb.MsgSnap, func(m *raftpb.Message) {
			m.Snapshot = &raftpb.Snapshot{Data: foreign, Metadata: &raftpb.SnapshotMetadata{Index: new(uint64(4)), Term: new(uint64(1)), ConfState: &conf}}
		}),
	} {
		if err := l.node.Receive(2, [][]byte{good, b}); protocol.CodeOf(err) != protocol.InvalidRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := l.node.Work(l.now); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := l.node.Leader(); ok {
		t.Error("a message counts that came with one that was refused")
	}
	if err := l.node.Receive(2, [][]byte{good}); err != nil {
		t.Fatal(err)
	}
	if err := l.node.Work(l.now); err != nil {
		t.Fatal(err)
	}
	if id, epoch, ok := l.node.Leader(); !ok || id != 2 || epoch != 4 {
		t.Errorf("after a heartbeat %d leads in epoch %d, %v", id, epoch, ok)
	}
}

// TestTooMuchMail: what a node cannot take is refused, and requests are taken all the same.
func TestTooMuchMail(t *testing.T) {
	l := voterOfThree(t)
	defer l.close(t)
	b := mail(t, raftpb.MsgHeartbeat, nil)
	for range seat.MailMax {
		if err := l.node.Receive(2, [][]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.node.Receive(2, [][]byte{b}); protocol.CodeOf(err) != protocol.ThrottlingQuotaExceeded {
		t.Errorf("one more: %v", err)
	}
	if _, err := l.ask(createRequest("a", 1)); protocol.CodeOf(err) != protocol.NotController {
		t.Errorf("a request: %v", err)
	}
	if err := l.node.Receive(2, [][]byte{b}); err != nil {
		t.Errorf("after the work: %v", err)
	}
}

// FuzzReceive: no message stops a node.
func FuzzReceive(f *testing.F) {
	for _, kind := range []raftpb.MessageType{
		raftpb.MsgApp, raftpb.MsgAppResp, raftpb.MsgVote, raftpb.MsgVoteResp, raftpb.MsgPreVote, raftpb.MsgPreVoteResp,
		raftpb.MsgHeartbeat, raftpb.MsgHeartbeatResp, raftpb.MsgTimeoutNow, raftpb.MsgSnap, raftpb.MsgProp,
	} {
		f.Add(mail(f, kind, nil))
	}
	f.Add(mail(f, raftpb.MsgApp, func(m *raftpb.Message) {
		m.Commit, m.Entries = new(uint64(1)), []*raftpb.Entry{{Index: new(uint64(1)), Term: new(uint64(4)), Data: appendProposal(nil, 1, someRecords(1))}}
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := voterOfThree(t)
		defer func() { _ = l.node.Close(); _ = l.dir.Close() }()
		if l.node.Receive(2, [][]byte{b}) == nil {
			if err := l.node.Work(l.now); err != nil && protocol.CodeOf(err) != protocol.KafkaStorageError {
				t.Fatal(err)
			}
		}
	})
}
