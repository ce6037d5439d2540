package tour

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
)

// replicasScene: log end, durable end and high watermark of three replicas, one of which is cut off, leaves the ISR and
// comes back.
var replicasScene = Scene{Name: "replicas", Cluster: true, Begin: func(a *Act) []Step {
	s := &replicated{Act: a}
	a.lanes, a.group = nil, ""
	return []Step{{Name: "whole", Do: s.whole}, {Name: "cut", Do: s.cut}, {Name: "out", Do: s.out}, {Name: "back", Do: s.back}}
}}

// replicated is a topic with one partition on three nodes. Neither the leader nor the slow follower is the controller, so
// that a cut between the two tells nobody's session.
type replicated struct {
	*Act
	addresses          map[int32]string
	leader, slow, last int32
	quorumEpoch        int32       // in which last is the controller
	produced           chan error  // of the record that waits
	writer             *kgo.Client // see write
}

// replicaEnds is where one replica is.
type replicaEnds struct{ end, durable, highWatermark int64 }

// whole gives the three nodes their parts and writes what all of them get.
func (s *replicated) whole() error {
	if err := s.cast(); err != nil {
		return err
	}
	if err := s.createReplicated(nil, s.leader, s.slow, s.last); err != nil {
		return err
	}
	for range 3 {
		if err := s.produce(1, 1); err != nil {
			return err
		}
	}
	ends, err := s.awaitEnds("all replicas to have three records", func(ends map[int32]replicaEnds) bool {
		all := replicaEnds{3, 3, 3}
		return ends[s.leader] == all && ends[s.slow].durable == 3 && ends[s.last].durable == 3
	})
	if err != nil {
		return err
	}
	s.fact(Wire, "whole", []int64{ends[s.leader].end, ends[s.leader].durable, ends[s.leader].highWatermark}, []int64{3, 3, 3})
	return s.isrFact("isr.whole", s.leader, s.slow, s.last)
}

// cast finds the controller. The others are the leader and the follower that is cut off.
func (s *replicated) cast() error {
	admin, err := s.admin()
	if err != nil {
		return err
	}
	var ids []int32
	err = s.await("the brokers", 10*time.Second, func() error { // the one that is asked may hear of another a moment later
		brokers, err := admin.ListBrokers(s.ctx)
		if err == nil && len(brokers) != clusterNodes {
			err = fmt.Errorf("%d brokers are there, not %d", len(brokers), clusterNodes)
		}
		s.addresses, ids = map[int32]string{}, nil
		for _, b := range brokers {
			s.addresses[b.NodeID] = fmt.Sprintf("%s:%d", b.Host, b.Port)
			ids = append(ids, b.NodeID)
		}
		return err
	})
	if err != nil {
		return err
	}
	if s.last, s.quorumEpoch, err = s.quorum(); err != nil {
		return err
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(ids, func(id int32) bool { return id == s.last })
	s.leader, s.slow = ids[0], ids[1]
	return nil
}

// quorum is the controller and its epoch.
func (s *replicated) quorum() (controller, epoch int32, err error) {
	request := kmsg.NewPtrDescribeQuorumRequest()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic, topic.Partitions = "__cluster_metadata", []kmsg.DescribeQuorumRequestTopicPartition{{}}
	request.Topics = append(request.Topics, topic)
	response, err := request.RequestWith(s.ctx, s.client)
	if err != nil {
		return 0, 0, err
	}
	if response.ErrorCode != 0 || len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return 0, 0, fmt.Errorf("DescribeQuorum was answered with %s", protocol.Code(response.ErrorCode))
	}
	p := response.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		return 0, 0, fmt.Errorf("DescribeQuorum was answered with %s", protocol.Code(p.ErrorCode))
	}
	return p.LeaderID, p.LeaderEpoch, nil
}

// createReplicated makes the topic where the scene wants it, with configurations of its own. The first leads.
func (s *replicated) createReplicated(configs map[string]string, nodes ...int32) error {
	request := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = s.topic, -1, -1
	topic.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: nodes}}
	for name, value := range configs {
		topic.Configs = append(topic.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: name, Value: &value})
	}
	request.Topics = append(request.Topics, topic)
	response, err := request.RequestWith(s.ctx, s.client)
	if err != nil {
		return err
	}
	if len(response.Topics) != 1 || response.Topics[0].ErrorCode != 0 {
		return fmt.Errorf("CreateTopics was answered with %+v", response.Topics)
	}
	s.topicID = response.Topics[0].TopicID
	return nil
}

// cut stops what the follower and its leader send each other, and writes a record that waits for it.
func (s *replicated) cut() error {
	s.broker.Faults.Cut(s.leader, s.slow)
	s.produced = make(chan error, 1)
	s.client.Produce(s.ctx, &kgo.Record{Topic: s.topic, Value: []byte("the fourth")}, func(_ *kgo.Record, err error) { s.produced <- err })
	ends, err := s.awaitEnds("the fourth record to be durable at the others", func(ends map[int32]replicaEnds) bool {
		return ends[s.leader].durable == 4 && ends[s.last].durable == 4
	})
	if err != nil {
		return err
	}
	s.fact(Wire, "cut.leader", []int64{ends[s.leader].end, ends[s.leader].durable}, []int64{4, 4})
	s.fact(Wire, "cut.held", ends[s.leader].highWatermark, int64(3), ends[s.slow].durable)
	s.fact(Wire, "cut.waits", len(s.produced), 0)
	return nil
}

