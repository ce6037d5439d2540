package quorum

import (
	"fmt"
	"testing"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum/seat"
	"github.com/skein-io/skein/internal/sim"
	"github.com/skein-io/skein/internal/sim/seeds"
)

// storm is what happens to a cluster: requests, and faults of the kinds that the seed has chosen; then it is left in peace,
// and everything has to come right.
type storm struct {
	*cluster
	faults map[string]bool
	names  int         // of topics
	tries  int         // requests in peace
	asked  sim.Instant // when the last of them was sent
	over   bool        // no more faults
}

const (
	stormLasts = 15 * time.Second
	peaceLasts = 15 * time.Second
)

func newStorm(seed uint64, planted faults) *storm {
	voters := 1
	if seed%2 == 1 {
		voters = 3
	}
	s := &storm{cluster: newCluster(seed, 4+int(seed%2), voters, planted), faults: map[string]bool{}}
	for _, kind := range []string{"crash", "crash in the middle", "close", "cut", "pause", "rate", "members", "wipe", "mail", "yield"} {
		s.faults[kind] = s.rand.Chance(600)
	}
	s.faults["members"] = s.faults["members"] || voters == 1
	if s.faults["mail"] {
		s.net.drop, s.net.twice, s.net.slow = 20, 20, 20
	}
	return s
}

// run lives through the storm and the peace after it.
func (s *storm) run() error {
	for _, n := range s.nodes {
		if n.voters != nil {
			n.start()
		}
	}
	s.beat()
	s.every(10*time.Millisecond, 60*time.Millisecond, s.ask)
	s.every(100*time.Millisecond, 600*time.Millisecond, s.disturb)
	s.every(100*time.Millisecond, 300*time.Millisecond, s.invite)
	end := s.world.Now().Add(stormLasts)
	for s.world.Now() < end && s.judge.failed == nil {
		s.cluster.run(100 * time.Millisecond)
	}
	s.calm()
	if s.judge.failed == nil && !s.until(peaceLasts, s.settled) {
		s.judge.failf("%v after the last fault: %s", peaceLasts, s.describe())
	}
	return s.judge.failed
}

// every does something again and again, until the storm is over.
func (s *storm) every(low, high time.Duration, do func()) {
	s.world.After(s.rand.Between(low, high), func() {
		if s.over || s.judge.failed != nil {
			return
		}
		do()
		s.every(low, high, do)
	})
}

// calm ends all faults.
func (s *storm) calm() {
	s.over = true
	s.world.Notef("calm")
	clear(s.net.cuts)
	s.net.drop, s.net.twice, s.net.slow = 0, 0, 0
	for _, n := range s.nodes {
		n.clock.SetRate(1_000_000)
		n.clock.Resume()
		n.crashIn = 0
		if n.life > 0 {
			n.start()
		}
	}
}

// settled says whether the members are level and take a request, and nothing that was confirmed is missing.
func (s *storm) settled() bool {
	if s.judge.failed != nil {
		return true
	}
	if !s.level() {
		return false
	}
	leader, name := s.leader(), fmt.Sprint("peace", s.tries)
	if _, ok := s.judge.topics[name]; !ok {
		if s.tries == 0 || s.world.Now().Sub(s.asked) > 200*time.Millisecond {
			s.tries, s.asked = s.tries+1, s.world.Now()
			s.create(leader, fmt.Sprint("peace", s.tries), func() {})
		}
		return false
	}
	for _, m := range leader.node.Members() {
		s.judge.complete(m.ID, s.nodes[m.ID-1].node.Image())
		s.judge.compare(m.ID, s.nodes[m.ID-1].node.Image())
	}
	return true
}

func (s *storm) describe() string {
	out := fmt.Sprintf("faults %v", s.faults)
	for _, n := range s.nodes {
		if n.node == nil {
			out += fmt.Sprintf("\n\tnode %d is down", n.id)
			continue
		}
		b := n.node.raft.BasicStatus()
		out += fmt.Sprintf("\n\tnode %d: %v in term %d, lead %d, vote %d, commit %d, applied %d of %d, controller %v, members %v",
			n.id, b.RaftState, b.GetTerm(), b.Lead, b.GetVote(), b.GetCommit(), n.node.applied, n.node.storage.last(), n.node.seat.Controller.Leading(), n.node.Members())
	}
	return out
}

// pick is a random node.
func (s *storm) pick() *clusterNode { return s.nodes[s.rand.IntN(len(s.nodes))] }

