package api

import "github.com/skein-io/skein/internal/protocol"

// AlterPartition (56), versions 2 to 3, from another node: a leader asks the controller for another ISR (KIP-497, KIP-903).
func (n *Node) alterPartition(c *Call) {
	relay(n, c, func(code protocol.Code, _ *string) *protocol.AlterPartitionResponse {
		response := protocol.NewAlterPartitionResponse()
		response.ErrorCode = code
		return response
	})
}
