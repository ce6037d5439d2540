package api

import "github.com/skein-io/skein/internal/protocol"

// IncrementalAlterConfigs (44), versions 0 and 1: sets, deletes, appends to and subtracts from single names of a
// configuration (KIP-339). Decided by the controller.
func (n *Node) incrementalAlterConfigs(c *Call) {
	request := c.Request.(*protocol.IncrementalAlterConfigsRequest)
	var size changeSize
	for i := range request.Resources {
		r := &request.Resources[i]
		size.resource(r.ResourceName, len(r.Configs))
		for j := range r.Configs {
			size.value(r.Configs[j].Name, r.Configs[j].Value)
		}
	}
	ask(n, c, size.check(), func(response *protocol.IncrementalAlterConfigsResponse, note func(protocol.Code, *string)) {
		for i := range response.Responses {
			note(response.Responses[i].ErrorCode, response.Responses[i].ErrorMessage)
		}
	}, func(code protocol.Code, text *string) *protocol.IncrementalAlterConfigsResponse {
		response := protocol.NewIncrementalAlterConfigsResponse()
		for i := range request.Resources {
			response.Responses = append(response.Responses, protocol.IncrementalAlterConfigsResponseAlterConfigsResourceResponse{
				ErrorCode: code, ErrorMessage: text, ResourceType: request.Resources[i].ResourceType, ResourceName: request.Resources[i].ResourceName})
		}
		return response
	})
}
