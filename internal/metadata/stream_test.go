package metadata

import (
	"fmt"
	"math/rand/v2"

	"github.com/skein-io/skein/internal/protocol"
)

// stream makes records that fit the image they are applied to, from a seed.
type stream struct {
	random *rand.Rand
	image  *Image
	serial int
}

func (s *stream) id() (id protocol.UUID) {
	s.serial++
	copy(id[:], fmt.Sprintf("%016d", s.serial))
	return id
}

func (s *stream) nodes(n int) []int32 {
	nodes := make([]int32, n)
	for i, v := range s.random.Perm(5)[:n] {
		nodes[i] = int32(v)
	}
	return nodes
}

func (s *stream) anyTopic() *Topic {
	n := s.random.IntN(s.image.TopicCount())
	for t := range s.image.Topics() {
		if n == 0 {
			return t
		}
		n--
	}
	panic("unreachable")
}

func (s *stream) next() []Record {
	if s.image.TopicCount() == 0 {
		return s.create()
	}
	switch s.random.IntN(12) {
	case 0, 1:
		return s.create()
	case 2:
		return []Record{&protocol.RemoveTopicRecord{TopicID: s.anyTopic().ID}}
	case 3, 4, 5:
		return s.change()
	case 6, 7:
		return s.config()
	case 8:
		return []Record{&protocol.ProducerIDsRecord{NextProducerID: s.image.NextProducerID() + 1000}}
	case 9, 10:
		return s.broker()
	}
	return []Record{&protocol.FeatureLevelRecord{
		Name: fmt.Sprint("f", s.random.IntN(3)), FeatureLevel: int16(s.random.IntN(3)),
	}, &protocol.NoOpRecord{}}
}

func (s *stream) create() []Record {
	name := fmt.Sprintf("t%d", s.random.IntN(40))
	if s.random.IntN(3) == 0 {
		name = fmt.Sprintf("t.%d_x", s.random.IntN(40))
	}
	if s.image.Topic(name) != nil {
		return nil
	}
	id := s.id()
	records := []Record{&protocol.TopicRecord{Name: name, TopicID: id}}
	value := "v"
	records = append(records, ConfigRecord(Resource{TopicResource, name}, "c", &value))
	for i := range s.random.IntN(4) + 1 {
		nodes := s.nodes(3)
		records = append(records, &protocol.PartitionRecord{
			PartitionID: int32(i), TopicID: id, Replicas: nodes, Isr: nodes[:2], Leader: nodes[0],
			Directories: []protocol.UUID{s.id()}, LeaderRecoveryState: int8(s.random.IntN(2)),
			EligibleLeaderReplicas: nodes[2:],
		})
	}
	return records
}

func (s *stream) change() []Record {
	t := s.anyTopic()
	r := protocol.NewPartitionChangeRecord()
	r.TopicID, r.PartitionID = t.ID, int32(s.random.IntN(t.Len()))
	switch s.random.IntN(5) {
	case 0:
		r.Leader = int32(s.random.IntN(6) - 1)
	case 1:
		r.Isr = s.nodes(1 + s.random.IntN(3))
	case 2:
		r.Replicas, r.AddingReplicas, r.RemovingReplicas = s.nodes(4), s.nodes(1), []int32{}
	case 3:
		r.LeaderRecoveryState = int8(s.random.IntN(2))
	case 4:
		r.EligibleLeaderReplicas, r.LastKnownElr, r.Directories = []int32{}, s.nodes(2), []protocol.UUID{}
	}
	return []Record{r}
}

func (s *stream) config() []Record {
	resource := []Resource{{TopicResource, s.anyTopic().Name}, ClusterDefault, {BrokerResource, "1"}, {GroupResource, "g"}}[s.random.IntN(4)]
	name := fmt.Sprint("c", s.random.IntN(4))
	if s.random.IntN(3) == 0 {
		return []Record{ConfigRecord(resource, name, nil)}
	}
	value := fmt.Sprint(s.random.IntN(100))
	return []Record{ConfigRecord(resource, name, &value)}
}

func (s *stream) broker() []Record {
	id := int32(s.random.IntN(5))
	b := s.image.Broker(NodeID(id))
	if b == nil || s.random.IntN(4) == 0 {
		rack := "r"
		return []Record{&protocol.RegisterBrokerRecord{
			BrokerID: id, IncarnationID: s.id(), BrokerEpoch: int64(s.serial), Rack: &rack, Fenced: s.random.IntN(2) == 0,
			EndPoints: []protocol.RegisterBrokerRecordBrokerEndpoint{{Name: "PLAINTEXT", Host: "h", Port: 9092}},
			Features:  []protocol.RegisterBrokerRecordBrokerFeature{{Name: "f1", MaxSupportedVersion: 3}},
			LogDirs:   []protocol.UUID{s.id()},
		}}
	}
	if s.random.IntN(5) == 0 {
		return []Record{&protocol.UnregisterBrokerRecord{BrokerID: id, BrokerEpoch: int64(b.Epoch)}}
	}
	return []Record{&protocol.BrokerRegistrationChangeRecord{
		BrokerID: id, BrokerEpoch: int64(b.Epoch), Fenced: int8(s.random.IntN(3) - 1),
		InControlledShutdown: int8(s.random.IntN(2)),
	}}
}
