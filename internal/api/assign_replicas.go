package api

import "github.com/skein-io/skein/internal/protocol"

// AssignReplicasToDirs (73), version 0, from another node: in which log directory its broker has replicas (KIP-858). A broker
// has one; what it names another for, it has lost.
func (n *Node) assignReplicas(c *Call) {
	relay(n, c, func(code protocol.Code, _ *string) *protocol.AssignReplicasToDirsResponse {
		response := protocol.NewAssignReplicasToDirsResponse()
		response.ErrorCode = code
		return response
	})
}
