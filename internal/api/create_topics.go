package api

import "github.com/skein-io/skein/internal/protocol"

// CreateTopics (19), versions 0 to 7: decided by the controller, answered when the topics are committed and open here.
// The client's timeout is not waited for: it is done or refused.
func (n *Node) createTopics(c *Call) {
	request := c.Request.(*protocol.CreateTopicsRequest)
	var size changeSize
	for i := range request.Topics {
		t := &request.Topics[i]
		if len(t.Configs) == 0 {
			continue // how many topics may be created is the controller's affair
		}
		size.resource(t.Name, len(t.Configs))
		for j := range t.Configs {
			size.value(t.Configs[j].Name, t.Configs[j].Value)
		}
	}
	ask(n, c, size.check(), func(response *protocol.CreateTopicsResponse, note func(protocol.Code, *string)) {
		for i := range response.Topics {
			note(response.Topics[i].ErrorCode, response.Topics[i].ErrorMessage)
		}
	}, func(code protocol.Code, text *string) *protocol.CreateTopicsResponse {
		response := protocol.NewCreateTopicsResponse()
		for i := range request.Topics {
			result := protocol.NewCreateTopicsResponseCreatableTopicResult()
			result.Name, result.ErrorCode, result.ErrorMessage = request.Topics[i].Name, code, text
			response.Topics = append(response.Topics, result)
		}
		return response
	})
}
