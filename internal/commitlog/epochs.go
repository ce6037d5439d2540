package commitlog

import (
	"slices"
	"sort"
	"sync"

	"github.com/skein-io/skein/internal/record"
)

// EpochStart says that a leader epoch began at an offset.
type EpochStart struct {
	Epoch record.LeaderEpoch
	Start record.Offset
}

// epochCache is the leader epochs of a log with their first offsets, both ascending (KIP-101, KIP-279). Bounded by the
// number of leaders that the retained log has had. Safe for concurrent use.
type epochCache struct {
	mu      sync.RWMutex
	entries []EpochStart
}

// assign notes that offset was written in an epoch; true if that is a new one. Entries that a new one contradicts,
// because they begin at or above its offset, go.
func (c *epochCache) assign(epoch record.LeaderEpoch, offset record.Offset) bool {
	if epoch < 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.entries)
	if n > 0 && c.entries[n-1].Epoch >= epoch {
		return false
	}
	for n > 0 && c.entries[n-1].Start >= offset {
		n--
	}
	c.entries = append(c.entries[:n:n], EpochStart{epoch, offset})
	return true
}

// latest is the newest epoch.
func (c *epochCache) latest() (record.LeaderEpoch, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if n := len(c.entries); n > 0 {
		return c.entries[n-1].Epoch, true
	}
	return record.NoLeaderEpoch, false
}

// at is the epoch in which an offset was written.
func (c *epochCache) at(offset record.Offset) (record.LeaderEpoch, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	i := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].Start > offset })
	if i == 0 {
		return record.NoLeaderEpoch, false
	}
	return c.entries[i-1].Epoch, true
}

// end answers OffsetForLeaderEpoch: the largest epoch known that is at most the one asked for, and the offset where it
// ends. The newest epoch ends at the log's end. Nothing is known of an epoch above the newest, nor of one below the
// first.
func (c *epochCache) end(epoch record.LeaderEpoch, logEnd record.Offset) (record.LeaderEpoch, record.Offset, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n := len(c.entries)
	if n == 0 || epoch < 0 || epoch > c.entries[n-1].Epoch {
		return record.NoLeaderEpoch, -1, false
	}
	i := sort.Search(n, func(i int) bool { return c.entries[i].Epoch > epoch })
	switch {
	case i == n:
		return c.entries[n-1].Epoch, logEnd, true
	case i == 0: // older than all that is retained: it ended where the first begins
		return epoch, c.entries[0].Start, true
	default:
		return c.entries[i-1].Epoch, c.entries[i].Start, true
	}
}

// truncateEnd forgets epochs that begin at or above an end; true if there were any.
func (c *epochCache) truncateEnd(end record.Offset) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.entries)
	for n > 0 && c.entries[n-1].Start >= end {
		n--
	}
	changed := n < len(c.entries)
	c.entries = c.entries[:n:n]
	return changed
}

// truncateStart forgets epochs that end at or below a start; the one that holds start begins there now.
func (c *epochCache) truncateStart(start record.Offset) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].Start > start })
	if i == 0 || i == 1 && c.entries[0].Start == start {
		return false
	}
	c.entries = slices.Clone(c.entries[i-1:])
	c.entries[0].Start = start
	return true
}

// snapshot is a copy of the entries.
func (c *epochCache) snapshot() []EpochStart {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.entries)
}

func (c *epochCache) set(entries []EpochStart) {
	c.mu.Lock()
	c.entries = entries
	c.mu.Unlock()
}
