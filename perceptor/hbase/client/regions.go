package client

import (
	"bytes"
	"slices"
	"sync"
)

// regions remembers where the regions are. What it says may be out of date; the servers tell.
type regions struct {
	mu     sync.RWMutex
	tables map[string][]*region // ordered by start, none overlapping
	meta   *region
}

func newRegions() regions { return regions{tables: map[string][]*region{}} }

// find returns the region of a row, nil if it is not known.
func (k *regions) find(table string, row []byte) *region {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if table == metaTable {
		return k.meta
	}
	all := k.tables[table]
	at, exact := slices.BinarySearchFunc(all, row, func(r *region, row []byte) int { return bytes.Compare(r.start, row) })
	if !exact {
		at--
	}
	if at < 0 || !all[at].has(row) {
		return nil
	}
	return all[at]
}

// learn takes a region in. Those that overlap it were before a split or a merge, and go.
func (k *regions) learn(r *region) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.table == metaTable {
		k.meta = r
		return
	}
	all := slices.DeleteFunc(k.tables[r.table], func(old *region) bool { return overlap(old, r) })
	at, _ := slices.BinarySearchFunc(all, r.start, func(r *region, start []byte) int { return bytes.Compare(r.start, start) })
	k.tables[r.table] = slices.Insert(all, at, r)
}

func overlap(r, s *region) bool {
	return (len(s.end) == 0 || bytes.Compare(r.start, s.end) < 0) && (len(r.end) == 0 || bytes.Compare(s.start, r.end) < 0)
}

// forget drops a region, unless it was found anew since.
func (k *regions) forget(r *region) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.meta == r {
		k.meta = nil
		return
	}
	k.tables[r.table] = slices.DeleteFunc(k.tables[r.table], func(old *region) bool { return old == r })
	if len(k.tables[r.table]) == 0 {
		delete(k.tables, r.table)
	}
}
