package api

import "github.com/skein-io/skein/internal/protocol"

// ListPartitionReassignments (46), version 0: the reassignments in progress (KIP-455). Answered by the controller.
func (n *Node) listPartitionReassignments(c *Call) {
	ask(n, c, nil, func(response *protocol.ListPartitionReassignmentsResponse, note func(protocol.Code, *string)) {
		note(response.ErrorCode, response.ErrorMessage)
	}, func(code protocol.Code, text *string) *protocol.ListPartitionReassignmentsResponse {
		response := protocol.NewListPartitionReassignmentsResponse()
		response.ErrorCode, response.ErrorMessage = code, text
		return response
	})
}
