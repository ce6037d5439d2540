package controller

import (
	"math"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// allocateProducerIDs gives a broker the next block. What a broker does not use of it before it stops is lost: an id is
// never given twice.
func (c *Controller) allocateProducerIDs(e *AllocateProducerIDs) (protocol.Message, []metadata.Record, error) {
	_, err := c.registered(e.Request.BrokerID, e.Request.BrokerEpoch)
	if err != nil {
		return nil, nil, err
	}
	first := c.image.NextProducerID()
	if first > math.MaxInt64-ProducerIDBlock {
		return nil, nil, protocol.Fail(protocol.UnknownServerError, "all producer ids are used up: the next would be %d", first)
	}
	response := protocol.NewAllocateProducerIDsResponse()
	response.ProducerIDStart, response.ProducerIDLen = first, ProducerIDBlock
	return response, []metadata.Record{&protocol.ProducerIDsRecord{
		BrokerID: e.Request.BrokerID, BrokerEpoch: e.Request.BrokerEpoch, NextProducerID: first + ProducerIDBlock,
	}}, nil
}

// registered finds the broker that a request comes from.
func (c *Controller) registered(id int32, epoch int64) (*metadata.Broker, error) {
	b := c.image.Broker(metadata.NodeID(id))
	if b == nil {
		return nil, protocol.Fail(protocol.BrokerIDNotRegistered, "broker %d is not registered", id)
	}
	if b.Epoch != metadata.BrokerEpoch(epoch) {
		return nil, protocol.Fail(protocol.StaleBrokerEpoch, "broker %d is registered in epoch %d, not in %d", id, b.Epoch, epoch)
	}
	return b, nil
}
