package api

import "github.com/skein-io/skein/internal/protocol"

// AllocateProducerIds (67), version 0, from another node: a block of producer ids for its broker (KIP-730).
func (n *Node) allocateProducerIDs(c *Call) {
	relay(n, c, func(code protocol.Code, _ *string) *protocol.AllocateProducerIDsResponse {
		response := protocol.NewAllocateProducerIDsResponse()
		response.ErrorCode = code
		return response
	})
}
