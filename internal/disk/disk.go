// Package disk is all that skein knows of files. Everything that must survive a crash goes through FS, which has two
// implementations: Real, a directory under an os.Root, and Simulated, a seeded disk that crashes, tears, rots, fills
// and fails on command. It keeps no format and decides nothing.
package disk

import (
	"errors"
	"io"
	"syscall"
)

// ErrLocked says that another process (or another FS of this one) holds the lock file.
var ErrLocked = errors.New("locked by another process")

// FS is one directory tree. Names are slash-separated and relative to its root; a name that leaves the root is
// refused. Every method may be called concurrently. What each leaves durable is said at the method; nothing else is
// durable before a Sync, SyncDir or SyncAll that began after it.
type FS interface {
	// Open opens a file that exists, for reading and writing. fs.ErrNotExist if it does not.
	Open(name string) (File, error)
	// Create makes a file that does not exist yet. fs.ErrExist if it does. The name is durable after SyncDir of its
	// directory.
	Create(name string) (File, error)
	// MkdirAll makes a directory and those above it. The names are durable after SyncDir of each directory above.
	MkdirAll(name string) error
	// Rename moves a file or directory, over a file that is there. Durable after SyncDir of both directories.
	Rename(from, to string) error
	// Remove removes a file or an empty directory. Durable after SyncDir of its directory.
	Remove(name string) error
	// RemoveAll removes a tree; one that is not there is no error.
	RemoveAll(name string) error
	// List returns the entries of a directory, sorted by name.
	List(dir string) ([]Entry, error)
	// Stat describes one file or directory.
	Stat(name string) (Entry, error)
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// SyncAll makes everything in the file system that holds the tree durable: content, sizes and names (syncfs).
	SyncAll() error
	// Space tells how much room the file system has.
	Space() (Space, error)
	// Lock takes an exclusive lock on a file that it creates if need be; it is released by Close and by the end of
	// the process. ErrLocked if somebody has it.
	Lock(name string) (io.Closer, error)
}

// File is an open file. ReadAt and WriteAt may be called concurrently; it keeps no position of its own.
type File interface {
	io.ReaderAt
	io.WriterAt
	// Truncate sets the size; bytes beyond the old end read as zero.
	Truncate(size int64) error
	// Sync makes content and size durable (fdatasync). After an error nothing that was written since the last
	// success may be taken for durable, and the call must not be tried again: the kernel has marked the pages clean.
	Sync() error
	// Size is the size in bytes.
	Size() (int64, error)
	// Name is the name it was opened with.
	Name() string
	io.Closer
}

// Descriptor is what a File of the real disk also is: the way to sendfile.
type Descriptor interface {
	SyscallConn() (syscall.RawConn, error)
}

// Entry is one name in a directory.
type Entry struct {
	Name    string // last element
	Dir     bool
	Size    int64 // bytes; 0 for a directory
	ModTime int64 // milliseconds since 1970
}

// Space is the room of a file system, in bytes.
type Space struct {
	Free  uint64
	Total uint64
}
