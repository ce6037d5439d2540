package disk

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"syscall"
)

// simulatedFileBytesMax bounds a simulated file: its page table is in memory.
const simulatedFileBytesMax = 1 << 34

var errNegativeOffset = errors.New("negative offset")

// simulatedFile is an open file of one process.
type simulatedFile struct {
	s      *Simulated
	inode  *inode
	name   string
	closed bool // guarded by s.m.mu
}

func (s *Simulated) openFile(name string, f *inode) *simulatedFile {
	opened := &simulatedFile{s: s, inode: f, name: name}
	f.opens++
	s.files[opened] = struct{}{}
	return opened
}

// Name implements File.
func (f *simulatedFile) Name() string { return f.name }

// ReadAt implements File.
func (f *simulatedFile) ReadAt(b []byte, at int64) (n int, err error) {
	c := Call{Op: OpRead, Name: f.name, At: at, Bytes: len(b)}
	err = f.do(c, func(fail *failure) error {
		if at < 0 {
			return errNegativeOffset
		}
		n = f.inode.live.readAt(b, at)
		switch {
		case fail != nil:
			n = min(n, fail.short)
			return fail.err
		case n < len(b):
			return io.EOF
		}
		return nil
	})
	return n, err
}

// WriteAt implements File. On a full disk it writes what fits.
func (f *simulatedFile) WriteAt(b []byte, at int64) (n int, err error) {
	c := Call{Op: OpWrite, Name: f.name, At: at, Bytes: len(b)}
	err = f.do(c, func(fail *failure) error {
		switch {
		case at < 0:
			return errNegativeOffset
		case at+int64(len(b)) > simulatedFileBytesMax:
			return syscall.EFBIG
		}
		fit, err := f.s.m.fit(f.inode, len(b), at)
		if fail != nil {
			fit, err = min(fit, fail.short), fail.err
		}
		f.write(b[:fit], at)
		n = fit
		return err
	})
	return n, err
}

// fit tells how much of a write of n bytes there is room for.
func (m *machine) fit(f *inode, n int, at int64) (int, error) {
	room := int(min(m.options.SpaceBytesMax/pageBytes, 1<<40)) - m.used
	if f.live.newPages(n, at) <= room {
		return n, nil
	}
	for n > 0 && f.live.newPages(n, at) > room {
		n = max(0, n-1-int((at+int64(n)-1)%pageBytes)) // back to the page before
	}
	return n, syscall.ENOSPC
}

func (f *simulatedFile) write(b []byte, at int64) {
	if len(b) > 0 {
		f.change(dataOp{at: at, data: slices.Clone(b)})
	}
}

// change makes an operation seen by programs, and leaves it to a sync to make it durable.
func (f *simulatedFile) change(op dataOp) {
	m := f.s.m
	before := f.inode.live.used
	op.applyTo(&f.inode.live)
	m.used += f.inode.live.used - before
	f.inode.pending = append(f.inode.pending, op)
	f.inode.modTime = m.now()
	m.dirty[f.inode] = struct{}{}
}

// Truncate implements File.
func (f *simulatedFile) Truncate(size int64) error {
	return f.do(Call{Op: OpTruncate, Name: f.name, At: size}, func(fail *failure) error {
		switch {
		case size < 0:
			return syscall.EINVAL
		case fail != nil:
			return fail.err
		case size > simulatedFileBytesMax:
			return syscall.EFBIG
		}
		f.change(dataOp{truncate: true, at: size})
		return nil
	})
}

// Sync implements File.
func (f *simulatedFile) Sync() error {
	return f.do(Call{Op: OpSync, Name: f.name}, func(fail *failure) error {
		delete(f.s.m.dirty, f.inode)
		if fail != nil {
			f.inode.failSync()
			return fail.err
		}
		f.inode.sync()
		return nil
	})
}

// Size implements File.
func (f *simulatedFile) Size() (size int64, err error) {
	err = f.do(Call{Op: OpStat, Name: f.name}, func(fail *failure) error {
		size = f.inode.live.size
		return failed(fail)
	})
	return size, err
}

// Close implements File.
func (f *simulatedFile) Close() error {
	return f.do(Call{Op: OpClose, Name: f.name}, func(fail *failure) error {
		f.release()
		return failed(fail)
	})
}

func (f *simulatedFile) do(c Call, run func(fail *failure) error) error {
	return f.s.do(c, func(fail *failure) error {
		if f.closed {
			return pathError(c, fs.ErrClosed)
		}
		return pathError(c, run(fail))
	})
}

func (f *simulatedFile) release() {
	f.closed = true
	delete(f.s.files, f)
	f.inode.opens--
	f.s.m.freeIfUnused(f.inode)
}

// simulatedLock is a lock that a process holds.
type simulatedLock struct {
	s     *Simulated
	inode *inode
	name  string
	open  bool // guarded by s.m.mu
}

func (s *Simulated) hold(name string, f *inode) io.Closer {
	l := &simulatedLock{s: s, inode: f, name: name, open: true}
	s.locks[l] = struct{}{}
	s.m.locked[f] = struct{}{}
	return l
}

// Close releases the lock.
func (l *simulatedLock) Close() error {
	c := Call{Op: OpUnlock, Name: l.name}
	return l.s.doNamed(c, func() error {
		if !l.open {
			return fs.ErrClosed
		}
		l.release()
		return nil
	})
}

func (l *simulatedLock) release() {
	l.open = false
	delete(l.s.locks, l)
	delete(l.s.m.locked, l.inode)
}
