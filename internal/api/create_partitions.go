package api

import "github.com/skein-io/skein/internal/protocol"

// CreatePartitions (37), versions 0 to 3: adds partitions to topics. Decided by the controller.
func (n *Node) createPartitions(c *Call) {
	request := c.Request.(*protocol.CreatePartitionsRequest)
	var unfit error
	for i := range request.Topics {
		if n.internalTopic(request.Topics[i].Name) {
			unfit = protocol.Fail(protocol.PolicyViolation, "the number of partitions of %s decides where each group's offsets are; "+
				"more of them would lose what is committed", request.Topics[i].Name)
		}
	}
	ask(n, c, unfit, func(response *protocol.CreatePartitionsResponse, note func(protocol.Code, *string)) {
		for i := range response.Results {
			note(response.Results[i].ErrorCode, response.Results[i].ErrorMessage)
		}
	}, func(code protocol.Code, text *string) *protocol.CreatePartitionsResponse {
		response := protocol.NewCreatePartitionsResponse()
		for i := range request.Topics {
			response.Results = append(response.Results, protocol.CreatePartitionsResponseTopicResult{
				Name: request.Topics[i].Name, ErrorCode: code, ErrorMessage: text})
		}
		return response
	})
}
