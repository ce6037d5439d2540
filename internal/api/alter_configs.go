package api

import "github.com/skein-io/skein/internal/protocol"

// AlterConfigs (33), versions 0 to 2: replaces the whole configuration of resources. Old clients read, change and write
// back with it; newer ones use IncrementalAlterConfigs. Decided by the controller.
func (n *Node) alterConfigs(c *Call) {
	request := c.Request.(*protocol.AlterConfigsRequest)
	var size changeSize
	for i := range request.Resources {
		r := &request.Resources[i]
		size.resource(r.ResourceName, len(r.Configs))
		for j := range r.Configs {
			size.value(r.Configs[j].Name, r.Configs[j].Value)
		}
	}
	ask(n, c, size.check(), func(response *protocol.AlterConfigsResponse, note func(protocol.Code, *string)) {
		for i := range response.Responses {
			note(response.Responses[i].ErrorCode, response.Responses[i].ErrorMessage)
		}
	}, func(code protocol.Code, text *string) *protocol.AlterConfigsResponse {
		response := protocol.NewAlterConfigsResponse()
		for i := range request.Resources {
			response.Responses = append(response.Responses, protocol.AlterConfigsResponseResourceResponse{
				ErrorCode: code, ErrorMessage: text, ResourceType: request.Resources[i].ResourceType, ResourceName: request.Resources[i].ResourceName})
		}
		return response
	})
}
