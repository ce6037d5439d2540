package check

import (
	"cmp"
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/skein-io/skein/internal/record"
)

// OffsetRegisters treats the committed offset of each group and partition as a register: what a fetch returns was
// committed, whole, by a commit that may be the last one. A commit is out of date for a fetch if another one began after
// it ended, and was acknowledged, or seen by a fetch, before this fetch began. "No offset" is what stands at first and
// what a deletion writes.
//
// The rule is necessary, not sufficient: an order that would need a search to refute is let pass. Whatever is found is
// wrong.
func OffsetRegisters(v *View) []Finding {
	r := report{class: "offset-register"}
	registers := v.registers()
	for _, key := range sortedKeys(registers, compareRegisters) {
		registers[key].check(key, &r)
	}
	return r.done()
}

type registerKey struct {
	group     string
	partition Partition
}

func (k registerKey) String() string { return fmt.Sprintf("%s %s", k.group, k.partition) }

func compareRegisters(a, b registerKey) int {
	return cmp.Or(strings.Compare(a.group, b.group), comparePartitions(a.partition, b.partition))
}

// cell is what a register holds.
type cell struct {
	offset   record.Offset
	epoch    record.LeaderEpoch
	metadata string
}

// emptyCell stands where nothing is committed.
var emptyCell = cell{offset: NoOffset, epoch: record.NoLeaderEpoch}

func (c cell) String() string {
	if c == emptyCell {
		return "no offset"
	}
	return fmt.Sprintf("offset %d epoch %d %q", c.offset, c.epoch, c.metadata)
}

// access is one write or read of a register.
type access struct {
	op         int
	read       bool
	cell       cell
	start, end int64
}

// register is the history of one committed offset.
type register struct {
	accesses []access
	writes   map[cell][]access // sorted by start
	latest   map[cell][]int64  // the greatest end among the first n writes of a cell
	evidence []evidence        // sorted by at
}

// evidence says that from at on nothing older than a write that began at start may be read.
type evidence struct {
	at, start int64
	op        int
}

func (v *View) registers() map[registerKey]*register {
	all := map[registerKey]*register{}
	for i := range v.ops {
		op := &v.ops[i]
		read := op.Kind == FetchOffset
		if !read && op.Kind != Commit && op.Kind != DeleteOffset || op.Outcome == Fail || read && op.Outcome != OK {
			continue
		}
		for _, c := range op.Offsets {
			key := registerKey{op.Group, c.Partition}
			if all[key] == nil {
				all[key] = &register{writes: map[cell][]access{}, latest: map[cell][]int64{}}
			}
			a := access{op: i, read: read, cell: cell{c.Offset, c.LeaderEpoch, c.Metadata}, start: op.Invoked, end: op.completed()}
			if c.Offset < 0 || op.Kind == DeleteOffset {
				a.cell = emptyCell
			}
			if op.Outcome == Info {
				a.end = math.MaxInt64 // it may take effect at any time
			}
			all[key].accesses = append(all[key].accesses, a)
		}
	}
	return all
}

func (g *register) check(key registerKey, r *report) {
	g.writes[emptyCell] = []access{{op: -1, cell: emptyCell, start: math.MinInt64, end: math.MinInt64}}
	for _, a := range g.accesses {
		if !a.read {
			g.writes[a.cell] = append(g.writes[a.cell], a)
		}
	}
	for c, writes := range g.writes {
		sortBy(writes, func(a access) int64 { return a.start })
		latest := int64(math.MinInt64)
		for _, w := range writes {
			latest = max(latest, w.end)
			g.latest[c] = append(g.latest[c], latest)
		}
	}
	sortBy(g.accesses, func(a access) int64 { return a.end })
	for _, a := range g.accesses {
		start := a.start
		if a.read {
			g.checkRead(key, a, r)
			start = math.MinInt64
			if writes := g.writes[a.cell]; len(writes) > 0 {
				start = writes[0].start
			}
		}
		g.learn(evidence{at: a.end, start: start, op: a.op})
	}
}

// learn adds evidence; each entry holds the strongest so far.
func (g *register) learn(e evidence) {
	if n := len(g.evidence); n > 0 && g.evidence[n-1].start > e.start {
		e.start, e.op = g.evidence[n-1].start, g.evidence[n-1].op
	}
	g.evidence = append(g.evidence, e)
}

func (g *register) checkRead(key registerKey, a access, r *report) {
	writes := g.writes[a.cell]
	begun := sort.Search(len(writes), func(i int) bool { return writes[i].start > a.end })
	known := sort.Search(len(g.evidence), func(i int) bool { return g.evidence[i].at >= a.start })
	switch {
	case begun == 0:
		r.add(key, []int{a.op}, "a fetch returned %v, which nobody had committed%s", a.cell, g.similar(a.cell))
	case known > 0 && g.latest[a.cell][begun-1] < g.evidence[known-1].start:
		newer := g.evidence[known-1]
		r.add(key, []int{newer.op, a.op}, "a fetch returned %v, which had been replaced for certain before it began", a.cell)
	}
}

// similar tells what else was committed with the same offset.
func (g *register) similar(c cell) string {
	for _, a := range g.accesses {
		if !a.read && a.cell.offset == c.offset && a.cell != c {
			return fmt.Sprintf("; %v was", a.cell)
		}
	}
	return ""
}
