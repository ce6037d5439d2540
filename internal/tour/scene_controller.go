package tour

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skein-io/skein/internal/api"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/tour/lane"
)

// controllerScene: the controller dies, another is elected, and what comes from before is refused.
var controllerScene = Scene{Name: "controller", Cluster: true, Begin: func(a *Act) []Step {
	s := &controlled{replicated: replicated{Act: a}}
	a.lanes, a.group = nil, ""
	return []Step{{Name: "whole", Do: s.whole}, {Name: "killed", Do: s.killed}, {Name: "stale", Do: s.stale}, {Name: "cut", Do: s.cut},
		{Name: "fenced", Do: s.fenced}}
}}

// controlled is a cluster whose controller dies. Who is elected next is chance, so the scene calls its nodes by their parts:
// last was the controller first, slow is the second one and a follower, leader is the other and leads the partition.
type controlled struct {
	replicated
	brokerEpoch int64 // of the first controller's node, before it was killed
	before      standing
}

func (s *controlled) role(node int32) string {
	switch node {
	case s.last:
		return s.words.Say("controller.part.first")
	case s.slow:
		return s.words.Say("controller.part.second")
	}
	return s.words.Say("controller.part.leader")
}

func (s *controlled) whole() (err error) {
	if err = s.cast(); err != nil {
		return err
	}
	if s.brokerEpoch, err = s.brokerEpochOf(s.last); err != nil {
		return err
	}
	s.fact(Wire, "whole", s.last > 0 && s.quorumEpoch > 0, true, s.quorumEpoch, s.brokerEpoch)
	return nil
}

// brokerEpochOf asks the nodes but this one for its registration.
func (s *controlled) brokerEpochOf(node int32) (int64, error) {
	request, response := protocol.NewDescribeReplicasRequest(), protocol.NewDescribeReplicasResponse()
	if err := s.askNode(s.addresses[s.other(node)], request, response); err != nil {
		return 0, err
	}
	for _, b := range response.Brokers {
		if b.BrokerID == node && b.BrokerEpoch >= 0 {
			return b.BrokerEpoch, nil
		}
	}
	return 0, fmt.Errorf("node %d is not registered", node)
}

// other is a node that is neither this one nor the first controller.
func (s *controlled) other(node int32) int32 {
	if node == s.leader {
		return s.slow
	}
	return s.leader
}

// killed ends the controller, and asks for a topic until there is one who makes it.
func (s *controlled) killed() error {
	first, firstEpoch := s.last, s.quorumEpoch
	died := s.elapsed()
	if err := s.broker.Faults.Kill(first); err != nil {
		return err
	}
	err := s.await("another controller", askMax, func() error {
		controller, epoch, err := s.quorum()
		if err != nil {
			return err
		}
		if controller < 0 || controller == first {
			return fmt.Errorf("%w: the controller is %d", errNotYet, controller)
		}
		if controller != s.slow {
			s.leader, s.slow = s.slow, s.leader
		}
		s.quorumEpoch = epoch
		return nil
	})
	if err != nil {
		return err
	}
	for _, node := range []int32{s.last, s.slow, s.leader} {
		s.laneOf(s.role(node))
	}
	s.mark(s.role(first), lane.End, "killed", s.role(first))
	s.marks[len(s.marks)-1].row.At = died
	s.mark(s.role(s.slow), lane.Change, "controls", s.role(s.slow))
	s.fact(Wire, "killed.epoch", s.quorumEpoch > firstEpoch, true, firstEpoch, s.quorumEpoch)
	err = s.await("a topic to be made", askMax, func() error {
		err := s.createReplicated(map[string]string{"min.insync.replicas": "1"}, s.leader, s.slow)
		if err == nil {
			return nil
		}
		return s.madeAlready(err) // by one whose answer was lost
	})
	if err != nil {
		return err
	}
	s.mark(s.role(s.slow), lane.None, "made", s.topic)
	s.before, err = s.awaitParts("both replicas to be in sync", func(st standing) bool { return st.leader == s.leader && len(st.isr) == 2 })
	if err != nil {
		return err
	}
	s.fact(Wire, "killed.topic", s.before.code.String(), protocol.None.String(), (s.elapsed() - died).Milliseconds())
	return nil
}

