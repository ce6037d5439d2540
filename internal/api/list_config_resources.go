package api

import (
	"slices"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
)

// ListConfigResources (74), versions 0 and 1: the resources that can have a configuration (KIP-1142): topics and
// brokers, and the groups and client metrics for which one was set. Version 0 asks for client metrics alone.
func (n *Node) listConfigResources(c *Call) {
	request := c.Request.(*protocol.ListConfigResourcesRequest)
	response := protocol.NewListConfigResourcesResponse()
	response.ConfigResources = []protocol.ListConfigResourcesResponseConfigResource{}
	known := []metadata.ResourceType{metadata.TopicResource, metadata.BrokerResource, metadata.BrokerLoggerResource,
		metadata.ClientMetricsResource, metadata.GroupResource}
	asked := known
	if c.Version == 0 {
		asked = []metadata.ResourceType{metadata.ClientMetricsResource}
	} else if len(request.ResourceTypes) > 0 {
		asked = nil
		for _, t := range request.ResourceTypes {
			if !slices.Contains(known, metadata.ResourceType(t)) {
				response.ErrorCode = n.fail(c, protocol.Fail(protocol.UnsupportedVersion, "resource type %d is not known", t))
				c.Reply(response)
				return
			}
			asked = append(asked, metadata.ResourceType(t))
		}
	}
	image := n.Image()
	for _, t := range known {
		if slices.Contains(asked, t) {
			for _, name := range resourceNames(image, t) {
				response.ConfigResources = append(response.ConfigResources, protocol.ListConfigResourcesResponseConfigResource{ResourceName: name, ResourceType: int8(t)})
			}
		}
	}
	c.Reply(response)
}

func resourceNames(image *metadata.Image, t metadata.ResourceType) []string {
	var names []string
	switch t {
	case metadata.TopicResource:
		for topic := range image.Topics() {
			names = append(names, topic.Name)
		}
	case metadata.BrokerResource, metadata.BrokerLoggerResource:
		for broker := range image.Brokers() {
			names = append(names, broker.ID.String())
		}
	default:
		for resource := range image.ConfigResources() {
			if resource.Type == t {
				names = append(names, resource.Name)
			}
		}
	}
	return names
}
