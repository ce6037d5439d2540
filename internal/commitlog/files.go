package commitlog

import (
	"errors"
	"fmt"
	"sync"

	"github.com/skein-io/skein/internal/disk"
)

// fileCache bounds the files that are open while nobody uses them. A segment's files are opened when they are needed
// and stay open until the bound closes the one that was used least lately. A file in use is never closed.
//
// One mutex serves all logs: it is held for a few instructions, and for an open or a rename, which are rare.
type fileCache struct {
	fs  disk.FS
	max int

	mu   sync.Mutex
	idle cachedFile // ring: idle.next is the least lately used
	open int
}

// cachedFile is one name that can be opened. The zero value with a name is closed.
type cachedFile struct {
	name       string    // guarded by the cache's mutex, as is the rest
	file       disk.File // nil while closed
	users      int
	dropped    bool // close when the last user is done; never open again
	once       bool // close when the last user is done: nobody will ask for it again
	prev, next *cachedFile
}

func newFileCache(fs disk.FS, max int) *fileCache {
	c := &fileCache{fs: fs, max: max}
	c.idle.prev, c.idle.next = &c.idle, &c.idle
	return c
}

// acquire opens f if need be and keeps it open until release.
func (c *fileCache) acquire(f *cachedFile) (disk.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.file == nil {
		if f.dropped {
			return nil, ErrClosed
		}
		file, err := c.fs.Open(f.name)
		if exhausted(err) && c.evict(c.open/2) {
			file, err = c.fs.Open(f.name)
		}
		if err != nil {
			return nil, err
		}
		c.adopt(f, file)
	}
	if f.users == 0 {
		c.unlink(f)
	}
	f.users++
	return f.file, nil
}

// create makes the file and keeps it open until release. It must not exist.
func (c *fileCache) create(f *cachedFile) (disk.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	file, err := c.fs.Create(f.name)
	if exhausted(err) && c.evict(c.open/2) {
		file, err = c.fs.Create(f.name)
	}
	if err != nil {
		return nil, err
	}
	c.adopt(f, file)
	f.users++
	return file, nil
}

// createOver is create in the place of a file that an earlier life left behind.
func (c *fileCache) createOver(f *cachedFile) (disk.File, error) {
	file, err := c.create(f)
	if present(err) {
		if err := c.fs.Remove(f.name); err != nil {
			return nil, err
		}
		file, err = c.create(f)
	}
	return file, err
}

func (c *fileCache) adopt(f *cachedFile, file disk.File) {
	f.file = file
	c.open++
	if c.open > c.max {
		c.evict(c.max)
	}
}

// retain adds a user to a file that is in use already.
func (c *fileCache) retain(f *cachedFile) {
	c.mu.Lock()
	f.users++
	c.mu.Unlock()
}

// release ends what acquire, create or retain began.
func (c *fileCache) release(f *cachedFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.users--
	invariant(f.users >= 0, "file released more often than acquired", f.name, f.users)
	if f.users > 0 {
		return
	}
	if f.dropped || f.once {
		c.close(f)
		return
	}
	if f.file == nil {
		return
	}
	last := c.idle.prev
	f.prev, f.next = last, &c.idle
	last.next, c.idle.prev = f, f
	if c.open > c.max {
		c.evict(c.max)
	}
}

// drop closes the file once nobody uses it. It is not removed.
func (c *fileCache) drop(f *cachedFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.dropped {
		return
	}
	f.dropped = true
	if f.users == 0 && f.file != nil {
		c.unlink(f)
		c.close(f)
	}
}

// rename gives the file another name, open or not.
func (c *fileCache) rename(f *cachedFile, to string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fs.Rename(f.name, to); err != nil {
		return err
	}
	f.name = to
	return nil
}

// shrink closes every idle file: somebody else needs descriptors.
func (c *fileCache) shrink() {
	c.mu.Lock()
	c.evict(0)
	c.mu.Unlock()
}

// evict closes idle files, least lately used first, until at most max are open.
func (c *fileCache) evict(max int) bool {
	before := c.open
	for c.open > max && c.idle.next != &c.idle {
		f := c.idle.next
		c.unlink(f)
		c.close(f)
	}
	return c.open < before
}

// closeIdle closes every file that nobody uses: those of no segment, such as producer snapshots, are idle once they are
// synced.
func (c *fileCache) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evict(0)
}

func (c *fileCache) unlink(f *cachedFile) {
	if f.next != nil {
		f.prev.next, f.next.prev = f.next, f.prev
		f.prev, f.next = nil, nil
	}
}

// close closes without asking for the result: what had to be durable was synced while the file was in use.
func (c *fileCache) close(f *cachedFile) {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
		c.open--
	}
}

// readAt reads all of b at a position of a cached file.
func (c *fileCache) readAt(f *cachedFile, b []byte, position int64) error {
	file, err := c.acquire(f)
	if err != nil {
		return err
	}
	defer c.release(f)
	return readFull(file, b, position)
}

// readFull reads all of b or fails; the end of the file is a failure too.
func readFull(file disk.File, b []byte, position int64) error {
	n, err := file.ReadAt(b, position)
	if n == len(b) {
		return nil
	}
	if err == nil {
		err = errors.New("short read")
	}
	return err
}

// ReplaceFile writes a file of dir whole under a temporary name, syncs it, renames it over name and syncs the directory:
// after a crash there is the old content or the new. dir "." is the root.
func ReplaceFile(fs disk.FS, dir, name string, content []byte) error {
	path := join(dir, name)
	file, err := createOver(fs, path+temporary)
	if err != nil {
		return err
	}
	if _, err = file.WriteAt(content, 0); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := fs.Rename(path+temporary, path); err != nil {
		return err
	}
	return fs.SyncDir(dir)
}

// createOver creates a file, in the place of one that an earlier life left behind.
func createOver(fs disk.FS, name string) (disk.File, error) {
	file, err := fs.Create(name)
	if present(err) {
		if err := fs.Remove(name); err != nil {
			return nil, err
		}
		file, err = fs.Create(name)
	}
	return file, err
}

// ReadFile reads a whole file of at most max bytes. A file that is not there is fs.ErrNotExist.
func ReadFile(fs disk.FS, name string, max int64) ([]byte, error) {
	file, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	if size > max {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", name, size, max)
	}
	b := make([]byte, size)
	if size == 0 {
		return b, nil
	}
	return b, readFull(file, b, 0)
}

func join(dir, name string) string {
	if dir == "." || dir == "" {
		return name
	}
	return dir + "/" + name
}
