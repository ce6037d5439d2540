package controllerlink

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// PartitionChange is what the leader of a partition wants its in-sync replicas to be (KIP-497).
type PartitionChange struct {
	TopicID     protocol.UUID
	Partition   int32
	LeaderEpoch record.LeaderEpoch
	Epoch       metadata.PartitionEpoch // of the state that is changed
	ISR         []InSync                // with the leader itself
	Recovering  bool                    // the leader was elected uncleanly and has not recovered yet
}

// InSync is one member of an ISR, with the registration that the leader knows it by (KIP-903).
type InSync struct {
	Node  metadata.NodeID
	Epoch metadata.BrokerEpoch // NoBrokerEpoch if it is not known
}

// PartitionState is what the controller answers: the partition as it is now.
type PartitionState struct {
	Leader      metadata.NodeID
	LeaderEpoch record.LeaderEpoch
	Epoch       metadata.PartitionEpoch
	ISR         []metadata.NodeID
	Recovering  bool
}

type partitionKey struct {
	topic     protocol.UUID
	partition int32
}

func (c *PartitionChange) key() partitionKey { return partitionKey{c.TopicID, c.Partition} }

// encode makes the request of many changes. Both forms of the ISR are filled: which one is sent depends on the version.
func encode(self metadata.NodeID, epoch metadata.BrokerEpoch, changes []*change) *protocol.AlterPartitionRequest {
	r := protocol.NewAlterPartitionRequest()
	r.BrokerID, r.BrokerEpoch = int32(self), int64(epoch)
	topics := map[protocol.UUID]int{}
	for _, c := range changes {
		i, ok := topics[c.TopicID]
		if !ok {
			i = len(r.Topics)
			topics[c.TopicID] = i
			r.Topics = append(r.Topics, protocol.AlterPartitionRequestTopicData{TopicID: c.TopicID})
		}
		r.Topics[i].Partitions = append(r.Topics[i].Partitions, c.encode())
	}
	return r
}

func (c *PartitionChange) encode() protocol.AlterPartitionRequestPartitionData {
	p := protocol.AlterPartitionRequestPartitionData{PartitionIndex: c.Partition, LeaderEpoch: int32(c.LeaderEpoch), PartitionEpoch: int32(c.Epoch)}
	if c.Recovering {
		p.LeaderRecoveryState = 1
	}
	for _, m := range c.ISR {
		p.NewIsr = append(p.NewIsr, int32(m.Node))
		p.NewIsrWithEpochs = append(p.NewIsrWithEpochs, protocol.AlterPartitionRequestBrokerState{BrokerID: int32(m.Node), BrokerEpoch: int64(m.Epoch)})
	}
	return p
}

func stateOf(p *protocol.AlterPartitionResponsePartitionData) PartitionState {
	s := PartitionState{Leader: metadata.NodeID(p.LeaderID), LeaderEpoch: record.LeaderEpoch(p.LeaderEpoch),
		Epoch: metadata.PartitionEpoch(p.PartitionEpoch), Recovering: p.LeaderRecoveryState == 1}
	for _, id := range p.Isr {
		s.ISR = append(s.ISR, metadata.NodeID(id))
	}
	return s
}