// ask sends one request, mostly to who leads.
func (s *storm) ask() {
	to := s.leader()
	if to == nil || s.rand.Chance(100) {
		to = s.pick()
	}
	if to.node == nil {
		return
	}
	switch s.rand.IntN(10) {
	case 0:
		s.allocate(to)
	case 1, 2, 3:
		value := fmt.Sprintf("%0100d", s.rand.IntN(1000))
		r := protocol.NewIncrementalAlterConfigsRequest()
		r.Resources = []protocol.IncrementalAlterConfigsRequestAlterConfigsResource{{
			ResourceType: int8(metadata.GroupResource), ResourceName: fmt.Sprint("g", s.rand.IntN(5)),
			Configs: []protocol.IncrementalAlterConfigsRequestAlterableConfig{{Name: "x", Value: &value}},
		}}
		to.ask(r, nobody)
	default:
		if s.rand.Chance(800) {
			s.names++ // else the same name once more: at most one of the two may be confirmed
		}
		s.create(to, fmt.Sprint("t", s.names), func() {})
	}
}

// create asks for a topic, and notes it if it is confirmed.
func (s *storm) create(to *clusterNode, name string, answered func()) {
	to.ask(createRequest(name, 1), func(m protocol.Message, err error) {
		answered()
		if err != nil {
			return
		}
		if t := m.(*protocol.CreateTopicsResponse).Topics[0]; t.ErrorCode == protocol.None {
			s.judge.created(name, t.TopicID)
		}
	})
}

// beat is broker 100: it registers, and shows that it lives. It does not know who leads, and turns to everybody who says so
// of himself.
func (s *storm) beat() {
	s.world.After(300*time.Millisecond, s.beat)
	for _, to := range s.nodes {
		if to.node == nil {
			continue
		}
		if id, _, ok := to.node.Leader(); ok && id == to.id {
			s.beatAt(to)
		}
	}
}

func (s *storm) beatAt(to *clusterNode) {
	broker := to.node.Image().Broker(100)
	if broker == nil {
		r := registration(100)
		r.BrokerID = 100
		to.ask(r, nobody)
		return
	}
	r := protocol.NewBrokerHeartbeatRequest()
	r.BrokerID, r.BrokerEpoch, r.CurrentMetadataOffset = 100, int64(broker.Epoch), int64(to.node.Image().Offset)
	sent, term := s.world.Now(), to.node.term
	to.ask(r, func(_ protocol.Message, err error) {
		if err == nil {
			s.judge.beaten(term, sent)
		}
	})
}

// allocate takes a block of producer ids for broker 100.
func (s *storm) allocate(to *clusterNode) {
	broker := to.node.Image().Broker(100)
	if broker == nil {
		return
	}
	r := protocol.NewAllocateProducerIDsRequest()
	r.BrokerID, r.BrokerEpoch = 100, int64(broker.Epoch)
	to.ask(r, func(m protocol.Message, err error) {
		if err == nil {
			s.judge.given(m.(*protocol.AllocateProducerIDsResponse).ProducerIDStart)
		}
	})
}

// invite has nodes that are no members join, and starts nodes that are down.
func (s *storm) invite() {
	leader := s.leader()
	for _, n := range s.nodes {
		if n.node == nil {
			if n.life > 0 && s.rand.Chance(150) || n.life == 0 && s.faults["members"] && s.rand.Chance(100) {
				n.start()
			}
			continue
		}
		if leader == nil || leader.node == nil || n.banned {
			continue
		}
		if _, ok := members(leader.node.Members()).find(n.id); !ok {
			one := s.member(n.id)
			one.Directory = n.directory()
			leader.change(func(node *Node, done func([]Member, error)) { node.Join(one, done) }, s.changed(leader))
			leader = s.leader()
		}
	}
}

// disturb does one thing that goes wrong.
func (s *storm) disturb() {
	kinds := []string{"crash", "crash in the middle", "close", "cut", "pause", "rate", "members", "members", "yield"}
	kind := kinds[s.rand.IntN(len(kinds))]
	if !s.faults[kind] {
		return
	}
	n := s.pick()
	if l := s.leader(); l != nil && s.rand.Chance(400) {
		n = l
	}
	s.world.Notef("%s n%d", kind, n.id)
	switch kind {
	case "crash":
		n.crash()
	case "crash in the middle":
		n.crashIn = 1 + s.rand.IntN(30)
	case "close":
		n.close()
	case "cut":
		s.cut(n)
	case "pause":
		n.clock.Pause()
		s.world.After(s.rand.Between(10*time.Millisecond, 2*time.Second), n.clock.Resume)
	case "rate":
		n.clock.SetRate(300_000 + s.rand.Int64N(2_000_000))
	case "members":
		s.reform()
	case "yield":
		n.clock.Run(func() {
			if n.node != nil {
				_ = n.node.inbox.Put(seat.Message{Work: func(now time.Time) error { n.node.yield(now); return nil }})
				n.work()
			}
		})
	}
}

