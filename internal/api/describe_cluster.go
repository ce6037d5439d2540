package api

import "github.com/skein-io/skein/internal/protocol"

// Endpoint types of DescribeCluster (KIP-919).
const (
	endpointBrokers     int8 = 1
	endpointControllers int8 = 2
)

// DescribeCluster (60), versions 0 to 2: cluster id, controller and brokers; from 1 on brokers or controllers, from 2
// on fenced brokers too (KIP-1073).
func (n *Node) describeCluster(c *Call) {
	request := c.Request.(*protocol.DescribeClusterRequest)
	response := protocol.NewDescribeClusterResponse()
	if request.EndpointType != endpointBrokers {
		code := protocol.UnsupportedEndpointType
		if request.EndpointType == endpointControllers {
			code = protocol.MismatchedEndpointType
		}
		response.ErrorCode, response.ErrorMessage = n.failText(c, protocol.Fail(code,
			"this listener is for brokers (endpoint type %d); the request asks for endpoint type %d", endpointBrokers, request.EndpointType))
		c.Reply(response)
		return
	}
	image := n.Image()
	response.ClusterID = image.ClusterID()
	response.ControllerID = int32(n.Self)
	response.ClusterAuthorizedOperations = rights(request.IncludeClusterAuthorizedOperations, clusterRights)
	response.Brokers = []protocol.DescribeClusterResponseBroker{}
	for broker := range image.Brokers() {
		endpoint, ok := broker.Endpoint(c.Client.Listener)
		if !ok || broker.Fenced && !request.IncludeFencedBrokers {
			continue
		}
		response.Brokers = append(response.Brokers, protocol.DescribeClusterResponseBroker{BrokerID: int32(broker.ID),
			Host: endpoint.Host, Port: int32(endpoint.Port), Rack: broker.Rack, IsFenced: broker.Fenced})
	}
	c.Reply(response)
}
