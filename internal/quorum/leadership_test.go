package quorum

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// TestFailover: when the leader loses power another leads within 1.1 s, half of the time within 0.8 s; what waited at the
// first is never answered, and what it confirmed is there.
func TestFailover(t *testing.T) {
	var times []time.Duration
	for seed := range uint64(20) {
		p := newPlay(t, seed, 3, 3)
		p.topic("before")
		old := p.leader()
		old.crash()
		since := p.world.Now()
		p.wait("another leader", func() bool { return p.leader() != nil })
		times = append(times, p.world.Now().Sub(since))
		p.topic("after")
		old.start()
		p.end()
	}
	slices.Sort(times)
	if times[len(times)/2] > 800*time.Millisecond || times[len(times)-1] > 1100*time.Millisecond {
		t.Errorf("another leader after %v", times)
	}
	t.Logf("another leader after %v", times)
}

// TestLeaderCutOff: a leader that reaches nobody confirms nothing, steps down, answers who waits with REQUEST_TIMED_OUT, and
// follows the other one when the way is open.
func TestLeaderCutOff(t *testing.T) {
	p := newPlay(t, 2, 3, 3)
	p.topic("before")
	old := p.leader()
	p.isolate(old, true)
	var answers []error
	for i := range 5 {
		old.ask(createRequest(fmt.Sprint("cut", i), 1), func(_ protocol.Message, err error) { answers = append(answers, err) })
	}
	p.wait("answered", func() bool { return len(answers) == 5 })
	for _, err := range answers {
		if protocol.CodeOf(err) != protocol.RequestTimedOut {
			t.Errorf("a leader that is cut off answers %v", err)
		}
	}
	if _, _, ok := old.node.Leader(); ok {
		t.Error("a leader that is cut off says that somebody leads")
	}
	p.topicWithout(old, "after")
	p.isolate(old, false)
	p.end()
	leader := p.leader()
	for _, n := range p.nodes {
		if id, epoch, ok := n.node.Leader(); !ok || id != leader.id || uint64(epoch) != leader.node.term {
			t.Errorf("node %d says that %d leads in epoch %d", n.id, id, epoch)
		}
		if n.node.Image().Topic("cut0") != nil {
			t.Errorf("node %d has what the others never got", n.id)
		}
	}
	if leader == old {
		t.Error("the node that was cut off disturbed the others")
	}
}

// TestHeartbeatIsConfirmed: a leader that is cut off answers no heartbeat that came after the cut, though it believes that it
// leads; it refuses it when it has stepped down. With the bug planted it answers.
func TestHeartbeatIsConfirmed(t *testing.T) {
	if err := beatCutOffLeader(t, faults{}); protocol.CodeOf(err) != protocol.NotController {
		t.Errorf("a leader that is cut off answers a heartbeat with %v", err)
	}
	if err := beatCutOffLeader(t, faults{answersUnconfirmed: true}); err != nil {
		t.Errorf("the planted bug is not seen: %v", err)
	}
}

func beatCutOffLeader(t *testing.T, planted faults) error {
	p := &play{t: t, storm: &storm{cluster: newCluster(6, 3, 3, planted), faults: map[string]bool{}}}
	for _, n := range p.nodes {
		n.start()
	}
	p.beat()
	p.topic("before")
	leader := p.leader()
	beat := func() error {
		r := protocol.NewBrokerHeartbeatRequest()
		r.BrokerID, r.BrokerEpoch = 100, int64(leader.node.Image().Broker(100).Epoch)
		answered, failed := false, error(nil)
		leader.ask(r, func(_ protocol.Message, err error) { answered, failed = true, err })
		p.wait("answered", func() bool { return answered })
		return failed
	}
	if err := beat(); err != nil {
		t.Error(err)
	}
	p.isolate(leader, true)
	err := beat()
	p.isolate(leader, false)
	p.end()
	return err
}

