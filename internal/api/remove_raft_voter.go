package api

import "github.com/skein-io/skein/internal/protocol"

// RemoveRaftVoter (81), version 0: a voter votes no more, dead or alive (KIP-853). If it lives it joins again by itself, as
// an observer.
func (n *Node) removeRaftVoter(c *Call) {
	ask(n, c, nil, func(response *protocol.RemoveRaftVoterResponse, note func(protocol.Code, *string)) {
		note(response.ErrorCode, response.ErrorMessage)
	}, func(code protocol.Code, text *string) *protocol.RemoveRaftVoterResponse {
		response := protocol.NewRemoveRaftVoterResponse()
		response.ErrorCode, response.ErrorMessage = code, text
		return response
	})
}
