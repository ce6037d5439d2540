package api

import "github.com/skein-io/skein/internal/protocol"

// AddRaftVoter (80), versions 0 and 1: a node that has joined the metadata quorum and has caught up becomes a voter
// (KIP-853). The answer comes when that is committed, also where version 1 asks for an earlier one (KIP-1186).
func (n *Node) addRaftVoter(c *Call) {
	ask(n, c, nil, func(response *protocol.AddRaftVoterResponse, note func(protocol.Code, *string)) {
		note(response.ErrorCode, response.ErrorMessage)
	}, func(code protocol.Code, text *string) *protocol.AddRaftVoterResponse {
		response := protocol.NewAddRaftVoterResponse()
		response.ErrorCode, response.ErrorMessage = code, text
		return response
	})
}
