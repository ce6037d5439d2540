package api

import "github.com/skein-io/skein/internal/protocol"

// BrokerRegistration (62), versions 0 to 4, from another node: its broker asks the controller to be known (KIP-631).
func (n *Node) brokerRegistration(c *Call) {
	relay(n, c, func(code protocol.Code, _ *string) *protocol.BrokerRegistrationResponse {
		response := protocol.NewBrokerRegistrationResponse()
		response.ErrorCode = code
		return response
	})
}
