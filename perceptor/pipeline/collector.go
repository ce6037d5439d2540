package pipeline

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	// collectPercent is how much garbage there may be, of what is in use. Nearly all that a pipeline has in use are bytes of records,
	// without pointers, which cost the collector nothing to look at; it has tens of megabytes of them, and would take as much again.
	collectPercent = 50
	// collectMin is the heap that is not collected, in bytes, unless there is four times as much garbage as there is in use. A source that
	// reads a snapshot has little in use, and would be collected a hundred times a second.
	collectMin = 32 << 20
	// collectPercentMax bounds what follows from that. What is in use can grow before the setting does.
	collectPercentMax = 400
)

// Collect sets when the garbage of this process is collected: when there is half as much of it as of what is in use; of a heap below
// 32 MiB when there is up to four times as much. It is what `skein sync` runs with; a program that has its own setting leaves it. The setting follows what is in use
// with each collection, until stop, which sets what was set before.
func Collect() (stop func()) {
	before := debug.SetGCPercent(collectPercent)
	s := &setting{}
	runtime.SetFinalizer(&cycle{s}, (*cycle).ended)
	runtime.GC() // the first time it is not known what is in use
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.over = true
		debug.SetGCPercent(before)
	}
}

// setting is one Collect.
type setting struct {
	mu   sync.Mutex
	over bool
}

// cycle is found to be garbage by each collection.
type cycle struct{ of *setting }

// ended is called behind a collection.
func (c *cycle) ended() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.of.over {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(collectAt(live[0].Value.Uint64()))
	runtime.SetFinalizer(c, (*cycle).ended)
}

// collectAt is the setting for so many bytes in use.
func collectAt(live uint64) (percent int) {
	live = max(live, 1)
	if live >= collectMin {
		return collectPercent
	}
	return int(min(max((collectMin-live)*100/live, collectPercent), collectPercentMax))
}
