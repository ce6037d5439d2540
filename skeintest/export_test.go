package skeintest

import "github.com/skein-io/skein/internal/disk"

// Disk is the disk of a node in memory.
func (n *Node) Disk() *disk.Simulated { return n.disk }