// TestLeaderRemoved: a leader that is to be taken out of the quorum lets another lead first, at once, and that one removes it.
func TestLeaderRemoved(t *testing.T) {
	p := newPlay(t, 3, 3, 3)
	p.topic("before")
	p.cluster.run(time.Second)
	old := p.leader()
	removal := func(from *clusterNode) error {
		done, answered := error(nil), false
		from.change(func(n *Node, done func([]Member, error)) { n.RemoveVoter(old.id, done) }, func(_ []Member, err error) { done, answered = err, true })
		p.wait("an answer", func() bool { return answered })
		return done
	}
	since := p.world.Now()
	if err := removal(old); protocol.CodeOf(err) != protocol.NotController {
		t.Errorf("the leader that is to go says %v", err)
	}
	p.wait("another leader", func() bool { l := p.leader(); return l != nil && l != old })
	if took := p.world.Now().Sub(since); took > 50*time.Millisecond {
		t.Errorf("nobody leads for %v", took)
	}
	var err error
	p.wait("an answer of who has heard the others", func() bool {
		err = removal(p.leader())
		return protocol.CodeOf(err) != protocol.NotController
	})
	if took := p.world.Now().Sub(since); err != nil || took > 500*time.Millisecond {
		t.Errorf("after %v it is removed, or not: %v", took, err)
	}
	p.topicWithout(old, "after")
	p.end()
	if got := nodeIDs(p.leader().node.Members()); len(got) != 2 || slices.Contains(got, old.id) {
		t.Errorf("members %v", got)
	}
}

// TestYield: the leadership is given to another voter at once.
func TestYield(t *testing.T) {
	p := newPlay(t, 4, 3, 3)
	p.topic("before")
	p.cluster.run(time.Second)
	old, since := p.leader(), p.world.Now()
	old.clock.Run(func() {
		if !old.node.yield(old.at()) {
			t.Error("nobody to yield to")
		}
		old.work()
	})
	p.wait("another leader", func() bool { l := p.leader(); return l != nil && l != old })
	if took := p.world.Now().Sub(since); took > 50*time.Millisecond {
		t.Errorf("another leader after %v", took)
	}
	p.end()
}

// TestChangesRefused: what cannot become of the members is refused by name.
func TestChangesRefused(t *testing.T) {
	p := newPlay(t, 5, 4, 3)
	p.topic("a")
	leader := p.leader()
	follower := p.nodes[leader.id%3]
	other := protocol.UUID{9}
	for _, c := range []struct {
		at   *clusterNode
		call func(*Node, func([]Member, error))
		want protocol.Code
	}{
		{leader, func(n *Node, done func([]Member, error)) { n.AddVoter(4, done) }, protocol.VoterNotFound},
		{leader, func(n *Node, done func([]Member, error)) { n.AddVoter(follower.id, done) }, protocol.DuplicateVoter},
		{leader, func(n *Node, done func([]Member, error)) { n.RemoveVoter(4, done) }, protocol.VoterNotFound},
		{leader, func(n *Node, done func([]Member, error)) { n.RemoveLearner(follower.id, done) }, protocol.VoterNotFound},
		{leader, func(n *Node, done func([]Member, error)) { n.Join(Member{ID: 4}, done) }, protocol.InvalidRequest},
		{leader, func(n *Node, done func([]Member, error)) { n.Join(Member{ID: -1, Address: "a:1"}, done) }, protocol.InvalidRequest},
		{leader, func(n *Node, done func([]Member, error)) { n.Join(Member{ID: leader.id, Address: "a:1"}, done) }, protocol.InvalidRequest},
		{leader, func(n *Node, done func([]Member, error)) { n.Join(Member{ID: 4, Address: "a:1"}, done) }, protocol.None},
		{leader, func(n *Node, done func([]Member, error)) {
			n.Join(Member{ID: 4, Address: "a:1", Directory: other}, done)
		}, protocol.None},
		{leader, func(n *Node, done func([]Member, error)) { n.Join(Member{ID: 4, Address: "a:1"}, done) }, protocol.None},
		{leader, func(n *Node, done func([]Member, error)) {
			n.Join(Member{ID: 4, Address: "a:1", Directory: protocol.UUID{8}}, done)
		}, protocol.RequestTimedOut}, // the learner with the other directory is removed first
		{leader, func(n *Node, done func([]Member, error)) {
			n.Join(Member{ID: 4, Address: "a:1", Directory: protocol.UUID{8}}, done)
		}, protocol.None},
		{leader, func(n *Node, done func([]Member, error)) {
			n.Join(Member{ID: follower.id, Address: "a:1", Directory: protocol.UUID{9}}, done)
		}, protocol.None},
		{leader, func(n *Node, done func([]Member, error)) {
			n.Join(Member{ID: follower.id, Address: "a:1", Directory: protocol.UUID{8}}, done)
		}, protocol.InvalidVoterKey},
		{leader, func(n *Node, done func([]Member, error)) { n.AddVoter(4, done) }, protocol.IneligibleReplica},
		{leader, func(n *Node, done func([]Member, error)) { n.RemoveVoter(4, done) }, protocol.VoterNotFound},
		{leader, func(n *Node, done func([]Member, error)) { n.RemoveLearner(4, done) }, protocol.None},
		{follower, func(n *Node, done func([]Member, error)) { n.RemoveVoter(1, done) }, protocol.NotController},
	} {
		answered := false
		c.at.change(c.call, func(_ []Member, err error) {
			answered = true
			if protocol.CodeOf(err) != c.want && !(err == nil && c.want == protocol.None) {
				t.Errorf("answered %v, want %v", err, c.want)
			}
		})
		p.wait("answered", func() bool { return answered })
	}
}

