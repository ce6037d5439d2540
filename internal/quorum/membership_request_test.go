package quorum

import (
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// deaf is a transport to nobody.
type deaf struct{}

func (deaf) Send(Member, [][]byte) {}

// leaderAt opens a node that is alone at an address.
func leaderAt(t *testing.T, address string) *life {
	return mustOpen(t, disk.NewSimulated(disk.SimulatedOptions{Seed: 1}), 1, func(c *Config) { c.Address, c.Transport = address, deaf{} })
}

func (l *life) join(t *testing.T, cluster string, id int32, directory byte, address string) *protocol.JoinQuorumResponse {
	t.Helper()
	r := protocol.NewJoinQuorumRequest()
	r.NodeID, r.DirectoryID, r.Address = id, protocol.UUID{directory}, address
	if cluster != "" {
		r.ClusterID = &cluster
	}
	m, err := l.ask(r)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*protocol.JoinQuorumResponse)
}

// expectMembers compares the members with "id@address" words, learners in brackets.
func (l *life) expectMembers(t *testing.T, want string) {
	t.Helper()
	var words []string
	for _, m := range l.node.Members() {
		word := m.ID.String() + "@" + m.Address
		if !m.Voter {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	if got := strings.Join(words, " "); got != want {
		t.Errorf("the members are %s, not %s", got, want)
	}
}

func TestJoinQuorum(t *testing.T) {
	l := leaderAt(t, "a:1")
	defer l.close(t)
	if r := l.join(t, "", -1, 0, ""); r.ErrorCode != protocol.None || r.ClusterID != "cluster" || r.LeaderID != 1 || len(r.Members) != 1 || r.Members[0].Address != "a:1" {
		t.Errorf("who asks is told %+v", r)
	}
	for _, refused := range []struct {
		cluster   string
		id        int32
		directory byte
		address   string
		code      protocol.Code
		words     string
	}{
		{"other", 2, 2, "b:1", protocol.InconsistentClusterID, `node 2 means cluster "other", this is cluster "cluster"`},
		{"cluster", 1, 2, "b:1", protocol.InvalidRequest, "it needs an id that is not the leader's"},
		{"cluster", -1, 2, "b:1", protocol.InvalidRequest, "it needs an id"},
		{"cluster", 2, 2, "", protocol.InvalidRequest, "and an address"},
		{"cluster", 2, 2, "localhost:1", protocol.InvalidRequest, "node 2 says that it listens at localhost:1, which only its own machine reaches"},
		{"cluster", 2, 2, "127.0.0.2:1", protocol.InvalidRequest, "set listeners and advertised.listeners of node 2"},
		{"cluster", 2, 2, "[::1]:1", protocol.InvalidRequest, "only its own machine"},
	} {
		r := l.join(t, refused.cluster, refused.id, refused.directory, refused.address)
		if r.ErrorCode != refused.code || r.ErrorMessage == nil || !strings.Contains(*r.ErrorMessage, refused.words) || r.ClusterID != "cluster" || r.LeaderID != 1 {
			t.Errorf("%+v: %+v", refused, r)
		}
		l.expectMembers(t, "1@a:1")
	}
	if r := l.join(t, "cluster", 2, 2, "b:1"); r.ErrorCode != protocol.None || len(r.Members) != 2 {
		t.Errorf("%+v", r)
	}
	l.expectMembers(t, "1@a:1 [2@b:1]")
	last := l.node.storage.last()
	if r := l.join(t, "cluster", 2, 2, "b:1"); r.ErrorCode != protocol.None || l.node.storage.last() != last {
		t.Errorf("a second time: %+v, and the log grew from %d to %d", r, last, l.node.storage.last())
	}
	if r := l.join(t, "cluster", 2, 2, "c:1"); r.ErrorCode != protocol.None {
		t.Errorf("%+v", r)
	}
	l.expectMembers(t, "1@a:1 [2@c:1]")
	// A learner that has lost its disk has promised nothing, but what it held is not there any more.
	if r := l.join(t, "cluster", 2, 3, "c:1"); r.ErrorCode != protocol.RequestTimedOut {
		t.Errorf("%+v", r)
	}
	l.expectMembers(t, "1@a:1")
	if r := l.join(t, "cluster", 2, 3, "c:1"); r.ErrorCode != protocol.None {
		t.Errorf("%+v", r)
	}
	l.expectMembers(t, "1@a:1 [2@c:1]")
}

// TestJoinRefused: a node that the others could not reach lets nobody in.
func TestJoinRefused(t *testing.T) {
	for why, change := range map[string]func(*Config){
		"node 1 has no address":         func(c *Config) { c.Transport = deaf{} },
		"which only its own machine":    func(c *Config) { c.Address, c.Transport = "127.0.0.1:1", deaf{} },
		"node 1 has no way to other":    func(c *Config) { c.Address = "a:1" },
		"set listeners, and restart it": func(c *Config) { c.Transport = deaf{} },
	} {
		l := mustOpen(t, disk.NewSimulated(disk.SimulatedOptions{Seed: 1}), 1, change)
		if r := l.join(t, "cluster", 2, 2, "b:1"); r.ErrorCode != protocol.InvalidRequest || !strings.Contains(*r.ErrorMessage, why) {
			t.Errorf("%s: %+v", why, r)
		}
		l.close(t)
	}
}

// TestLeaderAnnouncesItself: the leader writes its address into the log once in its life, when it is asked to.
func TestLeaderAnnouncesItself(t *testing.T) {
	fs := disk.NewSimulated(disk.SimulatedOptions{Seed: 1})
	at := func(address string) func(*Config) {
		return func(c *Config) { c.Address, c.Transport = address, deaf{} }
	}
	l := mustOpen(t, fs, 1, at("a:1"))
	l.join(t, "cluster", 2, 2, "b:1")
	l.close(t)
	l = mustOpen(t, fs, 2, at("moved:1"))
	defer l.close(t)
	l.expectMembers(t, "1@moved:1 [2@b:1]")
	last := l.node.storage.last()
	for range 2 {
		if r := l.join(t, "cluster", 1, 1, "moved:1"); r.ErrorCode != protocol.None {
			t.Errorf("%+v", r)
		}
		if l.node.storage.last() != last+1 {
			t.Errorf("the log grew from %d to %d", last, l.node.storage.last())
		}
	}
}

// TestRaftVoterRequests: what Kafka's requests are refused with. That they do what they say is in TestGrowth of skeintest.
func TestRaftVoterRequests(t *testing.T) {
	l := leaderAt(t, "a:1")
	defer l.close(t)
	l.join(t, "cluster", 2, 2, "b:1")
	other := "other"
	add := func(change func(*protocol.AddRaftVoterRequest)) protocol.Message {
		r := protocol.NewAddRaftVoterRequest()
		r.VoterID, r.VoterDirectoryID, r.Listeners = 2, protocol.UUID{2}, []protocol.AddRaftVoterRequestListener{{Name: "CONTROLLER", Host: "b", Port: 1}}
		change(r)
		return r
	}
	remove := func(change func(*protocol.RemoveRaftVoterRequest)) protocol.Message {
		r := protocol.NewRemoveRaftVoterRequest()
		r.VoterID, r.VoterDirectoryID = 1, protocol.UUID{1}
		change(r)
		return r
	}
	for _, one := range []struct {
		request protocol.Message
		code    protocol.Code
		words   string
	}{
		{add(func(r *protocol.AddRaftVoterRequest) { r.ClusterID = &other }), protocol.InconsistentClusterID, `the request means cluster "other"`},
		{add(func(r *protocol.AddRaftVoterRequest) { r.VoterID = -1 }), protocol.InvalidRequest, "an id of 0 or more"},
		{add(func(r *protocol.AddRaftVoterRequest) { r.VoterDirectoryID = protocol.UUID{} }), protocol.InvalidRequest, "a directory id"},
		{add(func(r *protocol.AddRaftVoterRequest) { r.Listeners = nil }), protocol.InvalidRequest, "0 listeners"},
		{add(func(r *protocol.AddRaftVoterRequest) { r.VoterID = 5 }), protocol.RequestTimedOut, "node 5 has not joined"},
		{add(func(r *protocol.AddRaftVoterRequest) { r.VoterDirectoryID = protocol.UUID{9} }), protocol.RequestTimedOut, "has joined with the log directory"},
		{add(func(*protocol.AddRaftVoterRequest) {}), protocol.RequestTimedOut, "the leader has not heard of it"},
		{add(func(r *protocol.AddRaftVoterRequest) { r.VoterID, r.VoterDirectoryID = 1, protocol.UUID{1} }), protocol.DuplicateVoter, "a voter already"},
		{remove(func(r *protocol.RemoveRaftVoterRequest) { r.ClusterID = &other }), protocol.InconsistentClusterID, "the request means"},
		{remove(func(r *protocol.RemoveRaftVoterRequest) { r.VoterID = -1 }), protocol.InvalidRequest, "an id of 0 or more"},
		{remove(func(r *protocol.RemoveRaftVoterRequest) { r.VoterDirectoryID = protocol.UUID{} }), protocol.InvalidRequest, "a directory id"},
		{remove(func(r *protocol.RemoveRaftVoterRequest) { r.VoterDirectoryID = protocol.UUID{9} }), protocol.VoterNotFound, "voter 1 has the log directory"},
		{remove(func(r *protocol.RemoveRaftVoterRequest) { r.VoterID, r.VoterDirectoryID = 2, protocol.UUID{2} }), protocol.VoterNotFound, "node 2 is no voter"},
		{remove(func(*protocol.RemoveRaftVoterRequest) {}), protocol.InvalidRequest, "node 1 is the last voter"},
	} {
		if _, err := l.ask(one.request); protocol.CodeOf(err) != one.code || !strings.Contains(err.Error(), one.words) {
			t.Errorf("%+v: %v", one.request, err)
		}
	}
}

// TestUnregisterForgetsLearner: a broker that is forgotten leaves no learner behind.
func TestUnregisterForgetsLearner(t *testing.T) {
	l := leaderAt(t, "a:1")
	defer l.close(t)
	l.join(t, "cluster", 2, 2, "b:1")
	r := registration(7)
	r.BrokerID = 2
	if _, err := l.ask(r); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ask(&protocol.UnregisterBrokerRequest{BrokerID: 2}); err != nil {
		t.Fatal(err)
	}
	_ = l.node.Work(l.now)
	l.expectMembers(t, "1@a:1")
	if _, err := l.ask(&protocol.UnregisterBrokerRequest{BrokerID: 2}); protocol.CodeOf(err) != protocol.BrokerIDNotRegistered {
		t.Error(err)
	}
}

// TestRemovalKeepsMajority: a voter is not removed while too many of the others are silent, for nobody could bring them back
// but themselves.
func TestRemovalKeepsMajority(t *testing.T) {
	p := newPlay(t, 1, 3, 3)
	p.topic("t")
	leader := p.leader()
	var others []*clusterNode
	for _, n := range p.nodes {
		if n != leader {
			others = append(others, n)
		}
	}
	removed := func(id metadata.NodeID) (err error) {
		answered := false
		leader.change(func(n *Node, done func([]Member, error)) { n.RemoveVoter(id, done) }, func(_ []Member, e error) { err, answered = e, true })
		p.wait("an answer", func() bool { return answered })
		return err
	}
	others[0].close()
	p.cluster.run(electionTimeout + tickEvery)
	if err := removed(others[1].id); protocol.CodeOf(err) != protocol.RequestTimedOut || !strings.Contains(err.Error(), "are silent") {
		t.Errorf("the last voter but the leader that lives is removed: %v", err)
	}
	if err := removed(others[0].id); err != nil {
		t.Errorf("a dead voter is not removed: %v", err)
	}
	if err := removed(others[1].id); err != nil {
		t.Errorf("the other voter is not removed: %v", err)
	}
	p.topic("alone")
}

// TestLearnerTwice: of two nodes with one id the one that is a learner already stays it as long as it is heard.
func TestLearnerTwice(t *testing.T) {
	p := newPlay(t, 1, 2, 1)
	p.topic("t")
	p.join(2)
	p.topic("u")
	p.cluster.run(electionTimeout)
	joined := func() (err error) {
		answered := false
		other := Member{ID: 2, Address: "elsewhere:1", Directory: protocol.UUID{9}}
		p.nodes[0].change(func(n *Node, done func([]Member, error)) { n.Join(other, done) }, func(_ []Member, e error) { err, answered = e, true })
		p.wait("an answer", func() bool { return answered })
		return err
	}
	if err := joined(); protocol.CodeOf(err) != protocol.RequestTimedOut || !strings.Contains(err.Error(), "needs a node.id of its own") {
		t.Errorf("a second node 2 is told %v", err)
	}
	p.nodes[1].close()
	p.cluster.run(electionTimeout + tickEvery)
	if err := joined(); protocol.CodeOf(err) != protocol.RequestTimedOut || !strings.Contains(err.Error(), "was removed") {
		t.Errorf("node 2 with another directory is told %v", err)
	}
	if err := joined(); err != nil {
		t.Error(err)
	}
}
