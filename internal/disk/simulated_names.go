package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Open implements FS.
func (s *Simulated) Open(name string) (File, error) {
	if err := checkName("open", name); err != nil {
		return nil, err
	}
	var opened File
	err := s.doNamed(Call{Op: OpOpen, Name: name}, func() error {
		f, err := s.m.find(name)
		if err != nil {
			return err
		}
		if f.dir {
			return syscall.EISDIR
		}
		opened = s.openFile(name, f)
		return nil
	})
	return opened, err
}

// Create implements FS.
func (s *Simulated) Create(name string) (File, error) {
	if err := checkName("create", name); err != nil {
		return nil, err
	}
	var created File
	err := s.doNamed(Call{Op: OpCreate, Name: name}, func() error {
		f, err := s.m.create(name)
		if err == nil {
			created = s.openFile(name, f)
		}
		return err
	})
	return created, err
}

// MkdirAll implements FS.
func (s *Simulated) MkdirAll(name string) error {
	if err := checkName("mkdir", name); err != nil {
		return err
	}
	return s.doNamed(Call{Op: OpMkdir, Name: name}, func() error { return s.m.mkdirAll(name) })
}

// Rename implements FS.
func (s *Simulated) Rename(from, to string) error {
	if err := errors.Join(checkBelow("rename", from), checkBelow("rename", to)); err != nil {
		return err
	}
	return s.doNamed(Call{Op: OpRename, Name: from, To: to}, func() error { return s.m.rename(from, to) })
}

// Remove implements FS.
func (s *Simulated) Remove(name string) error {
	if err := checkBelow("remove", name); err != nil {
		return err
	}
	return s.doNamed(Call{Op: OpRemove, Name: name}, func() error { return s.m.remove(name) })
}

// RemoveAll implements FS. It is one operation in the trace, but each name that it removes survives a crash, or does
// not, on its own.
func (s *Simulated) RemoveAll(name string) error {
	if err := checkBelow("removeall", name); err != nil {
		return err
	}
	return s.doNamed(Call{Op: OpRemoveAll, Name: name}, func() error {
		dir, last, err := s.m.parent(name)
		if err == nil {
			_, err = dir.child(last)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			s.m.removeTree(dir, last)
		}
		return err
	})
}

// List implements FS.
func (s *Simulated) List(dir string) ([]Entry, error) {
	if err := checkName("list", dir); err != nil {
		return nil, err
	}
	var entries []Entry
	err := s.doNamed(Call{Op: OpList, Name: dir}, func() error {
		d, err := s.m.findDir(dir)
		if err != nil {
			return err
		}
		for _, name := range sortedNames(d.names) {
			entries = append(entries, d.names[name].entry(name))
		}
		return nil
	})
	return entries, err
}

// Stat implements FS.
func (s *Simulated) Stat(name string) (Entry, error) {
	if err := checkName("stat", name); err != nil {
		return Entry{}, err
	}
	var entry Entry
	err := s.doNamed(Call{Op: OpStat, Name: name}, func() error {
		f, err := s.m.find(name)
		if err == nil {
			entry = f.entry(lastElement(name))
		}
		return err
	})
	return entry, err
}

// SyncDir implements FS.
func (s *Simulated) SyncDir(dir string) error {
	if err := checkName("syncdir", dir); err != nil {
		return err
	}
	c := Call{Op: OpSyncDir, Name: dir}
	return s.do(c, func(fail *failure) error {
		d, err := s.m.findDir(dir)
		switch {
		case err != nil:
		case fail != nil:
			s.m.journal.failSyncDir(d)
			err = fail.err
		default:
			s.m.journal.syncDir(d)
		}
		return pathError(c, err)
	})
}

// SyncAll implements FS.
func (s *Simulated) SyncAll() error {
	c := Call{Op: OpSyncAll}
	return s.do(c, func(fail *failure) error {
		for f := range s.m.dirty {
			if fail != nil {
				f.failSync()
			} else {
				f.sync()
			}
		}
		clear(s.m.dirty)
		if fail != nil {
			s.m.journal.failSyncAll()
		} else {
			s.m.journal.syncAll()
		}
		return pathError(c, failed(fail))
	})
}

// Space implements FS.
func (s *Simulated) Space() (Space, error) {
	var space Space
	err := s.doNamed(Call{Op: OpSpace}, func() error {
		total := s.m.options.SpaceBytesMax
		space = Space{Free: total - min(total, uint64(s.m.used)*pageBytes), Total: total}
		return nil
	})
	return space, err
}

