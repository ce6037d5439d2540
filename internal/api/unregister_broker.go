package api

import "github.com/skein-io/skein/internal/protocol"

// UnregisterBroker (64), version 0: forgets a broker that will not come back. Decided by the controller.
func (n *Node) unregisterBroker(c *Call) {
	ask(n, c, nil, func(response *protocol.UnregisterBrokerResponse, note func(protocol.Code, *string)) {
		note(response.ErrorCode, response.ErrorMessage)
	}, func(code protocol.Code, text *string) *protocol.UnregisterBrokerResponse {
		response := protocol.NewUnregisterBrokerResponse()
		response.ErrorCode, response.ErrorMessage = code, text
		return response
	})
}
