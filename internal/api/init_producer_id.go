package api

import (
	"sync"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// InitProducerId (22), versions 0 to 5: a new producer id with epoch 0 for an idempotent producer, whatever id it had
// before, as in Kafka: bumping the epoch of such an id is the client's own business (KIP-360). Transactional ids are
// not served yet.
func (n *Node) initProducerID(c *Call) {
	request := c.Request.(*protocol.InitProducerIDRequest)
	refuse := func(err error) {
		response := protocol.NewInitProducerIDResponse()
		response.ErrorCode = n.fail(c, err)
		response.ProducerEpoch = -1
		c.Reply(response)
	}
	switch {
	case request.TransactionalID != nil && *request.TransactionalID == "":
		refuse(protocol.Fail(protocol.InvalidRequest, "transactional.id is empty; leave it out or name one"))
		return
	case request.TransactionalID != nil:
		refuse(n.refuseTransaction(request))
		return
	case (request.ProducerID < 0) != (request.ProducerEpoch < 0):
		refuse(protocol.Fail(protocol.InvalidRequest, "producer id %d and epoch %d: both or none are given", request.ProducerID, request.ProducerEpoch))
		return
	}
	n.producerIDs.next(n.Self, n.Controller, func(id int64, err error) {
		if err != nil {
			refuse(err)
			return
		}
		response := protocol.NewInitProducerIDResponse()
		response.ProducerID, response.ProducerEpoch = id, 0
		c.Reply(response)
	})
}

// transactionTimeoutMaxMs is transaction.max.timeout.ms.
const transactionTimeoutMaxMs = 900_000

func (n *Node) refuseTransaction(request *protocol.InitProducerIDRequest) error {
	if request.TransactionTimeoutMs <= 0 || request.TransactionTimeoutMs > transactionTimeoutMaxMs {
		return protocol.Fail(protocol.InvalidTransactionTimeout, "transaction.timeout.ms is %d; it is 1 to transaction.max.timeout.ms (%d)",
			request.TransactionTimeoutMs, transactionTimeoutMaxMs)
	}
	return protocol.Fail(protocol.TransactionalIDAuthorizationFailed, "transactions are not supported yet; take transactional.id (%q) away", *request.TransactionalID)
}

// producerIDs hands out producer ids from the block that the controller gave this node, and asks for another when it
// is used up.
type producerIDs struct {
	mu       sync.Mutex
	from, to int64 // of the block: from is the next to give, to the first that is not in it
	waiting  []func(int64, error)
}

func (p *producerIDs) next(self metadata.NodeID, controller Controller, f func(int64, error)) {
	p.mu.Lock()
	if p.from < p.to {
		id := p.from
		p.from++
		p.mu.Unlock()
		f(id, nil)
		return
	}
	p.waiting = append(p.waiting, f)
	first := len(p.waiting) == 1
	p.mu.Unlock()
	if first {
		controller.AllocateProducerIDs(self, p.refill(self, controller))
	}
}

// refill serves those who wait from a new block.
func (p *producerIDs) refill(self metadata.NodeID, controller Controller) func(int64, int32, error) {
	return func(first int64, count int32, err error) {
		p.mu.Lock()
		if err == nil {
			p.from, p.to = first, first+int64(count)
		}
		waiting := p.waiting
		p.waiting = nil
		p.mu.Unlock()
		for _, f := range waiting {
			if err != nil {
				f(-1, err)
			} else {
				p.next(self, controller, f)
			}
		}
	}
}
