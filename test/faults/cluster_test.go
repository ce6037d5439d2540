//go:build linux

package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/test/services"
)

// clusterSize is how many processes a cluster has.
const clusterSize = 3

// cluster is processes of the binary, each with a folder and an address of its own.
type cluster struct {
	t        *testing.T
	nodes    []*broker // node id i is at i-1
	net      *network  // nil: they are on loopback
	ensemble *ensemble // nil: the metadata log is on raft
}

// clusters counts those of this process, and the brokers that stand alone.
var clusters atomic.Int32

// newCluster prepares a cluster on loopback. No process runs yet.
//
// Each node has a loopback address of its own: a client that tries to reach a port while its process is away could be
// given that very port as its own, if the addresses were the same.
func newCluster(t *testing.T, on quorum, set ...string) *cluster {
	t.Helper()
	c := &cluster{t: t}
	root, n := t.TempDir(), clusters.Add(1)
	for id := 1; id <= clusterSize; id++ {
		c.nodes = append(c.nodes, &broker{t: t, dir: filepath.Join(root, fmt.Sprint("node-", id)), address: freeAddressAt(t, n, id)})
	}
	if on == zooKeeper {
		var places []services.Place
		for i := 1; i <= ensembleSize; i++ {
			places = append(places, services.Place{Host: hostAt(n, clusterSize+i)})
		}
		c.ensemble = newEnsemble(t, places)
	}
	c.configure(set)
	return c
}

// configure sets what the nodes need to find each other.
func (c *cluster) configure(set []string) {
	var common []string
	if c.ensemble != nil {
		common = c.ensemble.properties()
	} else {
		var voters []string
		for i, b := range c.nodes {
			voters = append(voters, fmt.Sprintf("%d@%s", i+1, b.address))
		}
		common = []string{"controller.quorum.voters=" + strings.Join(voters, ",")}
	}
	for i, b := range c.nodes {
		b.set = append(append(slices.Clone(common),
			fmt.Sprint("node.id=", i+1),
			"default.replication.factor=3",
			"min.insync.replicas=2",
			"log.dir.free.bytes.floor=1048576",
		), set...)
	}
}

func (c *cluster) node(id int) *broker { return c.nodes[id-1] }

