package disk

import "slices"

// journal holds the changes of names that no SyncDir has made durable, in order. A change of several names (a rename)
// is one operation and never survives by half. Operations on the same name, or on the same file, survive in their
// order; all others independently of each other, which is weaker than ext4 and all that POSIX gives.
type journal struct {
	ops []*nameOp
}

// nameOp is one create, mkdir, rename or remove.
type nameOp struct {
	changes  []nameChange
	moved    *inode   // what got or lost its name
	unsynced []*inode // directories whose SyncDir it still needs
	durable  bool
	lost     bool // a SyncDir failed: no later one makes it durable
}

// nameChange says what a name leads to from now on; nil is nothing.
type nameChange struct {
	dir  *inode
	name string
	to   *inode
}

// add takes a change that was just made to the names that programs see.
func (j *journal) add(moved *inode, changes ...nameChange) {
	op := &nameOp{changes: changes, moved: moved}
	for _, c := range changes {
		if !slices.Contains(op.unsynced, c.dir) {
			op.unsynced = append(op.unsynced, c.dir)
		}
	}
	j.ops = append(j.ops, op)
}

// dependsOn tells whether op cannot survive without the earlier one.
func (op *nameOp) dependsOn(earlier *nameOp) bool {
	if op.moved == earlier.moved {
		return true
	}
	for _, a := range op.changes {
		for _, b := range earlier.changes {
			if a.dir == b.dir && a.name == b.name {
				return true
			}
		}
	}
	return false
}

// syncDir makes durable what needed only this directory.
func (j *journal) syncDir(dir *inode) {
	for i, op := range j.ops {
		if op.lost || op.durable {
			continue
		}
		op.unsynced = slices.DeleteFunc(op.unsynced, func(d *inode) bool { return d == dir })
		if len(op.unsynced) == 0 {
			j.settle(i)
		}
	}
	j.fold()
}

// failSyncDir forgets that the changes of a directory were ever to be written.
func (j *journal) failSyncDir(dir *inode) {
	for _, op := range j.ops {
		if slices.Contains(op.unsynced, dir) {
			op.lost = true
		}
	}
}

// syncAll makes everything durable.
func (j *journal) syncAll() {
	for _, op := range j.ops {
		if !op.lost {
			op.unsynced, op.durable = nil, true
		}
	}
	j.fold()
}

// failSyncAll is failSyncDir of every directory.
func (j *journal) failSyncAll() {
	for _, op := range j.ops {
		op.lost = op.lost || !op.durable
	}
}

// settle makes an operation durable with all that it depends on.
func (j *journal) settle(i int) {
	op := j.ops[i]
	op.durable = true
	for k := i - 1; k >= 0; k-- {
		if !j.ops[k].durable && op.dependsOn(j.ops[k]) {
			j.settle(k)
		}
	}
}

// fold takes durable operations out of the journal into the durable names. One that an earlier operation could still
// undo stays.
func (j *journal) fold() {
	kept := j.ops[:0]
	for _, op := range j.ops {
		if op.durable && !slices.ContainsFunc(kept, op.dependsOn) {
			for _, c := range op.changes {
				c.applyTo(c.dir.durable)
			}
			continue
		}
		kept = append(kept, op)
	}
	clear(j.ops[len(kept):])
	j.ops = kept
}

func (c nameChange) applyTo(names map[string]*inode) {
	if c.to == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.to
	}
}
