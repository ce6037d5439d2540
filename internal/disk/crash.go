package disk

import (
	"slices"

	"github.com/skein-io/skein/internal/sim"
)

// What a crash leaves. Synced bytes and names always; of the rest a choice that the random source makes:
//
//   - content, per file: nothing, everything, the first operations with the last of them cut at any byte, or any of
//     the writes, of a long one any of its pages; a size may have been written without the bytes, which are zero then.
//     Truncations keep their order with the writes around them, as ext4's journal does.
//   - names: nothing, everything, the first changes, or any of them, see journal.

// choice is how much of something un-synced a crash keeps.
type choice int

const (
	keepNone choice = iota
	keepAll
	keepFirst
	keepSome
	choices
)

// crashed returns the root of what is left, in inodes of its own that are all durable.
func (m *machine) crashed(r *sim.Rand) *inode {
	changes := map[*inode][]nameChange{}
	for _, op := range m.journal.survivors(r.Fork("names")) {
		for _, c := range op.changes {
			changes[c.dir] = append(changes[c.dir], c)
		}
	}
	c := crash{changes: changes, rand: r.Fork("content")}
	return c.dir(m.root)
}

// survivors chooses the operations that a crash keeps, in their order.
func (j *journal) survivors(r *sim.Rand) []*nameOp {
	how, first := choice(r.IntN(int(choices))), r.IntN(len(j.ops)+1)
	var kept, dropped []*nameOp
	for i, op := range j.ops {
		keep := op.durable
		switch how {
		case keepAll:
			keep = true
		case keepFirst:
			keep = keep || i < first
		case keepSome:
			keep = r.Chance(500) || keep
		}
		if keep && (op.durable || !slices.ContainsFunc(dropped, op.dependsOn)) {
			kept = append(kept, op)
		} else {
			dropped = append(dropped, op)
		}
	}
	return kept
}

// crash builds the tree that is left, directory by directory in the order of names, so that a seed decides it.
type crash struct {
	changes map[*inode][]nameChange
	rand    *sim.Rand
}

func (c *crash) dir(old *inode) *inode {
	names := map[string]*inode{}
	for name, to := range old.durable {
		names[name] = to
	}
	for _, change := range c.changes[old] {
		change.applyTo(names)
	}
	d := newDir(old.modTime)
	for _, name := range sortedNames(names) {
		var left *inode
		if names[name].dir {
			left = c.dir(names[name])
		} else {
			left = c.file(names[name])
		}
		d.names[name], d.durable[name] = left, left
	}
	return d
}

func (c *crash) file(old *inode) *inode {
	f := &inode{modTime: old.modTime, links: 1, disk: old.disk.clone()}
	if len(old.pending) > 0 {
		c.content(f, old)
	}
	f.live = f.disk.clone()
	return f
}

// content applies to f what the crash keeps of the un-synced operations of old.
func (c *crash) content(f, old *inode) {
	r := c.rand
	how := choice(r.IntN(int(choices)))
	ops := old.pending
	switch how {
	case keepNone:
		ops = nil
	case keepFirst:
		ops = slices.Clone(ops[:r.IntN(len(ops))+1])
		last := &ops[len(ops)-1]
		last.data = last.data[:r.IntN(len(last.data)+1)]
	case keepSome:
		ops = c.some(ops)
	}
	for _, op := range ops {
		op.applyTo(&f.disk)
	}
	if grown := old.live.size - f.disk.size; grown > 0 && how != keepNone && r.Chance(400) {
		if r.Chance(500) {
			grown = 1 + r.Int64N(grown)
		}
		f.disk.truncate(f.disk.size + grown) // the size was written, the bytes were not
	}
}

// some keeps any of the writes up to one of the truncations, and of long writes any of their pages.
func (c *crash) some(ops []dataOp) []dataOp {
	r := c.rand
	var kept []dataOp
	for _, op := range ops {
		switch {
		case op.truncate:
			if r.Chance(500) {
				return kept // this truncation was not reached, and nothing after it
			}
			kept = append(kept, op)
		case r.Chance(500):
		case len(op.data) <= pageBytes:
			kept = append(kept, op)
		default:
			kept = append(kept, somePages(r, op)...)
		}
	}
	if n := len(kept); n > 0 && !kept[n-1].truncate {
		kept[n-1].data = kept[n-1].data[:r.IntN(len(kept[n-1].data)+1)]
	}
	return kept
}

func somePages(r *sim.Rand, op dataOp) []dataOp {
	var kept []dataOp
	for len(op.data) > 0 {
		n := min(len(op.data), int(pageBytes-op.at%pageBytes))
		if r.Chance(500) {
			kept = append(kept, dataOp{at: op.at, data: op.data[:n]})
		}
		op.at, op.data = op.at+int64(n), op.data[n:]
	}
	return kept
}
