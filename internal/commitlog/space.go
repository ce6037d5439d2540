package commitlog

import (
	"sync/atomic"

	"github.com/skein-io/skein/internal/protocol"
)

const (
	// spaceCheckMs is how long an answer about the room of the disk is believed.
	spaceCheckMs = 1000
	// floorBytesMax and floorPercent give the default floor, the lesser of the two.
	floorBytesMax = 1 << 30
	floorPercent  = 5
)

// spaceGuard refuses appends of clients while the file system has less room than a floor. What is left below it serves
// those who make room or keep the cluster's state: deletes, commits of offsets, the metadata log. It asks the file
// system at most once a second, and again when as much was written as half the room above the floor.
type spaceGuard struct {
	floor   int64 // bytes; 0 takes the default, negative is off
	low     atomic.Bool
	checked atomic.Int64  // ms
	budget  atomic.Int64  // bytes that may be written before the next look
	bytes   atomic.Uint64 // the floor in use, for the message
}

// admit is called before a client's append of n bytes. It costs two atomic operations.
func (g *spaceGuard) admit(d *Dir, n, now int64) error {
	if g.floor < 0 {
		return nil
	}
	since := now - g.checked.Load()
	if since >= spaceCheckMs || since < 0 || !g.low.Load() && g.budget.Add(-n) < 0 {
		if err := g.look(d, now); err != nil {
			return storageError("the room of the file system is unknown", err)
		}
	}
	if !g.low.Load() {
		return nil
	}
	return protocol.Fail(protocol.KafkaStorageError,
		"the disk is full: less than %d bytes are free; produce again when room has been made (delete records or topics, or shorten retention)", g.bytes.Load())
}

func (g *spaceGuard) look(d *Dir, now int64) error {
	space, err := d.fs.Space()
	if err != nil {
		return err
	}
	floor := uint64(g.floor)
	if g.floor == 0 {
		floor = min(space.Total*floorPercent/100, floorBytesMax)
	}
	g.bytes.Store(floor)
	low := space.Free < floor
	if !low {
		g.budget.Store(int64(min((space.Free-floor)/2, 1<<40)))
	} else {
		g.budget.Store(0)
	}
	g.checked.Store(now)
	if g.low.Swap(low) != low {
		d.config.Logger.Warn("room of the log directory", "full", low, "free_bytes", space.Free, "floor_bytes", floor)
	}
	return nil
}

// ranOut notes that a write found no room, whatever the file system says of itself.
func (g *spaceGuard) ranOut(now int64) {
	g.checked.Store(now)
	if g.floor >= 0 {
		g.low.Store(true)
	}
}
