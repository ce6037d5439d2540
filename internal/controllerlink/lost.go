package controllerlink

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// ReplicaLost tells the controller that what this broker acknowledged of a partition is gone (KIP-858). done is called once,
// as Submit's is; with nil the local image shows that the broker leads the partition no more and is in neither its ISR nor
// its ELR, unless it is the only replica.
func (l *Link) ReplicaLost(topic protocol.UUID, partition int32, done func(error)) {
	request := protocol.NewAssignReplicasToDirsRequest()
	request.BrokerID, request.BrokerEpoch = int32(l.config.NodeID), int64(l.State().Epoch)
	request.Directories = []protocol.AssignReplicasToDirsRequestDirectoryData{{ID: metadata.LostDirectory,
		Topics: []protocol.AssignReplicasToDirsRequestTopicData{{TopicID: topic,
			Partitions: []protocol.AssignReplicasToDirsRequestPartitionData{{PartitionIndex: partition}}}}}}
	_, version := protocol.Versions(request.Key())
	l.Submit(request, version, func(message protocol.Message, err error) {
		if err != nil {
			done(err)
			return
		}
		code := partitionError(message.(*protocol.AssignReplicasToDirsResponse))
		if code == protocol.None {
			done(nil)
			return
		}
		if code == protocol.StaleBrokerEpoch || code == protocol.BrokerIDNotRegistered {
			l.session.press()
		}
		done(protocol.Fail(code, "the controller does not take it that partition %d of topic %s is lost on broker %d", partition, topic, l.config.NodeID))
	})
}

func partitionError(response *protocol.AssignReplicasToDirsResponse) protocol.Code {
	for _, d := range response.Directories {
		for _, t := range d.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != protocol.None {
					return p.ErrorCode
				}
			}
		}
	}
	return response.ErrorCode
}
