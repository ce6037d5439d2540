package quorum

// Waiting is how many requests wait for the controller, and how many deliveries of other nodes for raft.
func (n *Node) Waiting() (requests, deliveries int) {
	return n.inbox.Waiting()
}
