package quorum

// faults are bugs that a test plants to see that the simulation finds them. A node that is not under test has none.
type faults struct {
	entriesUnsynced  bool // an entry counts before it is on the disk
	snapshotUnsynced bool // a snapshot counts before it is on the disk
	stateUnsynced    bool // quorum-state counts before it is on the disk
	answersEarly     bool // an answer goes out with the proposal
	compactsEarly    bool // entries go before the snapshot that replaces them is there
}