// cut cuts ways to or from a node, one or all of them, for a while.
func (s *storm) cut(n *clusterNode) {
	whole := s.rand.Chance(300) // nothing goes through, for the same time
	lasts := s.rand.Between(100*time.Millisecond, 3*time.Second)
	for _, other := range s.nodes {
		if other == n || !whole && s.rand.Chance(500) {
			continue
		}
		ways := [][2]metadata.NodeID{{n.id, other.id}, {other.id, n.id}}
		if !whole {
			ways = ways[:1+s.rand.IntN(2)]
		}
		for _, way := range ways {
			s.net.cuts[way] = true
			if !whole {
				lasts = s.rand.Between(100*time.Millisecond, 3*time.Second)
			}
			s.world.After(lasts, func() { delete(s.net.cuts, way) })
		}
	}
}

// reform changes the members: a learner becomes a voter, or a member goes, and perhaps comes back with an empty disk.
func (s *storm) reform() {
	leader := s.leader()
	if leader == nil || leader.node == nil {
		return
	}
	list := members(leader.node.Members())
	m := list[s.rand.IntN(len(list))]
	done := s.changed(leader)
	switch {
	case !m.Voter && s.rand.Chance(850):
		leader.change(func(node *Node, done func([]Member, error)) { node.AddVoter(m.ID, done) }, done)
	case list.voters() > 1 && s.rand.Chance(400):
		gone := func(members []Member, err error) {
			done(members, err)
			if n := s.nodes[m.ID-1]; err == nil && s.faults["wipe"] && !s.over {
				n.banned = true
				s.world.After(0, func() { s.wipe(n) })
			}
		}
		leader.change(func(node *Node, done func([]Member, error)) {
			if m.Voter {
				node.RemoveVoter(m.ID, done)
			} else {
				node.RemoveLearner(m.ID, done)
			}
		}, gone)
	}
}

// changed counts a change of the members, and has whoever led it crash soon after now and then.
func (s *storm) changed(leader *clusterNode) func([]Member, error) {
	return func(_ []Member, err error) {
		if err != nil {
			return
		}
		s.judge.changes++
		if s.faults["crash"] && !s.over && s.rand.Chance(200) {
			s.world.After(s.rand.Between(0, 20*time.Millisecond), func() {
				if !s.over {
					leader.crash()
				}
			})
		}
	}
}

// wipe takes the disk of a node that is certainly no member any more.
func (s *storm) wipe(n *clusterNode) {
	s.world.Notef("n%d loses its disk", n.id)
	n.crash()
	n.newDisk()
	n.voters, n.banned = nil, false
}

func TestSimCluster(t *testing.T) {
	var changes, leaders, topics, installs int
	for seed := range uint64(seeds.Many(t, seedsDefault)) {
		s := newStorm(seed, faults{})
		if err := s.run(); err != nil {
			t.Fatal(err)
		}
		changes, leaders = changes+s.judge.changes, leaders+len(s.judge.leaders)
		topics, installs = topics+len(s.judge.topics), installs+len(s.judge.installs)
	}
	if n := seeds.Many(t, seedsDefault); changes < n/2 || leaders < 2*n || topics < 50*n || installs < n/2 {
		t.Errorf("%d changes of the members, %d leaders, %d topics and %d snapshots sent in %d seeds: the storm does nothing",
			changes, leaders, topics, installs, n)
	}
	t.Logf("%d changes of the members, %d leaders, %d topics, %d snapshots sent", changes, leaders, topics, installs)
}

// TestSimClusterSameSeedSameTrace: a seed decides everything.
func TestSimClusterSameSeedSameTrace(t *testing.T) {
	trace := func(seed uint64) string {
		s := newStorm(seed, faults{})
		if err := s.run(); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(s.world.Trace().Sum(), s.world.Now(), len(s.judge.topics), len(s.judge.entries), s.describe())
	}
	for seed := range uint64(2) {
		if first, second := trace(seed), trace(seed); first != second {
			t.Errorf("seed %d gives two traces:\n%s\n%s", seed, first, second)
		}
	}
}

// TestSimClusterPlantedBugs: the simulation finds what it is there to find.
func TestSimClusterPlantedBugs(t *testing.T) {
	for name, planted := range map[string]faults{
		"term and vote are not synced":               {stateUnsynced: true},
		"entries are not synced":                     {entriesUnsynced: true},
		"promises leave before the sync":             {promisesEarly: true},
		"a leader's snapshot is not synced":          {installUnsynced: true},
		"the own snapshot is not synced":             {snapshotUnsynced: true},
		"proposals count when the leader has them":   {commitsEarly: true},
		"the term is forgotten when a cluster grows": {termForgotten: true},
		"a change of the members is not noted":       {changeForgotten: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(1000) {
				if err := newStorm(seed, planted).run(); err != nil {
					t.Logf("seed %d: %.300v", seed, err)
					return
				}
			}
			t.Error("not found in 1,000 seeds")
		})
	}
}
