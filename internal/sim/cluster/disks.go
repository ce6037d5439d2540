package cluster

import (
	"errors"
	"syscall"
	"time"

	"github.com/skein-io/skein/internal/disk"
)

// offlineMax is how long a process goes on at most that has lost its log directory: it has others lead meanwhile.
const offlineMax = time.Second

// ofTheDisk says whether an error comes from a fault of a disk that the nemesis has made.
func (w *world) ofTheDisk(err error) bool {
	o := w.options
	return o.FailDisk && errors.Is(err, syscall.EIO) || (o.FailDisk || o.FullDisk) && errors.Is(err, syscall.ENOSPC)
}

// ailing chooses the node whose disk will fail or be full; nil while another's does. One at a time is a minority.
func (n *nemesis) ailing() *node {
	if n.ails {
		return nil
	}
	n.ails = true
	return n.victim()
}

// failDisk lets one of the next syncs, writes or reads of a node fail, or for a while all. Its log directory goes offline by a
// failed write or sync, and the process ends. Some time later the power may go: what was acknowledged must be there although the
// kernel had taken the pages of the failed sync for clean. Syncs of directories do not fail, see package onenode.
func (n *nemesis) failDisk() {
	x := n.ailing()
	if x == nil {
		return
	}
	f := disk.Fault{Op: disk.OpSync, Skip: n.rand.IntN(12), Err: syscall.EIO}
	switch n.rand.IntN(4) {
	case 0:
		f.Op, f.Skip, f.Short = disk.OpWrite, n.rand.IntN(40), n.rand.IntN(100)
		if n.rand.Chance(300) {
			f.Err = syscall.ENOSPC
		}
	case 1:
		f.Op, f.Skip = disk.OpRead, n.rand.IntN(60)
	}
	if n.rand.Chance(250) {
		f.Count = -1
	}
	n.world.Notef("%s: a %v will fail: %v, %d times", x, f.Op, f.Err, f.Count)
	n.world.Reach("disk fails")
	x.disk.Inject(f)
	if n.world.options.Power && n.rand.Chance(500) {
		n.then(time.Second, 3*time.Second, func() { x.end(true, n.down()) })
	}
	n.world.After(n.rand.Between(time.Second, 5*time.Second), func() {
		x.disk.ClearFaults()
		n.ails = false
	})
}

// fillDisk leaves a node less room than its floor, or none at all: produce is refused.
func (n *nemesis) fillDisk() {
	x := n.ailing()
	if x == nil {
		return
	}
	space, err := x.disk.Space()
	if err != nil {
		n.ails = false
		return
	}
	left := uint64(0)
	if used := space.Total - space.Free; n.rand.Chance(700) {
		left = uint64(n.rand.Int64N(int64(used/20) + 1)) // the floor is 5 % of all
	}
	n.world.Notef("%s: the disk has room for %d bytes", x, left)
	n.world.Reach("disk full")
	x.disk.SetSpace(space.Total - space.Free + left)
	n.world.After(n.rand.Between(time.Second, 5*time.Second), func() {
		n.world.Notef("%s: the disk has room again", x)
		x.disk.SetSpace(diskBytes)
		n.ails = false
	})
}
