package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Modes of what Real makes: nobody but the owner reads a record.
const (
	fileMode fs.FileMode = 0o600
	dirMode  fs.FileMode = 0o700
)

// Real is an FS on a directory of the machine, held by an os.Root: a symbolic link that leads out of the directory is
// refused by the kernel-relative walk, not by comparing strings. It is safe for concurrent use.
type Real struct {
	root *os.Root
	dir  *os.File // the root directory itself, open for as long as Real: syncfs reports each failure once per descriptor
}

var _ FS = (*Real)(nil)

// OpenReal opens the directory root, which it makes (0700) if it is missing. Close releases it; files and locks that
// were opened through it stay open.
func OpenReal(root string) (*Real, error) {
	if err := os.MkdirAll(root, dirMode); err != nil {
		return nil, err
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	dir, err := r.Open(".")
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return &Real{root: r, dir: dir}, nil
}

// Close releases the directory.
func (r *Real) Close() error { return errors.Join(r.dir.Close(), r.root.Close()) }

// Root is the directory as it was given to OpenReal; for messages, not for opening files beside FS.
func (r *Real) Root() string { return r.root.Name() }

// Open implements FS.
func (r *Real) Open(name string) (File, error) { return r.open("open", name, os.O_RDWR) }

// Create implements FS.
func (r *Real) Create(name string) (File, error) {
	return r.open("create", name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (r *Real) open(op, name string, flag int) (File, error) {
	if err := checkName(op, name); err != nil {
		return nil, err
	}
	f, err := r.root.OpenFile(name, flag, fileMode) // os.OpenFile always adds O_CLOEXEC
	if err != nil {
		return nil, err
	}
	return &realFile{File: f, name: name}, nil
}

// MkdirAll implements FS.
func (r *Real) MkdirAll(name string) error {
	if err := checkName("mkdir", name); err != nil {
		return err
	}
	return r.root.MkdirAll(name, dirMode)
}

// Rename implements FS.
func (r *Real) Rename(from, to string) error {
	if err := checkBelow("rename", from); err != nil {
		return err
	}
	if err := checkBelow("rename", to); err != nil {
		return err
	}
	return r.root.Rename(from, to)
}

// Remove implements FS.
func (r *Real) Remove(name string) error {
	if err := checkBelow("remove", name); err != nil {
		return err
	}
	return r.root.Remove(name)
}

// RemoveAll implements FS.
func (r *Real) RemoveAll(name string) error {
	if err := checkBelow("removeall", name); err != nil {
		return err
	}
	return r.root.RemoveAll(name)
}

// List implements FS. A name that disappears while it lists is left out.
func (r *Real) List(dir string) ([]Entry, error) {
	if err := checkName("list", dir); err != nil {
		return nil, err
	}
	d, err := r.root.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.ReadDir(-1)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	entries := make([]Entry, 0, len(names))
	for _, name := range names {
		info, err := name.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		entries = append(entries, entryOf(info.Name(), info))
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, d.Close()
}

// Stat implements FS.
func (r *Real) Stat(name string) (Entry, error) {
	if err := checkName("stat", name); err != nil {
		return Entry{}, err
	}
	info, err := r.root.Stat(name)
	if err != nil {
		return Entry{}, err
	}
	return entryOf(lastElement(name), info), nil
}

// SyncDir implements FS.
func (r *Real) SyncDir(dir string) error {
	if err := checkName("syncdir", dir); err != nil {
		return err
	}
	d, err := r.root.Open(dir)
	if err != nil {
		return err
	}
	info, err := d.Stat()
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "syncdir", Path: dir, Err: syscall.ENOTDIR}
	}
	if err == nil {
		err = syncDirectory(d)
	}
	return errors.Join(err, d.Close())
}

// SyncAll implements FS. On Linux it is one syncfs, which since 5.8 also reports failed writes of earlier; elsewhere
// it walks the tree and syncs every file and directory.
func (r *Real) SyncAll() error { return r.syncTree() }

// Space implements FS. Free is what an unprivileged process may still use.
func (r *Real) Space() (Space, error) { return spaceOf(r.dir) }

// Lock implements FS. The lock belongs to the open file, so a second FS of the same process is refused too, and it
// goes when the process ends, however it ends. The file stays, empty.
func (r *Real) Lock(name string) (io.Closer, error) {
	if err := checkName("lock", name); err != nil {
		return nil, err
	}
	f, err := r.root.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
	}
	return heldLock{f}, nil
}

// heldLock is a file that is locked.
type heldLock struct{ *os.File }

// Close gives the lock back, before the file is closed: a child that another goroutine is just starting has the descriptor, too,
// until it executes its program, and would hold the lock for that long.
func (l heldLock) Close() error { return errors.Join(unlockFile(l.File), l.File.Close()) }

// realFile is an os.File that keeps the name under the root and syncs without the times.
type realFile struct {
	*os.File
	name string
}

var _ Descriptor = (*realFile)(nil)

// Name implements File.
func (f *realFile) Name() string { return f.name }

// Sync implements File.
func (f *realFile) Sync() error { return syncData(f.File) }

// Size implements File.
func (f *realFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func entryOf(name string, info fs.FileInfo) Entry {
	e := Entry{Name: name, Dir: info.IsDir(), ModTime: info.ModTime().UnixMilli()}
	if !e.Dir {
		e.Size = info.Size()
	}
	return e
}

func lastElement(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
