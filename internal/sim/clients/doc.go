// Package clients are the clients of a simulation: producers, consumers with partitions of their own choice, members of a
// group, processes that commit offsets without being members, and an administrator. They speak the real protocol over a
// simulated network to one broker or several, do what clients may do wrong when they are told to, and write down in a
// history what they were answered. Package check judges that.
//
// Start with World and Crowd; client.go is what all of them have in common.
package clients
