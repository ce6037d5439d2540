package controllerlink

import (
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// Ask is Submit under the name by which the APIs know it.
func (l *Link) Ask(request protocol.Message, version int16, done func(protocol.Message, error)) {
	l.Submit(request, version, done)
}

// AllocateProducerIDs takes a block of producer ids for this broker. done is called once, as Submit's is.
func (l *Link) AllocateProducerIDs(self metadata.NodeID, done func(first int64, count int32, err error)) {
	request := protocol.NewAllocateProducerIDsRequest()
	epoch := l.State().Epoch
	if b := l.config.Local.Image().Broker(self); epoch == metadata.NoBrokerEpoch && b != nil {
		epoch = b.Epoch
	}
	request.BrokerID, request.BrokerEpoch = int32(self), int64(epoch)
	_, version := protocol.Versions(protocol.KeyAllocateProducerIDs)
	l.submit(&submission{request: request, version: version, done: func(message protocol.Message, err error) {
		if err != nil {
			done(0, 0, err)
			return
		}
		response := message.(*protocol.AllocateProducerIDsResponse)
		if response.ErrorCode == protocol.StaleBrokerEpoch || response.ErrorCode == protocol.BrokerIDNotRegistered {
			l.session.press()
		}
		done(ProducerIDs(self, response))
	}})
}

// ProducerIDs is the block of producer ids that the controller gave to a node, or why it gave none.
func ProducerIDs(node metadata.NodeID, response *protocol.AllocateProducerIDsResponse) (first int64, count int32, err error) {
	switch {
	case response.ErrorCode != protocol.None:
		return 0, 0, protocol.Fail(response.ErrorCode, "the controller gives no producer ids to node %d", node)
	case response.ProducerIDLen <= 0:
		return 0, 0, protocol.Fail(protocol.UnknownServerError, "the controller gave an empty block of producer ids")
	}
	return response.ProducerIDStart, response.ProducerIDLen, nil
}
