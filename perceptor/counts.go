package perceptor

import (
	"maps"
	"sync"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/sink"
)

// Counts counts what became of changes. The zero Counts is ready. Safe for concurrent use.
type Counts struct {
	mu     sync.Mutex
	tables map[string]TableCounts
	unable uint64
	past   uint64
}

// TableCounts are those of one table, since the start. A change that comes again counts again.
type TableCounts struct {
	// By counts the verdicts: what was put as new or newer, what was discarded and why.
	By [int(change.Folded) + 1]uint64
	// Refused changes cannot be written: their record went to the dead-letter topic, or ended Apply.
	Refused uint64
	// Truncates were not applied, Truncated were.
	Truncates, Truncated uint64
	// Newest is the latest execute time of a change that was put, in milliseconds since 1970.
	Newest int64
}

// Of is how often a verdict was given.
func (t TableCounts) Of(v change.Verdict) uint64 { return t.By[v] }

// Put is how many changes were written.
func (t TableCounts) Put() uint64 { return t.By[change.Absent] + t.By[change.Newer] }

// Discarded is how many were not, because they were not newer.
func (t TableCounts) Discarded() uint64 {
	return t.By[change.Duplicate] + t.By[change.Stale] + t.By[change.ClockBack] + t.By[change.Folded]
}

// Tables is a copy of the counts, by DATABASE.TABLE.
func (c *Counts) Tables() map[string]TableCounts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.tables)
}

// Unread is how many records could not be read.
func (c *Counts) Unread() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unable
}

func (c *Counts) unread() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unable++
}

func (c *Counts) truncated(t *change.Table, applied bool) {
	c.change(t, func(counts *TableCounts) {
		if applied {
			counts.Truncated++
		} else {
			counts.Truncates++
		}
	})
}

// Fenced is how often a change was refused because another member has its partition by now.
func (c *Counts) Fenced() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.past
}

func (c *Counts) fenced(changes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past += uint64(changes)
}

func (c *Counts) done(of *change.Change, o sink.Outcome) {
	c.change(of.Table, func(counts *TableCounts) {
		if o.Err != nil {
			counts.Refused++
			return
		}
		counts.By[o.Verdict]++
		if o.Verdict.Puts() {
			counts.Newest = max(counts.Newest, of.Version.ExecuteTime)
		}
	})
}

func (c *Counts) change(t *change.Table, how func(*TableCounts)) {
	name := t.String()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tables == nil {
		c.tables = map[string]TableCounts{}
	}
	counts := c.tables[name]
	how(&counts)
	c.tables[name] = counts
}
