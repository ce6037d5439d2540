package api

import (
	"net"
	"slices"
	"strconv"

	"github.com/skein-io/skein/internal/config"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/quorum"
)

// Endpoint types of DescribeCluster (KIP-919).
const (
	endpointBrokers     int8 = 1
	endpointControllers int8 = 2
)

// DescribeCluster (60), versions 0 to 2: cluster id, controller and brokers; from 1 on brokers or controllers, from 2
// on fenced brokers too (KIP-1073). A controller listener tells of the controllers, for Kafka's commands with
// --bootstrap-controller (KIP-919), any other of the brokers; where the voters are reached by the clients' own listener it
// tells of both.
func (n *Node) describeCluster(c *Call) {
	request := c.Request.(*protocol.DescribeClusterRequest)
	if err := n.fitEndpoints(c.Client.Listener, request.EndpointType); err != nil {
		c.Reply(refuseCluster(n.failText(c, err)))
		return
	}
	if request.EndpointType == endpointControllers {
		n.describeControllers(c, request)
		return
	}
	image := n.Image()
	response := protocol.NewDescribeClusterResponse()
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

// fitEndpoints says why a listener does not tell of a kind of endpoint, or nil.
func (n *Node) fitEndpoints(listener string, kind int8) error {
	isController := func(l config.Listener) bool { return l.Controller }
	own := slices.ContainsFunc(n.Config().Listeners, func(l config.Listener) bool { return l.Controller && l.Name == listener })
	shared := len(n.Config().QuorumVoters) > 1 && !slices.ContainsFunc(n.Config().Listeners, isController)
	switch {
	case kind != endpointBrokers && kind != endpointControllers:
		return protocol.Fail(protocol.UnsupportedEndpointType, "endpoint type %d is not known; it is %d for brokers or %d for controllers",
			kind, endpointBrokers, endpointControllers)
	case kind == endpointBrokers && own:
		return protocol.Fail(protocol.MismatchedEndpointType, "listener %s is for controllers (endpoint type %d), and the request asks for brokers: ask a listener of brokers",
			listener, endpointControllers)
	case kind == endpointControllers && !own && !shared:
		return protocol.Fail(protocol.MismatchedEndpointType, "listener %s is for brokers (endpoint type %d), and the request asks for controllers: ask a listener of controller.listener.names",
			listener, endpointBrokers)
	}
	return nil
}

// describeControllers answers with the voters of the metadata quorum.
func (n *Node) describeControllers(c *Call, request *protocol.DescribeClusterRequest) {
	n.Quorum.Status(func(status quorum.Status, err error) {
		if err != nil {
			c.Reply(refuseCluster(n.failText(c, err)))
			return
		}
		response := protocol.NewDescribeClusterResponse()
		response.ClusterID = n.Image().ClusterID()
		response.EndpointType, response.ControllerID = endpointControllers, int32(status.Leader)
		response.ClusterAuthorizedOperations = rights(request.IncludeClusterAuthorizedOperations, clusterRights)
		for _, m := range status.Members {
			host, port, err := net.SplitHostPort(m.Address)
			if err != nil || !m.Voter {
				continue
			}
			number, _ := strconv.ParseUint(port, 10, 16) // 0 if it is a name
			response.Brokers = append(response.Brokers, protocol.DescribeClusterResponseBroker{BrokerID: int32(m.ID), Host: host, Port: int32(number)})
		}
		c.Reply(response)
	})
}

func refuseCluster(code protocol.Code, text *string) *protocol.DescribeClusterResponse {
	response := protocol.NewDescribeClusterResponse()
	response.ErrorCode, response.ErrorMessage = code, text
	return response
}
