package skeintest

import (
	"math"
	"syscall"
	"time"

	"github.com/skein-io/skein/internal/disk"
)

// SlowDisk makes every sync of the node's disk take d longer, until SlowDisk(0). Nothing is acknowledged before it is synced,
// here or on the replicas that count, so producers with acks=all wait. It works on a node on a real disk too. In a synctest
// bubble the time is virtual.
func (n *Node) SlowDisk(d time.Duration) { n.faults.slow.Store(int64(d)) }

// beforeSync makes a round of syncs slow.
func (f *faults) beforeSync() {
	if d := f.slow.Load(); d > 0 {
		time.Sleep(time.Duration(d))
	}
}

// FailSync lets the node's next sync of a file fail with an input/output error. What it should have written is lost at the
// next Crash, although it can be read until then: that is what kernels do. The node gives up by itself, because a sync
// that failed must not be tried again: it acknowledges nothing more, its replicas elsewhere take over, and
// Broker().Done() is closed. After Stop or Crash, Open starts it on the disk that works again. Only for a node in memory.
func (n *Node) FailSync() {
	n.t.Helper()
	n.needMemory("have a disk that fails")
	n.faults.failSyncs.Store(1)
	n.disk.SetHook(func(c disk.Call) error {
		if (c.Op == disk.OpSync || c.Op == disk.OpSyncAll) && n.faults.failSyncs.Add(-1) >= 0 {
			return syscall.EIO
		}
		return nil
	})
}

// FillDisk leaves room for this many bytes on the node's disk, until FreeDisk. Below a floor, skein's setting
// log.dir.free.bytes.floor, producers get KAFKA_STORAGE_ERROR, which their clients retry, while reading, commits and
// deleting go on; the node notices within a second. Without any room it may give up by itself, as after FailSync. Only for
// a node in memory.
func (n *Node) FillDisk(freeBytes uint64) {
	n.t.Helper()
	n.needMemory("have a disk that is full")
	n.disk.SetSpace(math.MaxInt64)
	space, err := n.disk.Space()
	if err != nil {
		n.t.Fatal("skeintest: ", err)
	}
	n.disk.SetSpace(space.Total - space.Free + freeBytes)
}

// FreeDisk ends FillDisk.
func (n *Node) FreeDisk() {
	n.t.Helper()
	n.needMemory("have a disk that is full")
	n.disk.SetSpace(diskBytes)
}

// diskBytes is the room of a disk in memory.
const diskBytes = 1 << 40
