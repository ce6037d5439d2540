package api

import "github.com/skein-io/skein/internal/protocol"

// AlterPartitionReassignments (45), versions 0 to 1: gives partitions other replicas (KIP-455). Decided by the controller.
func (n *Node) alterPartitionReassignments(c *Call) {
	ask(n, c, nil, func(response *protocol.AlterPartitionReassignmentsResponse, note func(protocol.Code, *string)) {
		note(response.ErrorCode, response.ErrorMessage)
		for i := range response.Responses {
			for j := range response.Responses[i].Partitions {
				p := &response.Responses[i].Partitions[j]
				note(p.ErrorCode, p.ErrorMessage)
			}
		}
	}, func(code protocol.Code, text *string) *protocol.AlterPartitionReassignmentsResponse {
		response := protocol.NewAlterPartitionReassignmentsResponse()
		response.ErrorCode, response.ErrorMessage = code, text
		return response
	})
}
