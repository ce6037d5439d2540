package nemesis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/sim"
)

// harm is one kind of what the nemesis does.
type harm struct {
	name string
	do   func(*nemesis)
}

// harms are all kinds.
var harms = []harm{
	{"power loss", func(n *nemesis) { n.down(n.someone(), "loses its power", (*machine).crash) }},
	{"power loss of the leader", func(n *nemesis) { n.down(n.leader(), "loses its power, a leader", (*machine).crash) }},
	{"power loss of the controller", func(n *nemesis) { n.down(n.controller(), "loses its power, the controller", (*machine).crash) }},
	{"power loss of the coordinator", func(n *nemesis) { n.down(n.coordinator(), "loses its power, the coordinator", (*machine).crash) }},
	{"power loss of all", (*nemesis).crashAll},
	{"power loss of two", (*nemesis).crashTwo},
	{"kill", func(n *nemesis) { n.down(n.someone(), "is killed", (*machine).kill) }},
	{"restart", func(n *nemesis) { n.down(n.someone(), "is stopped", (*machine).stop) }},
	{"pause", (*nemesis).pause},
	{"one-way cut", (*nemesis).cutOneWay},
	{"cut", (*nemesis).cut},
	{"isolation", (*nemesis).isolate},
	{"reset", (*nemesis).reset},
	{"slow disk", (*nemesis).slowDisk},
	{"failing disk", (*nemesis).failDisk},
	{"moved leader", (*nemesis).moveLeader},
	{"topics", (*nemesis).topics},
	{"member restart", (*nemesis).restartMember},
}

// nemesis does harm, one thing after the other; several may be in force at a time.
type nemesis struct {
	world    *world
	rand     *sim.Rand
	machines []*machine
	done     map[string]int
	side     *kgo.Client
	sideways int
	topic    string // beside those of the clients; "" when there is none
}

func newNemesis(w *world) *nemesis {
	n := &nemesis{world: w, rand: w.rand.Fork("nemesis"), done: map[string]int{}, side: w.client("nemesis")}
	for id := 1; id <= w.options.nodes; id++ {
		n.machines = append(n.machines, newMachine(w, id))
	}
	return n
}

// attack does harm until the time is over.
func (n *nemesis) attack() {
	var allowed []harm
	for _, h := range harms {
		if n.world.options.allowed[h.name] {
			allowed = append(allowed, h)
		}
	}
	end := time.Now().Add(n.world.options.attack)
	for time.Now().Before(end) && len(allowed) > 0 {
		time.Sleep(n.rand.Between(50*time.Millisecond, n.world.options.pause))
		h := allowed[n.rand.IntN(len(allowed))]
		n.done[h.name]++
		h.do(n)
	}
}

func (n *nemesis) someone() *machine { return n.machines[n.rand.IntN(len(n.machines))] }

// within is a duration that is short more often than long.
func (n *nemesis) within(most time.Duration) time.Duration {
	return time.Duration(float64(most) * n.rand.Float64() * n.rand.Float64())
}

// down ends a node's process in a way, and brings it back later.
func (n *nemesis) down(m *machine, what string, how func(*machine)) {
	back := n.within(15 * time.Second)
	if m.begin(func() { how(m); time.Sleep(back); m.open() }) {
		n.world.journal.note("node %d %s, for %v", m.id, what, back)
	}
}

func (n *nemesis) crashAll() {
	n.world.journal.note("all nodes lose their power")
	for _, m := range n.machines {
		back := n.within(3 * time.Second)
		m.begin(func() { m.crash(); time.Sleep(back); m.open() })
	}
}

func (n *nemesis) crashTwo() {
	first := n.rand.IntN(len(n.machines))
	n.down(n.machines[first], "loses its power", (*machine).crash)
	time.Sleep(n.within(time.Second))
	n.down(n.machines[(first+1)%len(n.machines)], "loses its power", (*machine).crash)
}

// later does something when the time has come, or at once when everything is healed.
func (n *nemesis) later(d time.Duration, do func()) {
	time.AfterFunc(d, do)
}

func (n *nemesis) pause() {
	m, d := n.someone(), n.within(30*time.Second)
	n.world.journal.note("node %d hangs for %v", m.id, d)
	n.world.node.Node(m.id).Pause()
	n.later(d, func() {
		n.world.journal.note("node %d goes on", m.id)
		n.world.node.Node(m.id).Resume()
	})
}

// two are two different nodes.
func (n *nemesis) two() (int, int) {
	a := n.rand.IntN(len(n.machines))
	b := (a + 1 + n.rand.IntN(len(n.machines)-1)) % len(n.machines)
	return a + 1, b + 1
}

func (n *nemesis) cutOneWay() {
	a, b := n.two()
	d := n.within(30 * time.Second)
	n.world.journal.note("node %d does not reach node %d for %v", a, b, d)
	n.world.node.CutLink(a, b)
	n.later(d, func() {
		n.world.journal.note("node %d reaches node %d", a, b)
		n.world.node.HealLink(a, b)
	})
}

func (n *nemesis) cut() {
	a, b := n.two()
	d := n.within(30 * time.Second)
	n.world.journal.note("nodes %d and %d do not reach each other for %v", a, b, d)
	n.world.node.CutLink(a, b)
	n.world.node.CutLink(b, a)
	n.later(d, func() {
		n.world.journal.note("nodes %d and %d reach each other", a, b)
		n.world.node.HealLink(a, b)
		n.world.node.HealLink(b, a)
	})
}

