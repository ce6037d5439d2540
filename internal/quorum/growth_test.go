package quorum

import (
	"fmt"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// play is a cluster that a test takes through a story; the judge looks on.
type play struct {
	t testing.TB
	*storm
}

func newPlay(t testing.TB, seed uint64, size, voters int) *play {
	p := &play{t: t, storm: &storm{cluster: newCluster(seed, size, voters, faults{}), faults: map[string]bool{}}}
	for _, n := range p.nodes {
		if n.voters != nil {
			n.start()
		}
	}
	p.beat()
	return p
}

func (p *play) check() {
	p.t.Helper()
	if p.judge.failed != nil {
		p.t.Fatal(p.judge.failed)
	}
}

// wait lets the world go on until something is so.
func (p *play) wait(what string, so func() bool) {
	p.t.Helper()
	if !p.until(30*time.Second, func() bool { return p.judge.failed != nil || so() }) {
		p.t.Fatalf("seed %d: 30 s and not %s: %s", p.seed, what, p.describe())
	}
	p.check()
}

// topic has a topic confirmed.
func (p *play) topic(name string) {
	p.t.Helper()
	p.repeat(name+" created", func() {
		if l := p.leader(); l != nil {
			p.create(l, name, func() {})
		}
	}, func() bool {
		l := p.leader()
		return l != nil && l.node.Image().Topic(name) != nil
	})
}

// repeat does something each 200 ms until something is so.
func (p *play) repeat(what string, do func(), so func() bool) {
	p.t.Helper()
	over := false
	var again func()
	again = func() {
		if !over && !so() {
			do()
			p.world.After(200*time.Millisecond, again)
		}
	}
	again()
	p.wait(what, so)
	over = true
}

// join makes a node a learner, and vote makes it a voter, whatever it takes.
func (p *play) join(id metadata.NodeID) {
	p.t.Helper()
	n := p.nodes[id-1]
	p.repeat(fmt.Sprint("node ", id, " joined"), func() {
		n.start()
		if l := p.leader(); l != nil {
			one := p.member(id)
			one.Directory = n.directory()
			l.change(func(node *Node, done func([]Member, error)) { node.Join(one, done) }, func([]Member, error) {})
		}
	}, func() bool { return p.is(id, false) || p.is(id, true) })
}

func (p *play) vote(id metadata.NodeID) {
	p.t.Helper()
	p.repeat(fmt.Sprint("node ", id, " votes"), func() {
		if l := p.leader(); l != nil {
			l.change(func(node *Node, done func([]Member, error)) { node.AddVoter(id, done) }, func([]Member, error) {})
		}
	}, func() bool { return p.is(id, true) })
}

// is says whether the leader has a node as a voter, or as a learner.
func (p *play) is(id metadata.NodeID, voter bool) bool {
	l := p.leader()
	if l == nil {
		return false
	}
	m, ok := members(l.node.Members()).find(id)
	return ok && m.Voter == voter
}

// revive starts every node that has lived, again and again.
func (p *play) revive() {
	for _, n := range p.nodes {
		if n.life > 0 {
			n.start()
		}
	}
	p.world.After(700*time.Millisecond, p.revive)
}

// end has everybody come right.
func (p *play) end() {
	p.t.Helper()
	p.wait("settled", p.settled)
}

// TestGrowth: a quorum of one becomes one of three, nothing is lost on the way, and any one of the three may end then.
func TestGrowth(t *testing.T) {
	p := newPlay(t, 1, 3, 1)
	p.topic("alone")
	if v := p.stateVersion(1); v != 1 {
		t.Errorf("quorum-state of a node that is alone has version %d", v)
	}
	for id := metadata.NodeID(2); id <= 3; id++ {
		p.join(id)
		p.vote(id)
		p.topic(fmt.Sprint("with-", id))
	}
	if v := p.stateVersion(1); v != 2 {
		t.Errorf("quorum-state of a node that is not alone has version %d", v)
	}
	p.end()
	for _, n := range p.nodes {
		n.crash()
		p.topic(fmt.Sprint("without-", n.id))
		n.start()
		p.end()
	}
	for _, n := range p.nodes {
		for _, m := range n.node.Members() {
			if m.Address != p.member(m.ID).Address || m.Directory != p.nodes[m.ID-1].directory() {
				t.Errorf("node %d has the member %+v", n.id, m)
			}
		}
	}
}

func (p *play) stateVersion(id metadata.NodeID) int {
	s := &p.nodes[id-1].node.state.state
	b, err := s.encode()
	if err != nil {
		p.t.Fatal(err)
	}
	return int(b[5])
}

// everyCall plays a story again and again, with the power of one node lost before its first call of the disk from a moment
// on, its second, and so on, until the story needs no more calls.
func everyCall(t *testing.T, least int, story func(p *play, crashIn int) *clusterNode, newPlay func(k int) *play) {
	t.Helper()
	k := 1
	for ; ; k++ {
		p := newPlay(k)
		n := story(p, k)
		p.topic("after")
		p.end()
		if n.crashIn > 0 {
			break
		}
	}
	if k < least {
		t.Errorf("%d calls of the disk are fewer than the story needs", k)
	}
	t.Logf("%d calls of the disk", k)
}

// TestGrowthCrashes: the power is lost before every call of the disk while a quorum of one becomes one of two, on either
// node.
func TestGrowthCrashes(t *testing.T) {
	for victim := range 2 {
		everyCall(t, 8, func(p *play, crashIn int) *clusterNode {
			p.topic("before")
			n := p.nodes[victim]
			n.crashIn = crashIn
			n.start()
			p.revive()
			p.join(2)
			p.topic("between")
			p.vote(2)
			p.topic("behind")
			return n
		}, func(k int) *play { return newPlay(t, uint64(k), 2, 1) })
	}
}

// TestShrinkCrashes: the same while two become one again. The one that stays is alone then, and writes no votes.
func TestShrinkCrashes(t *testing.T) {
	everyCall(t, 4, func(p *play, crashIn int) *clusterNode {
		p.topic("before")
		p.join(2)
		p.vote(2)
		p.topic("between")
		n := p.nodes[0]
		n.crashIn = crashIn
		p.revive()
		p.repeat("node 2 gone", func() {
			if l := p.leader(); l != nil {
				l.change(func(node *Node, done func([]Member, error)) { node.RemoveVoter(2, done) }, func([]Member, error) {})
			}
		}, func() bool { l := p.leader(); return l == p.nodes[0] && !p.is(2, true) })
		return n
	}, func(k int) *play { return newPlay(t, uint64(k), 2, 1) })
}

// TestInstallCrashes: the power is lost before every call of the disk while a voter that has fallen behind gets a snapshot:
// one that merely sleeps, and one that has led meanwhile and has entries that nobody else has.
func TestInstallCrashes(t *testing.T) {
	for _, led := range []bool{false, true} {
		everyCall(t, 8, func(p *play, crashIn int) *clusterNode {
			p.topic("before")
			n := p.leader()
			for i := range p.nodes {
				if !led && p.nodes[i] != p.leader() {
					n = p.nodes[i]
				}
			}
			p.isolate(n, true)
			if led {
				for i := range 20 { // they stay its own
					p.create(n, fmt.Sprint("lost", i), func() {})
				}
			}
			for i := range 60 {
				p.topicWithout(n, fmt.Sprint("t", i))
			}
			p.isolate(n, false)
			n.crashIn = crashIn
			p.revive()
			p.end()
			if len(p.judge.installs) == 0 {
				t.Fatal("no snapshot was needed")
			}
			return n
		}, func(k int) *play { return newPlay(t, uint64(k), 3, 3) })
	}
}

func (p *play) isolate(n *clusterNode, on bool) {
	for _, other := range p.nodes {
		p.net.cuts[[2]metadata.NodeID{n.id, other.id}] = on
		p.net.cuts[[2]metadata.NodeID{other.id, n.id}] = on
	}
}

// topicWithout has a topic confirmed by another node than one.
func (p *play) topicWithout(one *clusterNode, name string) {
	p.t.Helper()
	p.wait("another leader", func() bool { l := p.leader(); return l != nil && l != one })
	p.topic(name)
}

// TestJoinAfterSnapshots: a node joins a cluster whose first entries are gone, and one whose are not; it has the whole image
// either way, and subscribers see the way there.
func TestJoinAfterSnapshots(t *testing.T) {
	for _, topics := range []int{0, 100} {
		p := newPlay(t, 3, 2, 1)
		for i := range topics {
			p.topic(fmt.Sprint("t", i))
		}
		p.nodes[1].start()
		seen := map[string]bool{}
		p.nodes[1].node.Subscribe(func(_, _ *metadata.Image, delta *metadata.Delta) {
			for _, c := range delta.Topics {
				seen[c.Topic().Name] = !c.Deleted()
			}
		})
		p.join(2)
		p.topic("after")
		p.end()
		if len(seen) < topics+1 || !seen["after"] {
			t.Errorf("a subscriber saw %d topics of %d", len(seen), topics+1)
		}
	}
}

// TestSnapshotTooLarge: a snapshot that does not go in a message is not sent, the log says so, and the leader goes on.
func TestSnapshotTooLarge(t *testing.T) {
	p := newPlay(t, 1, 2, 1)
	p.nodes[0].node.config.SnapshotSendMax = 2000
	for i := range 100 {
		p.topic(fmt.Sprint("t", i))
	}
	p.join(2)
	p.cluster.run(2 * time.Second)
	if got := p.nodes[1].node.Image().Offset; got >= 0 {
		t.Errorf("node 2 is at offset %d", got)
	}
	var refused error
	p.nodes[0].change(func(n *Node, done func([]Member, error)) { n.AddVoter(2, done) }, func(_ []Member, err error) { refused = err })
	if protocol.CodeOf(refused) != protocol.IneligibleReplica {
		t.Errorf("a learner that has nothing votes: %v", refused)
	}
	p.nodes[0].node.config.SnapshotSendMax = 1 << 20
	p.end()
}
