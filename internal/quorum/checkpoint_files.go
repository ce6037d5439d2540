package quorum

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/metadata"
)

// partSuffix marks a snapshot that is being written. It is renamed when it is durable.
const partSuffix = ".part"

// checkpointBytesMax bounds what is read as a snapshot.
const checkpointBytesMax = 4 << 30

// writeCheckpoint makes a snapshot of an image durable and returns its size. The image never changes, so this may run
// beside everything else. unsynced: see faults.
func writeCheckpoint(tree disk.FS, folder string, c checkpoint, image *metadata.Image, unsynced bool) (int64, error) {
	return writeCheckpointFile(tree, folder+"/"+c.fileName(), unsynced, func(write func([]byte) error) error {
		return encodeCheckpoint(c, image, write)
	})
}

// writeCheckpointFile makes what pieces gives durable under a name, all or nothing.
func writeCheckpointFile(tree disk.FS, name string, unsynced bool, pieces func(write func([]byte) error) error) (int64, error) {
	file, err := tree.Create(name + partSuffix)
	if errors.Is(err, fs.ErrExist) {
		if err = tree.Remove(name + partSuffix); err == nil {
			file, err = tree.Create(name + partSuffix)
		}
	}
	if err != nil {
		return 0, err
	}
	var size int64
	err = pieces(func(b []byte) error {
		n, err := file.WriteAt(b, size)
		size += int64(n)
		return err
	})
	if err == nil && !unsynced {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return 0, fmt.Errorf("write %s: %w", name, err)
	}
	if err := tree.Rename(name+partSuffix, name); err != nil {
		return 0, err
	}
	return size, tree.SyncDir(path.Dir(name))
}

// readCheckpoint reads the newest snapshot; nil if there is none. Only whole snapshots have their name, so one that
// cannot be read is damaged, and the log before it is gone: that is refused by name.
func readCheckpoint(tree disk.FS, folder string) (*checkpoint, *metadata.Image, int64, error) {
	names, err := listCheckpoints(tree, folder)
	if err != nil || len(names) == 0 {
		return nil, nil, 0, err
	}
	name := folder + "/" + names[len(names)-1]
	b, err := commitlog.ReadFile(tree, name, checkpointBytesMax)
	if err != nil {
		return nil, nil, 0, err
	}
	c, image, err := decodeCheckpoint(b)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("%s cannot be used: %w; take the folder from a backup or from another voter", name, err)
	}
	return &c, image, int64(len(b)), nil
}

// listCheckpoints lists the whole snapshots, oldest first, and removes unfinished ones. A folder that is not there has
// none.
func listCheckpoints(tree disk.FS, folder string) ([]string, error) {
	entries, err := tree.List(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if whole, ok := strings.CutSuffix(e.Name, partSuffix); ok {
			if _, _, ok := parseCheckpointName(whole); ok {
				if err := tree.Remove(folder + "/" + e.Name); err != nil {
					return nil, err
				}
			}
		}
		if _, _, ok := parseCheckpointName(e.Name); ok {
			names = append(names, e.Name) // sorted as List sorts: the digits are padded
		}
	}
	return names, nil
}

// removeCheckpoints removes the snapshots before the newest.
func removeCheckpoints(tree disk.FS, folder string) error {
	names, err := listCheckpoints(tree, folder)
	if err != nil {
		return err
	}
	for _, name := range names[:max(len(names)-1, 0)] {
		if err := tree.Remove(folder + "/" + name); err != nil {
			return err
		}
	}
	return nil
}