func (n *nemesis) isolate() {
	m, d := n.someone(), n.within(30*time.Second)
	n.world.journal.note("node %d is cut off from the others for %v", m.id, d)
	n.world.node.Node(m.id).Isolate()
	n.later(d, func() {
		n.world.journal.note("all links are healed")
		n.world.node.HealLinks()
	})
}

func (n *nemesis) reset() {
	m := n.someone()
	n.world.journal.note("node %d: all connections are reset", m.id)
	n.world.node.Node(m.id).CutConnections()
}

func (n *nemesis) slowDisk() {
	m, d, each := n.someone(), n.within(20*time.Second), n.within(4*time.Second)
	n.world.journal.note("node %d: a sync takes %v, for %v", m.id, each, d)
	n.world.node.Node(m.id).SlowDisk(each)
	n.later(d, func() {
		n.world.journal.note("node %d: the disk is fast again", m.id)
		n.world.node.Node(m.id).SlowDisk(0)
	})
}

// failDisk lets a sync fail. The node gives up by that, and its machine loses its power soon after.
func (n *nemesis) failDisk() {
	m, d := n.someone(), n.within(10*time.Second)
	if m.begin(func() { m.failSync(); time.Sleep(d); m.crash(); m.open() }) {
		n.world.journal.note("node %d: a sync fails, and the power %v later", m.id, d)
	}
}

// moveLeader changes the order of a partition's replicas, and has the preferred leader elected.
func (n *nemesis) moveLeader() {
	topic := topics[n.rand.IntN(len(topics))]
	name, partition := topic.name, n.rand.Int32N(topic.partitions)
	if n.rand.Chance(200) {
		name, partition = "__consumer_offsets", n.rand.Int32N(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	admin := kadm.NewClient(n.side)
	listed, err := admin.ListTopics(ctx, name)
	if err != nil {
		return
	}
	replicas := slices.Clone(listed[name].Partitions[partition].Replicas)
	if len(replicas) == 0 {
		return
	}
	n.rand.Shuffle(len(replicas), func(i, j int) { replicas[i], replicas[j] = replicas[j], replicas[i] })
	var assignment kadm.AlterPartitionAssignmentsReq
	assignment.Assign(name, partition, replicas)
	n.world.journal.note("%s-%d: replicas in the order %v, and the first leads", name, partition, replicas)
	_, failed := admin.AlterPartitionAssignments(ctx, assignment)
	only := kadm.TopicsSet{}
	only.Add(name, partition)
	_, electFailed := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, only)
	if failed != nil || electFailed != nil {
		n.world.journal.note("%s-%d: moving the leader: %v, %v", name, partition, failed, electFailed)
	}
}

// topics creates a topic beside those of the clients, or deletes it.
func (n *nemesis) topics() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	admin := kadm.NewClient(n.side)
	if n.topic == "" {
		n.sideways++
		n.topic = fmt.Sprintf("side-%d", n.sideways%2)
		created, err := admin.CreateTopic(ctx, 2, int16(min(3, len(n.machines))), nil, n.topic)
		n.world.journal.note("topic %s is created: %v, %v", n.topic, created.Err, err)
		n.side.Produce(ctx, &kgo.Record{Topic: n.topic, Partition: n.rand.Int32N(2), Value: []byte("x")}, nil)
		return
	}
	deleted, err := admin.DeleteTopic(ctx, n.topic)
	n.world.journal.note("topic %s is deleted: %v, %v", n.topic, deleted.Err, err)
	n.topic = ""
}

func (n *nemesis) restartMember() {
	i := n.rand.IntN(len(n.world.members))
	old := n.world.members[i]
	n.world.journal.note("%s leaves, and comes again", old.name)
	old.end()
	n.world.members[i] = startMember(n.world, fmt.Sprintf("member%d.%d", i, n.done["member restart"]))
}

// leader is the node that leads some partition, as the cluster says; any node if nobody knows.
func (n *nemesis) leader() *machine {
	topic := topics[n.rand.IntN(len(topics))]
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	listed, err := kadm.NewClient(n.side).ListTopics(ctx, topic.name)
	if err != nil {
		return n.someone()
	}
	return n.machine(listed[topic.name].Partitions[n.rand.Int32N(topic.partitions)].Leader)
}

func (n *nemesis) controller() *machine {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	request := kmsg.NewPtrDescribeQuorumRequest()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic, topic.Partitions = "__cluster_metadata", append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	request.Topics = append(request.Topics, topic)
	quorum, err := request.RequestWith(ctx, n.side)
	if err != nil || len(quorum.Topics) == 0 || len(quorum.Topics[0].Partitions) == 0 {
		return n.someone()
	}
	return n.machine(quorum.Topics[0].Partitions[0].LeaderID)
}

func (n *nemesis) coordinator() *machine {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	found := kadm.NewClient(n.side).FindGroupCoordinators(ctx, group)[group]
	if found.Err != nil {
		return n.someone()
	}
	return n.machine(found.NodeID)
}

func (n *nemesis) machine(id int32) *machine {
	if id < 1 || int(id) > len(n.machines) {
		return n.someone()
	}
	return n.machines[id-1]
}

// heal ends all harm and brings every node back.
func (n *nemesis) heal() {
	n.world.journal.note("everything is healed")
	n.world.node.HealLinks()
	for _, m := range n.machines {
		n.world.node.Node(m.id).Resume()
		n.world.node.Node(m.id).SlowDisk(0)
	}
	for _, m := range n.machines {
		m.await()
	}
	n.world.journal.note("all nodes run")
	n.side.Close()
}