// madeAlready finds the topic that could not be made, or gives the error.
func (s *controlled) madeAlready(failed error) error {
	topics, err := kadm.NewClient(s.client).ListTopics(s.ctx, s.topic)
	if err != nil || topics[s.topic].Err != nil || len(topics[s.topic].Partitions) == 0 {
		return failed
	}
	s.topicID = topics[s.topic].ID
	return nil
}

// awaitParts is awaitStanding with the parts' names in its table.
func (s *controlled) awaitParts(what string, wanted func(standing) bool) (standing, error) {
	shown := len(s.tables)
	st, err := s.awaitStanding(what, wanted)
	s.tables = s.tables[:shown]
	if err != nil {
		return st, err
	}
	isr := ""
	for _, node := range []int32{s.leader, s.slow, s.last} {
		for _, in := range st.isr {
			if in == node {
				isr += s.role(node) + " "
			}
		}
	}
	s.table([]string{"leader", "leader-epoch", "isr"}, [][]string{{s.role(st.leader), fmt.Sprint(st.epoch), isr}})
	return st, nil
}

// stale starts the first controller's node again, and sends what its former process might have sent still.
func (s *controlled) stale() error {
	name := s.role(s.last)
	s.ended = nil
	s.mark(name, lane.Begin, "begin", name)
	if err := s.broker.Faults.Restart(s.last); err != nil {
		return err
	}
	var now int64
	err := s.await("it to be registered again", askMax, func() (err error) {
		if now, err = s.brokerEpochOf(s.last); err == nil && now == s.brokerEpoch {
			err = errNotYet
		}
		return err
	})
	if err != nil {
		return err
	}
	s.fact(Wire, "stale.registered", now > s.brokerEpoch, true, s.brokerEpoch, now)
	node, err := s.open(s.addresses[s.slow], api.NodeSoftwareName)
	if err != nil {
		return err
	}
	defer node.close()
	beat, beaten := protocol.NewBrokerHeartbeatRequest(), protocol.NewBrokerHeartbeatResponse()
	beat.BrokerID, beat.BrokerEpoch = s.last, s.brokerEpoch
	if err := node.ask(askMax, beat, newest(beat), beaten); err != nil {
		return err
	}
	s.fact(Wire, "stale.heartbeat", beaten.ErrorCode.String(), protocol.StaleBrokerEpoch.String())
	old, err := s.allocate(node, s.last, s.brokerEpoch)
	if err != nil {
		return err
	}
	s.fact(Wire, "stale.ids", old.ErrorCode.String(), protocol.StaleBrokerEpoch.String())
	fresh, err := s.allocate(node, s.last, now)
	if err != nil {
		return err
	}
	s.fact(Wire, "stale.fresh", fresh.ErrorCode.String(), protocol.None.String())
	first, err := s.open(s.addresses[s.last], api.NodeSoftwareName)
	if err != nil {
		return err
	}
	defer first.close()
	wrong, err := s.allocate(first, s.last, now)
	if err != nil {
		return err
	}
	s.fact(Wire, "stale.controller", wrong.ErrorCode.String(), protocol.NotController.String())
	return nil
}

// allocate asks for producer ids, as a broker does.
func (s *controlled) allocate(l *line, broker int32, epoch int64) (*protocol.AllocateProducerIDsResponse, error) {
	request, response := protocol.NewAllocateProducerIDsRequest(), protocol.NewAllocateProducerIDsResponse()
	request.BrokerID, request.BrokerEpoch = broker, epoch
	return response, l.ask(askMax, request, newest(request), response)
}

