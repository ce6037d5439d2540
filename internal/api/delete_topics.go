package api

import "github.com/skein-io/skein/internal/protocol"

// DeleteTopics (20), versions 0 to 6: by name, from 6 on by name or id (KIP-516). Decided by the controller; the files
// go after file.delete.delay.ms.
func (n *Node) deleteTopics(c *Call) {
	request := c.Request.(*protocol.DeleteTopicsRequest)
	ask(n, c, nil, func(response *protocol.DeleteTopicsResponse, note func(protocol.Code, *string)) {
		for i := range response.Responses {
			note(response.Responses[i].ErrorCode, response.Responses[i].ErrorMessage)
		}
	}, func(code protocol.Code, text *string) *protocol.DeleteTopicsResponse {
		response := protocol.NewDeleteTopicsResponse()
		for i := range request.Topics {
			response.Responses = append(response.Responses, protocol.DeleteTopicsResponseDeletableTopicResult{
				Name: request.Topics[i].Name, TopicID: request.Topics[i].TopicID, ErrorCode: code, ErrorMessage: text})
		}
		for i := range request.TopicNames {
			response.Responses = append(response.Responses, protocol.DeleteTopicsResponseDeletableTopicResult{
				Name: &request.TopicNames[i], ErrorCode: code, ErrorMessage: text})
		}
		return response
	})
}
