package broker

import (
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/sim/scene"
)

// WrapDisk puts the bugs that are about the disk between the parts and their disk.
func WrapDisk(w *scene.World, fs disk.FS) disk.FS {
	switch b := w.Bug(); b {
	case AckBeforeSync, DirectoryNotSynced, SyncErrorIgnored, SnapshotNotLoaded, MetadataNotSynced:
		return buggyDisk{FS: fs, bug: b}
	}
	return fs
}

// metadataFolder holds the metadata log.
const metadataFolder = "__cluster_metadata"

// buggyDisk is a disk with a bug.
type buggyDisk struct {
	disk.FS
	bug scene.Bug
}

type buggyFile struct {
	disk.File
	bug scene.Bug
}

func (d buggyDisk) wrap(f disk.File, err error) (disk.File, error) {
	if err != nil {
		return nil, err
	}
	return buggyFile{f, d.bug}, nil
}

// Open implements disk.FS.
func (d buggyDisk) Open(name string) (disk.File, error) { return d.wrap(d.FS.Open(name)) }

// Create implements disk.FS.
func (d buggyDisk) Create(name string) (disk.File, error) { return d.wrap(d.FS.Create(name)) }

// SyncDir implements disk.FS.
func (d buggyDisk) SyncDir(dir string) error {
	if d.bug == DirectoryNotSynced {
		return nil
	}
	return d.FS.SyncDir(dir)
}

// List implements disk.FS.
func (d buggyDisk) List(dir string) ([]disk.Entry, error) {
	entries, err := d.FS.List(dir)
	if d.bug == SnapshotNotLoaded {
		entries = slices.DeleteFunc(entries, func(e disk.Entry) bool { return strings.HasSuffix(e.Name, ".checkpoint") })
	}
	return entries, err
}

// Sync implements disk.File.
func (f buggyFile) Sync() error {
	switch {
	case f.bug == MetadataNotSynced && strings.Contains(f.Name(), metadataFolder):
		return nil
	case f.bug == AckBeforeSync && strings.HasSuffix(f.Name(), ".log"):
		return nil
	case f.bug == SyncErrorIgnored:
		_ = f.File.Sync()
		return nil
	}
	return f.File.Sync()
}
