package skeintest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
)

// movesMax is how long the methods here wait for the cluster. In a synctest bubble the time is virtual.
const movesMax = 30 * time.Second

// Leader is the node id of a partition's leader, -1 while it has none. It asks all nodes that run, and believes the one that
// has heard of the newest leader epoch.
func (n *Node) Leader(topic string, partition int32) int {
	n.t.Helper()
	p, err := n.partition(topic, partition)
	if err != nil {
		n.t.Fatalf("skeintest: the leader of %s-%d: %v", topic, partition, err)
	}
	return int(p.LeaderID)
}

// Controller is the node id of the active controller. It waits while one is being elected.
func (n *Node) Controller() int {
	n.t.Helper()
	var id int
	err := n.insist(func() (err error) { id, err = n.controller(); return err })
	if err != nil {
		n.t.Fatal("skeintest: the controller: ", err)
	}
	return id
}

func (n *Node) controller() (int, error) {
	request := protocol.NewDescribeQuorumRequest()
	request.Topics = []protocol.DescribeQuorumRequestTopicData{{TopicName: metadata.ClusterMetadataTopic,
		Partitions: []protocol.DescribeQuorumRequestPartitionData{{}}}}
	var failed error
	for _, one := range n.cluster.nodes { // only the controller itself answers a node
		response, err := ask[*protocol.DescribeQuorumResponse](one, request)
		switch {
		case err != nil:
		case response.ErrorCode != protocol.None:
			err = protocol.Fail(response.ErrorCode, "DescribeQuorum at node %d", one.id)
		case len(response.Topics) == 1 && len(response.Topics[0].Partitions) == 1:
			p := response.Topics[0].Partitions[0]
			if err = protocol.Fail(p.ErrorCode, "DescribeQuorum at node %d", one.id); p.ErrorCode == protocol.None {
				return int(p.LeaderID), nil
			}
		}
		failed = errors.Join(failed, err)
	}
	return 0, failed
}

// Coordinator is the node id of a consumer group's coordinator. It makes __consumer_offsets if it is not there, and waits
// while a coordinator is being elected. It asks a node that runs, which may hear of another coordinator a moment later than the
// others.
func (n *Node) Coordinator(group string) int {
	n.t.Helper()
	var node int32
	err := n.insist(func() error {
		request := protocol.NewFindCoordinatorRequest()
		request.CoordinatorKeys = []string{group}
		response, err := askAny[*protocol.FindCoordinatorResponse](n, request)
		if err != nil {
			return err
		}
		found := response.Coordinators[0]
		if found.ErrorCode != protocol.None {
			return protocol.Fail(found.ErrorCode, "FindCoordinator")
		}
		node = found.NodeID
		return nil
	})
	if err != nil {
		n.t.Fatalf("skeintest: the coordinator of %s: %v", group, err)
	}
	return int(node)
}

// MoveLeader makes node to the leader of a partition, as an operator does: it becomes the first in the partition's
// assignment, and then the preferred leader is elected. The old leader need not fail for it, and answers
// NOT_LEADER_OR_FOLLOWER from then on. The test fails if the node holds no replica, or is not in sync within 30 s.
// __consumer_offsets moves a coordinator.
func (n *Node) MoveLeader(topic string, partition int32, to int) {
	n.t.Helper()
	if err := n.insist(func() error { return n.moveLeader(topic, partition, int32(to)) }); err != nil {
		n.t.Fatalf("skeintest: node %d does not become the leader of %s-%d: %v", to, topic, partition, err)
	}
}