// cut cuts the leader off from its cluster, while a producer reaches it.
func (s *controlled) cut() error {
	offsets, err := s.write("a")
	if err != nil {
		return err
	}
	s.fact(Wire, "cut.first", offsets, []int64{0})
	producer, err := s.open(s.addresses[s.leader], softwareName)
	if err != nil {
		return err
	}
	defer producer.close()
	s.cutOff(s.leader)
	s.mark(s.role(s.leader), lane.Pause, "isolated", s.role(s.leader))
	code, _, err := s.produceAt(producer, "x", "y", "z")
	if err != nil {
		return err
	}
	s.mark(s.role(s.leader), lane.None, "answers", code.String())
	s.fact(Wire, "cut.refused", code.String(), protocol.NotLeaderOrFollower.String())
	led, err := s.describe(s.leader)
	if err != nil {
		return err
	}
	s.fact(Wire, "cut.tail", led.LogEndOffset, int64(4))
	st, err := s.awaitParts("another leader", func(st standing) bool { return st.leader >= 0 && st.leader != s.leader })
	if err != nil {
		return err
	}
	s.mark(s.role(s.slow), lane.Change, "leads", s.role(st.leader), st.epoch)
	s.fact(Wire, "cut.leader", st.leader == s.slow && st.epoch > s.before.epoch, true, s.role(st.leader), st.epoch)
	next, err := s.open(s.addresses[s.slow], softwareName)
	if err != nil {
		return err
	}
	defer next.close()
	var offset int64
	err = s.await("the new leader to take a record", askMax, func() error {
		code, at, err := s.produceAt(next, "b")
		if err == nil && code != protocol.None {
			err = fmt.Errorf("the answer is %s", code)
		}
		offset = at
		return err
	})
	if err != nil {
		return err
	}
	s.fact(Wire, "cut.next", offset, int64(1))
	return nil
}

// fenced sends what belongs to the old leader's epoch, and lets it come back.
func (s *controlled) fenced() error {
	epoch, err := s.brokerEpochOf(s.leader)
	if err != nil {
		return err
	}
	node, err := s.open(s.addresses[s.slow], api.NodeSoftwareName)
	if err != nil {
		return err
	}
	defer node.close()
	request, response := protocol.NewAlterPartitionRequest(), protocol.NewAlterPartitionResponse()
	request.BrokerID, request.BrokerEpoch = s.leader, epoch
	request.Topics = []protocol.AlterPartitionRequestTopicData{{TopicID: s.topicID, Partitions: []protocol.AlterPartitionRequestPartitionData{{
		LeaderEpoch: s.before.epoch, NewIsrWithEpochs: []protocol.AlterPartitionRequestBrokerState{{BrokerID: s.leader, BrokerEpoch: epoch}}}}}}
	if err := node.ask(askMax, request, newest(request), response); err != nil {
		return err
	}
	if response.ErrorCode != protocol.None || len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return fmt.Errorf("AlterPartition was answered with %+v", response)
	}
	s.fact(Wire, "fenced.alter", response.Topics[0].Partitions[0].ErrorCode.String(), protocol.FencedLeaderEpoch.String(), s.before.epoch)
	code, err := s.fetchAt(s.slow, 1, s.before.epoch)
	if err != nil {
		return err
	}
	s.fact(Wire, "fenced.fetch", code.String(), protocol.FencedLeaderEpoch.String(), s.before.epoch)
	s.broker.Faults.Heal()
	s.mark(s.role(s.leader), lane.Resume, "healed", s.role(s.leader))
	if _, err := s.awaitParts("the old leader to be in sync", func(st standing) bool { return st.leader == s.slow && len(st.isr) == 2 }); err != nil {
		return err
	}
	var back *protocol.DescribeReplicasResponsePartition
	err = s.await("the old leader's log", askMax, func() (err error) {
		if back, err = s.describe(s.leader); err == nil && back.DurableEndOffset != 2 {
			err = fmt.Errorf("%w: %+v", errNotYet, back)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.fact(Wire, "fenced.back", back.LogEndOffset, int64(2))
	producer, err := s.open(s.addresses[s.leader], softwareName)
	if err != nil {
		return err
	}
	defer producer.close()
	if code, _, err = s.produceAt(producer, "w"); err != nil {
		return err
	}
	s.fact(Wire, "fenced.produce", code.String(), protocol.NotLeaderOrFollower.String())
	read, err := s.values(2)
	if err != nil {
		return err
	}
	s.fact(Wire, "fenced.read", read, []string{"a", "b"})
	return nil
}
