package nemesis

import (
	"context"
	"net"
	"time"

	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
)

// look notes what each node knows of the replicas of everybody's topics and of the groups' offsets: why one is in sync, or not.
func (w *world) look() {
	request := protocol.NewDescribeReplicasRequest()
	for _, id := range w.ids {
		topic := protocol.DescribeReplicasRequestTopic{TopicID: protocol.UUID(id)}
		for p := range int32(3) {
			topic.Partitions = append(topic.Partitions, p)
		}
		request.Topics = append(request.Topics, topic)
	}
	for _, address := range w.node.Bootstraps() {
		w.lookAt(address, request)
	}
}

func (w *world) lookAt(address string, request *protocol.DescribeReplicasRequest) {
	p := peer.New(func() (string, bool) { return address, true }, peer.Config{ClientID: "look", RequestTimeout: 5 * time.Second,
		Dial: func(ctx context.Context, address string) (net.Conn, error) { return w.node.Dial(ctx, "tcp", address) }})
	defer func() { _ = p.Close() }()
	answered := make(chan struct{})
	p.Ask(request, func(response protocol.Message, _ int16, err error) {
		defer close(answered)
		if err != nil {
			w.journal.note("%s: %v", address, err)
			return
		}
		answer := response.(*protocol.DescribeReplicasResponse)
		for _, topic := range answer.Topics {
			for _, p := range topic.Partitions {
				if p.ErrorCode == protocol.None {
					w.journal.note("node %d, %v-%d: leader %d, epoch %d, from %d to %d, durable %d, high watermark %d, replicas %+v", answer.NodeID,
						topic.TopicID, p.PartitionIndex, p.LeaderID, p.LeaderEpoch, p.LogStartOffset, p.LogEndOffset, p.DurableEndOffset, p.HighWatermark, p.Replicas)
				}
			}
		}
	})
	<-answered
}
