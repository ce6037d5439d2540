package disk

import (
	"syscall"
)

// inode is a file or directory of the simulated disk, whatever it is called.
type inode struct {
	dir     bool
	modTime int64 // milliseconds since 1970

	// A directory: its names as programs see them, and as they surely are after a crash. What lies between is in the
	// journal.
	names   map[string]*inode
	durable map[string]*inode

	// A file: its content as programs see it (the page cache), as it surely is after a crash, and what lies between, in
	// order.
	live    image
	disk    image
	pending []dataOp
	links   int // 0 or 1: names that lead here
	opens   int
}

// dataOp is one write or truncation that no Sync has made durable.
type dataOp struct {
	truncate bool
	at       int64 // where the write begins; the new size of a truncation
	data     []byte
}

func (op dataOp) applyTo(im *image) {
	if op.truncate {
		im.truncate(op.at)
	} else {
		im.writeAt(op.data, op.at)
	}
}

func newDir(now int64) *inode {
	return &inode{dir: true, modTime: now, names: map[string]*inode{}, durable: map[string]*inode{}, links: 1}
}

// sync makes the content durable.
func (f *inode) sync() {
	for _, op := range f.pending {
		op.applyTo(&f.disk)
	}
	f.pending = nil
}

// failSync is what a kernel does when it could not write: the pages stay in the cache, marked clean, and nothing will
// write them again.
func (f *inode) failSync() { f.pending = nil }

// child finds one element; errors are those of a system call.
func (f *inode) child(name string) (*inode, error) {
	if !f.dir {
		return nil, syscall.ENOTDIR
	}
	if c := f.names[name]; c != nil {
		return c, nil
	}
	return nil, syscall.ENOENT
}

// contains tells whether other is f or lies below it.
func (f *inode) contains(other *inode) bool {
	if f == other {
		return true
	}
	for _, c := range f.names {
		if c.dir && c.contains(other) {
			return true
		}
	}
	return false
}
