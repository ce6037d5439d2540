package quorum

// Waiting is how many requests wait for the controller, and how many deliveries of other nodes for raft.
func (n *Node) Waiting() (requests, deliveries int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.inbox) - n.mail, n.mail
}
