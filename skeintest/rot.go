package skeintest

// FlipBit turns one bit of a file of a node in memory round, as rot does: what was synced too. The file is named from the
// log directory, such as "orders-3/00000000000000000000.log". The node may run.
func (n *Node) FlipBit(file string, bit int64) {
	n.t.Helper()
	if n.disk == nil {
		n.t.Fatal("skeintest: only the disk of a node in memory rots; start it with InMemory")
	}
	if err := n.disk.Flip(file, bit); err != nil {
		n.t.Fatal("skeintest: ", err)
	}
}

// Files lists what a folder of a node in memory holds, "." for the log directory.
func (n *Node) Files(folder string) (names []string) {
	n.t.Helper()
	if n.disk == nil {
		n.t.Fatal("skeintest: only the disk of a node in memory is looked at; start it with InMemory")
	}
	entries, err := n.disk.List(folder)
	if err != nil {
		n.t.Fatal("skeintest: ", err)
	}
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}