func (n *Node) moveLeader(topic string, partition, to int32) error {
	p, err := n.partition(topic, partition)
	if err != nil {
		return err
	}
	first := slices.Index(p.ReplicaNodes, to)
	switch {
	case p.LeaderID == to:
		return nil
	case first < 0:
		return fmt.Errorf("its replicas are on the nodes %v: %w", p.ReplicaNodes, errHopeless)
	case first > 0:
		order := slices.Concat([]int32{to}, slices.Delete(slices.Clone(p.ReplicaNodes), first, first+1))
		if err := n.assign(topic, partition, order); err != nil {
			return err
		}
	}
	controller, err := n.controller()
	if err != nil {
		return err
	}
	elect := protocol.NewElectLeadersRequest()
	elect.TopicPartitions = []protocol.ElectLeadersRequestTopicPartitions{{Topic: topic, Partitions: []int32{partition}}}
	if _, err := ask[*protocol.ElectLeadersResponse](n.Node(controller), elect); err != nil {
		return err
	}
	if p, err = n.partition(topic, partition); err != nil {
		return err
	}
	if p.LeaderID != to {
		return fmt.Errorf("node %d leads, in sync are %v", p.LeaderID, p.IsrNodes)
	}
	return nil
}

// assign changes the order of a partition's replicas.
func (n *Node) assign(topic string, partition int32, order []int32) error {
	request := protocol.NewAlterPartitionReassignmentsRequest()
	request.Topics = []protocol.AlterPartitionReassignmentsRequestReassignableTopic{{Name: topic,
		Partitions: []protocol.AlterPartitionReassignmentsRequestReassignablePartition{{PartitionIndex: partition, Replicas: order}}}}
	controller, err := n.controller()
	if err != nil {
		return err
	}
	response, err := ask[*protocol.AlterPartitionReassignmentsResponse](n.Node(controller), request)
	if err != nil {
		return err
	}
	code := response.ErrorCode
	for _, t := range response.Responses {
		for _, p := range t.Partitions {
			code = max(code, p.ErrorCode)
		}
	}
	if code != protocol.None {
		return protocol.Fail(code, "AlterPartitionReassignments")
	}
	return nil
}

// partition is what the nodes that run say of a partition. They hear of a change one after the other, so the newest counts.
func (n *Node) partition(topic string, partition int32) (*protocol.MetadataResponsePartition, error) {
	request := protocol.NewMetadataRequest()
	request.Topics, request.AllowAutoTopicCreation = []protocol.MetadataRequestTopic{{Name: &topic}}, false
	var newest *protocol.MetadataResponsePartition
	var failed error
	answers := 0
	for _, one := range n.cluster.nodes {
		response, err := ask[*protocol.MetadataResponse](one, request)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		answers++
		for i := range response.Topics {
			for j := range response.Topics[i].Partitions {
				p := &response.Topics[i].Partitions[j]
				if p.PartitionIndex == partition && (newest == nil || p.LeaderEpoch > newest.LeaderEpoch) {
					newest = p
				}
			}
		}
	}
	switch {
	case newest != nil:
		return newest, nil
	case answers == 0:
		return nil, failed
	}
	return nil, fmt.Errorf("there is no partition %s-%d: %w", topic, partition, errHopeless)
}

// errHopeless is in errors that no waiting helps against.
var errHopeless = errors.New("create the topic with such a replica first")

// insist tries something until it succeeds, or movesMax is over.
func (n *Node) insist(do func() error) error {
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := do()
		if err == nil || errors.Is(err, errHopeless) || time.Since(begun) > movesMax {
			return err
		}
	}
}

// askAny sends a request to the first node that runs, is not paused, and answers.
func askAny[Response protocol.Message](n *Node, request protocol.Message) (response Response, err error) {
	for _, one := range n.cluster.nodes {
		if response, err = ask[Response](one, request); err == nil {
			return response, nil
		}
	}
	return response, err
}

// ask sends a request to this node, on a connection of its own.
func ask[Response protocol.Message](n *Node, request protocol.Message) (none Response, err error) {
	if n.node == nil || n.isPaused() {
		return none, fmt.Errorf("node %d does not run", n.id)
	}
	dial := func(ctx context.Context, address string) (net.Conn, error) { return n.Dial(ctx, "tcp", address) }
	p := peer.New(func() (string, bool) { return n.address, true }, peer.Config{Node: fmt.Sprint("node ", n.id), ClientID: "skeintest",
		Dial: dial, RequestTimeout: movesMax / 3, ConnectTimeout: movesMax / 3})
	defer p.Close()
	response, err := p.Call(context.Background(), request)
	if err != nil {
		return none, err
	}
	return response.(Response), nil
}
