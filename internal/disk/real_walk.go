//go:build !linux

package disk

import (
	"errors"
	"io/fs"
	"os"
)

// syncData makes content and size durable. On macOS os.File.Sync is F_FULLFSYNC, on Windows FlushFileBuffers.
func syncData(f *os.File) error { return f.Sync() }

// syncTree syncs every file and directory below the root: there is no syncfs here.
func (r *Real) syncTree() error {
	return fs.WalkDir(r.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed while we walk
		}
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return r.SyncDir(name)
		}
		f, err := r.root.OpenFile(name, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