// TestTwoChangesAtOnce: the second waits to be asked again.
func TestTwoChangesAtOnce(t *testing.T) {
	p := newPlay(t, 6, 3, 3)
	p.topic("a")
	leader := p.leader()
	var answers []string
	for id := metadata.NodeID(7); id < 9; id++ {
		leader.node.Join(Member{ID: id, Address: "a:1"}, func(m []Member, err error) {
			answers = append(answers, fmt.Sprint(nodeIDs(m), protocol.CodeOf(err)))
		})
	}
	leader.work()
	p.wait("answered", func() bool { return len(answers) == 2 })
	want := []string{"[] REQUEST_TIMED_OUT", "[1 2 3 7] NONE"}
	if !slices.Equal(answers, want) {
		t.Errorf("answered %v, want %v", answers, want)
	}
}

// TestStatus: the leader says how far everybody is and when it heard of them; a follower says who leads.
func TestStatus(t *testing.T) {
	p := newPlay(t, 7, 3, 3)
	p.topic("a")
	leader := p.leader()
	gone := p.nodes[leader.id%3]
	gone.crash()
	p.cluster.run(2 * time.Second)
	ask := func(n *clusterNode) (got Status) {
		n.node.Status(func(s Status, err error) {
			if err != nil {
				t.Error(err)
			}
			got = s
		})
		n.work()
		return got
	}
	s := ask(leader)
	end := leader.node.Image().Offset + 1
	if s.Leader != leader.id || uint64(s.Epoch) != leader.node.term || s.HighWatermark != end || len(s.Members) != 3 {
		t.Errorf("%+v, the end is %d", s, end)
	}
	for _, m := range s.Members {
		silent := leader.at().Sub(m.LastContact) > time.Second
		if !m.Voter || m.Address == "" || silent != (m.ID == gone.id) || !silent && (m.LogEnd != end || leader.at().Sub(m.LastCaughtUp) > time.Second) {
			t.Errorf("%+v", m)
		}
	}
	follower := p.nodes[gone.id%3]
	if follower == leader {
		t.Fatal("the test picks the leader")
	}
	s = ask(follower)
	if s.Leader != leader.id || s.Members[gone.id-1].LogEnd != -1 || s.Members[follower.id-1].LogEnd != end {
		t.Errorf("a follower says %+v", s)
	}
}

// TestEmptyDiskIsNoticed: a voter that comes back with an empty disk stops, and says what to do. Its vote is not counted
// for long enough to matter: it hears from the leader first.
func TestEmptyDiskIsNoticed(t *testing.T) {
	p := newPlay(t, 8, 3, 3)
	p.topic("a")
	leader := p.leader()
	victim := p.nodes[leader.id%3]
	victim.crash()
	victim.newDisk()
	victim.start()
	p.until(5*time.Second, func() bool { return p.judge.failed != nil })
	if err := p.judge.failed; err == nil || victim.node != nil {
		t.Errorf("a voter goes on with an empty disk: %v", err)
	}
}
