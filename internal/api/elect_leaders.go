package api

import "github.com/skein-io/skein/internal/protocol"

// ElectLeaders (43), versions 0 to 2: asks for the preferred leader, from 1 on also for an unclean election (KIP-460).
// Decided by the controller; with one node every leader is already the preferred one, which is ELECTION_NOT_NEEDED.
func (n *Node) electLeaders(c *Call) {
	ask(n, c, nil, func(response *protocol.ElectLeadersResponse, note func(protocol.Code, *string)) {
		for i := range response.ReplicaElectionResults {
			results := response.ReplicaElectionResults[i].PartitionResult
			for j := range results {
				note(results[j].ErrorCode, results[j].ErrorMessage)
			}
		}
	}, func(code protocol.Code, _ *string) *protocol.ElectLeadersResponse {
		response := protocol.NewElectLeadersResponse()
		response.ErrorCode = code
		return response
	})
}
