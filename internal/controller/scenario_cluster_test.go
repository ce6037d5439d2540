package controller

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// cluster makes a cluster of the given number of brokers, each with a log directory of its number, all unfenced:
// "cluster brokers=3 racks=(a,b,c) volatile". It prints the image. With behind they have said of the metadata log only that
// they know of their registration.
func (s *scenario) cluster(t *testing.T, a arguments) string {
	s.run(t, command("lead", "", "several"))
	racks := strings.Split(a.text("racks"), ",")
	n := a.int("brokers", 3)
	for id := 1; id <= n; id++ {
		args := []string{fmt.Sprint("broker=", id), fmt.Sprint("dir=", id)}
		if a.text("racks") != "" {
			args = append(args, "rack="+racks[(id-1)%len(racks)])
		}
		if a.has("volatile") {
			args = append(args, "volatile")
		}
		s.run(t, command("register", "", args...))
	}
	s.run(t, command("commit", ""))
	offset := "offset=1000"
	if a.has("behind") {
		offset = fmt.Sprint("offset=", s.image.Offset)
	}
	for id := 1; id <= n; id++ {
		s.run(t, command("heartbeat", "", fmt.Sprint("broker=", id), fmt.Sprint("epoch=", s.image.Broker(metadata.NodeID(id)).Epoch), offset))
	}
	s.run(t, command("commit", ""))
	return s.show()
}

// clusterEvent is the event of a command that only a cluster of several nodes sees, nil for another command.
func (s *scenario) clusterEvent(cmd string, a arguments) Event {
	switch cmd {
	case "several":
		return &SeveralChanged{Several: !a.has("none")}
	case "alter-partition":
		return s.alterPartitionEvent(a)
	case "lost":
		return s.lostEvent(a)
	case "reassign":
		return s.reassignEvent(a)
	case "reassignments":
		e := &ListPartitionReassignments{Token: s.token, Request: protocol.NewListPartitionReassignmentsRequest()}
		for _, f := range a.lines() {
			e.Request.Topics = append(e.Request.Topics, protocol.ListPartitionReassignmentsRequestTopics{
				Name: f.text("topic"), PartitionIndexes: numbers(f.text("partitions"))[0],
			})
		}
		return e
	case "connection-lost":
		return &HeartbeatConnectionLost{Broker: metadata.NodeID(a.int("broker", 1)), Epoch: metadata.BrokerEpoch(a.int("epoch", -1))}
	case "refused":
		return &BrokerRefused{Broker: metadata.NodeID(a.int("broker", 1))}
	case "balance":
		return &BalanceDue{}
	}
	return nil
}

// A line is "id=1 partition=0 leader-epoch=0 epoch=0 isr=1,2:7": of topic id 1, with broker 2 in epoch 7 and broker 1 in one
// that the leader does not know. With version=2 there are no broker epochs.
func (s *scenario) alterPartitionEvent(a arguments) Event {
	e := &AlterPartition{Token: s.token, Request: protocol.NewAlterPartitionRequest()}
	e.Request.BrokerID, e.Request.BrokerEpoch = int32(a.int("broker", 1)), int64(a.int("epoch", 1))
	for _, f := range a.lines() {
		t := protocol.NewAlterPartitionRequestTopicData()
		t.TopicID[14], t.TopicID[15] = byte(f.int("id", 1)>>8), byte(f.int("id", 1))
		p := protocol.NewAlterPartitionRequestPartitionData()
		p.PartitionIndex, p.LeaderEpoch, p.PartitionEpoch = int32(f.int("partition", 0)), int32(f.int("leader-epoch", 0)), int32(f.int("epoch", 0))
		p.LeaderRecoveryState = int8(f.int("recovery", 0))
		for word := range strings.SplitSeq(f.text("isr"), ",") {
			id, epoch, known := strings.Cut(word, ":")
			state := protocol.NewAlterPartitionRequestBrokerState()
			state.BrokerID = int32(mustNumber(id))
			if known {
				state.BrokerEpoch = int64(mustNumber(epoch))
			}
			if a.int("version", 3) == 2 {
				p.NewIsr = append(p.NewIsr, state.BrokerID)
			} else {
				p.NewIsrWithEpochs = append(p.NewIsrWithEpochs, state)
			}
		}
		t.Partitions = append(t.Partitions, p)
		e.Request.Topics = append(e.Request.Topics, t)
	}
	return e
}

// directories is the log directory of a number, none for 0.
func directories(n int) []protocol.UUID {
	if n == 0 {
		return nil
	}
	return []protocol.UUID{{14: 1, 15: byte(n)}}
}

// A line is "id=1 partition=0 dir=2": of topic id 1. Without dir it is the directory of what is lost.
func (s *scenario) lostEvent(a arguments) Event {
	e := &AssignReplicas{Token: s.token, Request: protocol.NewAssignReplicasToDirsRequest()}
	e.Request.BrokerID, e.Request.BrokerEpoch = int32(a.int("broker", 1)), int64(a.int("epoch", 1))
	for _, f := range a.lines() {
		d := protocol.NewAssignReplicasToDirsRequestDirectoryData()
		d.ID = metadata.LostDirectory
		if own := directories(f.int("dir", 0)); own != nil {
			d.ID = own[0]
		}
		t := protocol.NewAssignReplicasToDirsRequestTopicData()
		t.TopicID[15] = byte(f.int("id", 1))
		t.Partitions = []protocol.AssignReplicasToDirsRequestPartitionData{{PartitionIndex: int32(f.int("partition", 0))}}
		d.Topics = append(d.Topics, t)
		e.Request.Directories = append(e.Request.Directories, d)
	}
	return e
}

func mustNumber(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		panic(err)
	}
	return n
}

// A line is "topic=t partition=0 replicas=1,2", or "topic=t partition=0 cancel".
func (s *scenario) reassignEvent(a arguments) Event {
	e := &AlterPartitionReassignments{Token: s.token, Request: protocol.NewAlterPartitionReassignmentsRequest()}
	e.Request.AllowReplicationFactorChange = !a.has("same-factor")
	for _, f := range a.lines() {
		t := protocol.NewAlterPartitionReassignmentsRequestReassignableTopic()
		t.Name = f.text("topic")
		p := protocol.NewAlterPartitionReassignmentsRequestReassignablePartition()
		p.PartitionIndex = int32(f.int("partition", 0))
		if v, ok := f.get("replicas"); ok {
			p.Replicas = append([]int32{}, numbers(v)[0]...)
		}
		t.Partitions = append(t.Partitions, p)
		e.Request.Topics = append(e.Request.Topics, t)
	}
	return e
}