// Lock implements FS.
func (s *Simulated) Lock(name string) (io.Closer, error) {
	if err := checkName("lock", name); err != nil {
		return nil, err
	}
	var held io.Closer
	err := s.doNamed(Call{Op: OpLock, Name: name}, func() error {
		f, err := s.m.find(name)
		if errors.Is(err, fs.ErrNotExist) {
			f, err = s.m.create(name)
		}
		if err != nil {
			return err
		}
		if f.dir {
			return syscall.EISDIR
		}
		if _, ok := s.m.locked[f]; ok {
			return fmt.Errorf("lock %s: %w", name, ErrLocked)
		}
		held = s.hold(name, f)
		return nil
	})
	return held, err
}

// find resolves a name; errors are those of a system call.
func (m *machine) find(name string) (*inode, error) {
	f := m.root
	if name == "." {
		return f, nil
	}
	for element := range strings.SplitSeq(name, "/") {
		c, err := f.child(element)
		if err != nil {
			return nil, err
		}
		f = c
	}
	return f, nil
}

func (m *machine) findDir(name string) (*inode, error) {
	f, err := m.find(name)
	if err == nil && !f.dir {
		err = syscall.ENOTDIR
	}
	return f, err
}

// parent resolves the directory that a name is in.
func (m *machine) parent(name string) (dir *inode, last string, err error) {
	dir, err = m.findDir(path.Dir(name))
	return dir, lastElement(name), err
}

func (m *machine) create(name string) (*inode, error) {
	if name == "." {
		return nil, syscall.EEXIST
	}
	dir, last, err := m.parent(name)
	if err != nil {
		return nil, err
	}
	if dir.names[last] != nil {
		return nil, syscall.EEXIST
	}
	f := &inode{modTime: m.now()}
	m.link(dir, last, f)
	m.journal.add(f, nameChange{dir, last, f})
	return f, nil
}

func (m *machine) mkdirAll(name string) error {
	d := m.root
	if name == "." {
		return nil
	}
	for element := range strings.SplitSeq(name, "/") {
		c, err := d.child(element)
		if errors.Is(err, fs.ErrNotExist) {
			c, err = newDir(m.now()), nil
			m.link(d, element, c)
			m.journal.add(c, nameChange{d, element, c})
		}
		if err != nil {
			return err
		}
		d = c
	}
	if !d.dir {
		return syscall.EEXIST
	}
	return nil
}

func (m *machine) rename(from, to string) error {
	fromDir, fromLast, err := m.parent(from)
	if err != nil {
		return err
	}
	toDir, toLast, err := m.parent(to)
	if err != nil {
		return err
	}
	f, err := fromDir.child(fromLast)
	if err != nil {
		return err
	}
	target := toDir.names[toLast]
	switch {
	case target != nil && target.dir:
		return syscall.EEXIST // as package os, which asks before it renames
	case target == f:
		return nil
	case f.dir && f.contains(toDir):
		return syscall.EINVAL
	case f.dir && target != nil:
		return syscall.ENOTDIR
	}
	if target != nil {
		m.unlink(toDir, toLast)
	}
	delete(fromDir.names, fromLast)
	toDir.names[toLast] = f
	m.journal.add(f, nameChange{fromDir, fromLast, nil}, nameChange{toDir, toLast, f})
	return nil
}

func (m *machine) remove(name string) error {
	dir, last, err := m.parent(name)
	if err != nil {
		return err
	}
	f, err := dir.child(last)
	if err != nil {
		return err
	}
	if f.dir && len(f.names) > 0 {
		return syscall.ENOTEMPTY
	}
	m.unlink(dir, last)
	m.journal.add(f, nameChange{dir, last, nil})
	return nil
}

func (m *machine) removeTree(dir *inode, name string) {
	f := dir.names[name]
	for _, inner := range sortedNames(f.names) {
		m.removeTree(f, inner)
	}
	m.unlink(dir, name)
	m.journal.add(f, nameChange{dir, name, nil})
}

func (m *machine) link(dir *inode, name string, f *inode) {
	dir.names[name] = f
	dir.modTime = m.now()
	f.links = 1
}

// unlink takes a name away; the room is free when the last opening of the file is closed too.
func (m *machine) unlink(dir *inode, name string) {
	f := dir.names[name]
	delete(dir.names, name)
	dir.modTime = m.now()
	f.links = 0
	m.freeIfUnused(f)
}

func (m *machine) freeIfUnused(f *inode) {
	if f.links == 0 && f.opens == 0 {
		m.used -= f.live.used
		delete(m.dirty, f)
	}
}

func (f *inode) entry(name string) Entry {
	return Entry{Name: name, Dir: f.dir, Size: f.live.size, ModTime: f.modTime}
}

// usedPages counts the pages of a tree.
func usedPages(f *inode) int {
	pages := f.live.used
	for _, c := range f.names {
		pages += usedPages(c)
	}
	return pages
}

// sortedNames is the only way to walk names where the order can be seen.
func sortedNames(names map[string]*inode) []string {
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	return sorted
}