// all are the ids of all nodes, or of those but some.
func (c *cluster) all(but ...int) []int {
	var ids []int
	for id := 1; id <= len(c.nodes); id++ {
		if !contains(but, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func contains(ids []int, id int) bool {
	for _, i := range ids {
		if i == id {
			return true
		}
	}
	return false
}

// start runs nodes, all that do not run if none is named, and returns how long it took until they serve.
func (c *cluster) start(ids ...int) time.Duration {
	c.t.Helper()
	begun := time.Now()
	first := map[int]<-chan string{}
	for _, id := range c.all() {
		if !c.node(id).runs() && (len(ids) == 0 || contains(ids, id)) {
			first[id] = c.node(id).launch()
		}
	}
	for id, line := range first {
		c.node(id).listening(line)
	}
	return time.Since(begun)
}

// kill is kill -9 of nodes, all at once. It returns when the processes are gone.
func (c *cluster) kill(ids ...int) {
	c.t.Helper()
	for _, id := range ids {
		c.node(id).alive()
		c.node(id).signal(syscall.SIGKILL)
	}
	for _, id := range ids {
		<-c.node(id).exited
	}
}

// alive fails the test unless every process runs.
func (c *cluster) alive() {
	c.t.Helper()
	for _, b := range c.nodes {
		b.alive()
	}
}

// way is how a client finds the cluster.
func (c *cluster) way() []kgo.Opt {
	var seeds []string
	for _, b := range c.nodes {
		seeds = append(seeds, b.address)
	}
	dial := (&net.Dialer{Timeout: dialPatience}).DialContext
	if c.net != nil {
		dial = c.net.dial
	}
	return []kgo.Opt{kgo.SeedBrokers(seeds...), kgo.Dialer(dial)}
}

// askPatience is how long one node is given to answer what ask asks.
const askPatience = 2 * time.Second

// ask sends a request to one node and to no other.
func (c *cluster) ask(id int, request kmsg.Request) (kmsg.Response, error) {
	if !c.node(id).runs() {
		return nil, errors.New("the process is gone")
	}
	one, err := kgo.NewClient(append(c.way(), kgo.SeedBrokers(c.node(id).address))...)
	if err != nil {
		return nil, err
	}
	defer one.Close()
	ctx, cancel := context.WithTimeout(context.Background(), askPatience)
	defer cancel()
	return one.SeedBrokers()[0].Request(ctx, request)
}

// controller is the node that leads the metadata quorum. It waits for one.
func (c *cluster) controller() int {
	c.t.Helper()
	id, _ := c.controllerAfter(-1)
	return id
}

// controllerAfter waits for a node that leads the metadata quorum in an epoch after one, and returns both.
func (c *cluster) controllerAfter(last int32) (id int, epoch int32) {
	c.t.Helper()
	found := 0
	waitFor(c.t, fmt.Sprint("some node leads the metadata quorum in an epoch after ", last), func() bool {
		epoch = last
		for _, id := range c.all() {
			request := kmsg.NewPtrDescribeQuorumRequest()
			topic := kmsg.NewDescribeQuorumRequestTopic()
			topic.Topic = "__cluster_metadata"
			topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
			request.Topics = append(request.Topics, topic)
			answer, err := c.ask(id, request)
			if err != nil {
				continue
			}
			quorum := answer.(*kmsg.DescribeQuorumResponse)
			if quorum.ErrorCode != 0 || len(quorum.Topics) == 0 || len(quorum.Topics[0].Partitions) == 0 {
				continue
			}
			if p := quorum.Topics[0].Partitions[0]; p.LeaderID > 0 && p.LeaderEpoch > epoch {
				found, epoch = int(p.LeaderID), p.LeaderEpoch
			}
		}
		return found > 0
	})
	return found, epoch
}

// described is what a node says of a topic's partitions.
func (c *cluster) described(id int, topic string) ([]kmsg.MetadataResponseTopicPartition, error) {
	request := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = &topic
	request.Topics = append(request.Topics, asked)
	answer, err := c.ask(id, request)
	if err != nil {
		return nil, err
	}
	found := answer.(*kmsg.MetadataResponse).Topics
	if len(found) != 1 {
		return nil, fmt.Errorf("node %d answers with %d topics", id, len(found))
	}
	return found[0].Partitions, kerr.ErrorForCode(found[0].ErrorCode)
}

// partitions is what the controller says of a topic's partitions: a node that is cut off may know less. It waits until each
// has a leader.
func (c *cluster) partitions(topic string) map[int32]kmsg.MetadataResponseTopicPartition {
	c.t.Helper()
	var all map[int32]kmsg.MetadataResponseTopicPartition
	waitFor(c.t, "each partition of "+topic+" has a leader", func() bool {
		found, err := c.described(c.controller(), topic)
		all = map[int32]kmsg.MetadataResponseTopicPartition{}
		for _, p := range found {
			all[p.Partition] = p
			if p.Leader < 1 {
				return false
			}
		}
		return err == nil && len(all) > 0
	})
	return all
}

// ledBy are the partitions of the load's topic that some nodes lead.
func (c *cluster) ledBy(ids ...int) map[int32]bool {
	c.t.Helper()
	led := map[int32]bool{}
	for index, p := range c.partitions(killTopic) {
		if contains(ids, int(p.Leader)) {
			led[index] = true
		}
	}
	return led
}

// leader is a node that leads a partition of the load's topic, and is not one of some nodes.
func (c *cluster) leader(but ...int) int {
	c.t.Helper()
	found := 0
	waitFor(c.t, "another node leads a partition", func() bool {
		for _, p := range c.partitions(killTopic) {
			if !contains(but, int(p.Leader)) {
				found = int(p.Leader)
			}
		}
		return found > 0
	})
	return found
}

// coordinator is the node that coordinates a group.
func (c *cluster) coordinator(group string) int {
	c.t.Helper()
	found := 0
	waitFor(c.t, "the group "+group+" has a coordinator", func() bool {
		for _, id := range c.all() {
			request := kmsg.NewPtrFindCoordinatorRequest()
			request.CoordinatorKey, request.CoordinatorKeys = group, []string{group}
			answer, err := c.ask(id, request)
			if err != nil {
				continue
			}
			for _, one := range answer.(*kmsg.FindCoordinatorResponse).Coordinators {
				if one.ErrorCode == 0 {
					found = int(one.NodeID)
				}
			}
		}
		return found > 0
	})
	return found
}

// awaitInSync waits until every node says that all partitions of a topic have n replicas in sync.
func (c *cluster) awaitInSync(topic string, n int) {
	c.t.Helper()
	said := ""
	defer func() {
		if c.t.Failed() {
			c.t.Logf("the nodes said last: %s", said)
		}
	}()
	waitFor(c.t, fmt.Sprintf("all partitions of %s have %d replicas in sync", topic, n), func() bool {
		said = ""
		all := true
		for _, id := range c.all() {
			if !c.node(id).runs() {
				continue
			}
			found, err := c.described(id, topic)
			all = all && err == nil && len(found) > 0
			said += fmt.Sprintf("\nnode %d: %v", id, err)
			for _, p := range found {
				all = all && len(p.ISR) == n
				said += fmt.Sprintf(" %d: leader %d epoch %d isr %v;", p.Partition, p.Leader, p.LeaderEpoch, p.ISR)
			}
		}
		return all
	})
}

// connect makes a client that knows all nodes.
func (c *cluster) connect(options ...kgo.Opt) (*kgo.Client, error) {
	always := []kgo.Opt{kgo.MetadataMinAge(50 * time.Millisecond), kgo.RetryBackoffFn(briefly),
		kgo.RequestTimeoutOverhead(time.Second)}
	return kgo.NewClient(append(append(c.way(), always...), options...)...)
}
