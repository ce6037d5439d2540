package api

import "github.com/skein-io/skein/internal/protocol"

// DescribeClientErrors (0x4000), version 0, skein's own: the errors that this node answered to one client, newest first,
// or without a client id the newest error of each client, the client with the latest error first. A client of which
// nothing is kept is left out. What is kept is bounded, and so is the answer (Reasons).
func (n *Node) describeClientErrors(c *Call) {
	request := c.Request.(*protocol.DescribeClientErrorsRequest)
	response := protocol.NewDescribeClientErrorsResponse()
	response.Clients = []protocol.DescribeClientErrorsResponseClient{}
	add := func(client string, reasons []Reason) {
		if len(reasons) > 0 {
			response.Clients = append(response.Clients, protocol.DescribeClientErrorsResponseClient{ClientID: client, Errors: answeredErrors(reasons)})
		}
	}
	if request.ClientID != nil {
		add(*request.ClientID, n.Reasons.Of(*request.ClientID))
	} else {
		for _, client := range n.Reasons.Clients() {
			reasons := n.Reasons.Of(client)
			add(client, reasons[:min(1, len(reasons))])
		}
	}
	c.Reply(response)
}

func answeredErrors(reasons []Reason) []protocol.DescribeClientErrorsResponseAnsweredError {
	errors := make([]protocol.DescribeClientErrorsResponseAnsweredError, len(reasons))
	for i, r := range reasons {
		errors[i] = protocol.DescribeClientErrorsResponseAnsweredError{TimestampMs: r.At.UnixMilli(), ApiKey: int16(r.Key),
			ApiVersion: r.Version, AnsweredErrorCode: r.Code, Reason: r.Text, Times: int32(r.Times)}
	}
	return errors
}