// out waits until the follower has left the ISR.
func (s *replicated) out() error {
	var away time.Duration
	err := s.await("the follower to leave the ISR", LagMax+10*time.Second, func() error {
		led, err := s.describe(s.leader)
		if err != nil {
			return err
		}
		for _, r := range led.Replicas {
			if r.NodeID == s.slow && r.Standing == "behind" && !r.InSync {
				away = time.Since(time.UnixMilli(r.SinceMs))
				return nil
			}
		}
		return errNotYet
	})
	if err != nil {
		return err
	}
	select {
	case err = <-s.produced:
	case <-s.ctx.Done():
		err = s.ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("the fourth record: %w", err)
	}
	ends, err := s.awaitEnds("the high watermark to go on", func(ends map[int32]replicaEnds) bool { return ends[s.leader].highWatermark == 4 })
	if err != nil {
		return err
	}
	s.fact(Wire, "out.late", away >= LagMax, true, LagMax.Seconds())
	s.fact(Wire, "out.moves", ends[s.leader].highWatermark, int64(4), ends[s.slow].durable)
	return s.isrFact("isr.out", s.leader, s.last)
}

// back lets the follower fetch again.
func (s *replicated) back() error {
	s.broker.Faults.Heal()
	want := []int32{s.leader, s.slow, s.last}
	slices.Sort(want)
	err := s.await("the follower to come back", 15*time.Second, func() error {
		isr, err := s.isr()
		if err == nil && !slices.Equal(isr, want) {
			err = errNotYet
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := s.produce(1, 1); err != nil {
		return err
	}
	ends, err := s.awaitEnds("all replicas to have five records", func(ends map[int32]replicaEnds) bool {
		return ends[s.leader].highWatermark == 5 && ends[s.slow].durable == 5 && ends[s.last].durable == 5
	})
	if err != nil {
		return err
	}
	s.fact(Wire, "back", []int64{ends[s.slow].end, ends[s.slow].durable}, []int64{5, 5})
	return s.isrFact("isr.back", s.leader, s.slow, s.last)
}

// describe asks a node for its replica.
func (s *replicated) describe(node int32) (*protocol.DescribeReplicasResponsePartition, error) {
	request, response := protocol.NewDescribeReplicasRequest(), protocol.NewDescribeReplicasResponse()
	request.Topics = []protocol.DescribeReplicasRequestTopic{{TopicID: s.topicID, Partitions: []int32{0}}}
	if err := s.askNode(s.addresses[node], request, response); err != nil {
		return nil, err
	}
	if response.ErrorCode != protocol.None || len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("DescribeReplicas was answered with %s", response.ErrorCode)
	}
	p := &response.Topics[0].Partitions[0]
	if p.ErrorCode != protocol.None {
		return nil, fmt.Errorf("node %d: %s", node, p.ErrorCode)
	}
	return p, nil
}

// awaitEnds asks the nodes until it is as wanted, and shows where each replica is.
func (s *replicated) awaitEnds(what string, wanted func(map[int32]replicaEnds) bool) (map[int32]replicaEnds, error) {
	ends := map[int32]replicaEnds{}
	err := s.await(what, 10*time.Second, func() error {
		for node := range s.addresses {
			p, err := s.describe(node)
			if err != nil {
				return err
			}
			ends[node] = replicaEnds{p.LogEndOffset, p.DurableEndOffset, p.HighWatermark}
		}
		if !wanted(ends) {
			return fmt.Errorf("%w: %v", errNotYet, ends)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, node := range []int32{s.leader, s.last, s.slow} {
		shown := ""
		if node == s.leader {
			shown = fmt.Sprint(ends[node].highWatermark) // a follower's is that of its last fetch
		}
		rows = append(rows, []string{s.part(node), fmt.Sprint(ends[node].end), fmt.Sprint(ends[node].durable), shown})
	}
	s.table([]string{"replica", "log-end", "durable-end", "high-watermark"}, rows)
	return ends, nil
}

// part is what a node is in the scene.
func (s *replicated) part(node int32) string {
	switch node {
	case s.leader:
		return s.words.Say("replicas.part.leader")
	case s.slow:
		return s.words.Say("replicas.part.slow")
	}
	return s.words.Say("replicas.part.other")
}

// isr is what Metadata says, sorted.
func (s *replicated) isr() ([]int32, error) {
	admin, err := s.admin()
	if err != nil {
		return nil, err
	}
	topics, err := admin.ListTopics(s.ctx, s.topic)
	if err != nil {
		return nil, err
	}
	isr := slices.Clone(topics[s.topic].Partitions[0].ISR)
	slices.Sort(isr)
	return isr, topics[s.topic].Err
}

// isrFact compares the ISR of Metadata with the parts that must be in it. A node may learn of a change a moment later.
func (s *replicated) isrFact(name string, nodes ...int32) error {
	want := slices.Sorted(slices.Values(nodes))
	got := []int32{}
	_ = s.await("the ISR", 5*time.Second, func() (err error) {
		if got, err = s.isr(); err == nil && !slices.Equal(got, want) {
			err = errNotYet
		}
		return err
	})
	var names []string
	for _, node := range nodes {
		if slices.Contains(got, node) {
			names = append(names, s.part(node))
		}
	}
	var wanted []string
	for _, node := range nodes {
		wanted = append(wanted, s.part(node))
	}
	s.fact(Wire, name, append(names, fmt.Sprint(len(got))), append(wanted, fmt.Sprint(len(want))))
	return nil
}
