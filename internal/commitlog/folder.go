package commitlog

import (
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// folderContent is what a log's folder holds, as one listing shows it.
type folderContent struct {
	logs      []disk.Entry // the .log files, by base
	bases     []record.Offset
	sizes     map[string]int64 // of every other file that begins with an offset
	snapshots []record.Offset
	leftovers []string // what nobody needs: deleted files, unfinished compactions, temporary files
	plans     []string // compactions that were decided and may be unfinished
	epochs    bool
	metadata  bool
}

func sortContent(entries []disk.Entry) folderContent {
	c := folderContent{sizes: map[string]int64{}}
	for _, e := range entries {
		if e.Dir {
			continue
		}
		base, suffix, ok := parseFileName(e.Name)
		switch {
		case ok && suffix == logSuffix:
			c.logs = append(c.logs, e)
			c.bases = append(c.bases, base)
		case ok && suffix == snapshotSuffix:
			c.snapshots = append(c.snapshots, base)
		case ok && suffix == planSuffix:
			c.plans = append(c.plans, e.Name)
		case ok && leftover(suffix), strings.HasSuffix(e.Name, temporary):
			c.leftovers = append(c.leftovers, e.Name)
		case ok:
			c.sizes[e.Name] = e.Size
		case e.Name == epochFile:
			c.epochs = true
		case e.Name == partitionFile:
			c.metadata = true
		}
	}
	slices.Sort(c.snapshots)
	return c
}

func leftover(suffix string) bool {
	return strings.HasSuffix(suffix, deletedSuffix) || strings.HasSuffix(suffix, cleanedSuffix) || strings.HasSuffix(suffix, swapSuffix)
}

// content lists the folder, after finishing or undoing what an earlier life left half done.
func (l *Log) content() (folderContent, error) {
	c, err := l.list()
	if err != nil {
		return c, err
	}
	if len(c.plans) > 0 {
		for _, name := range c.plans {
			if err := l.finishPlan(name); err != nil {
				return c, err
			}
		}
		if c, err = l.list(); err != nil {
			return c, err
		}
	}
	for _, name := range c.leftovers {
		if err := l.dir.fs.Remove(join(l.folder, name)); err != nil && !missing(err) {
			return c, err
		}
	}
	return c, nil
}

func (l *Log) list() (folderContent, error) {
	entries, err := l.dir.fs.List(l.folder)
	if err != nil {
		return folderContent{}, err
	}
	return sortContent(entries), nil
}

// claim sees to it that the folder belongs to this topic: names return, ids do not. What another topic of the same name
// left is renamed out of the way; fs.ErrNotExist says that there is no folder now.
func (l *Log) claim(c folderContent, known bool) error {
	if !c.metadata {
		// Names in a folder are synced before anything of it is acknowledged: no round of this topic ended here, so
		// that what there is may be another's.
		if len(c.bases) > 0 && !known && !l.dir.foreign() {
			return l.dir.setAside(l.folder, markKey{partition: l.name.Partition})
		}
		return l.rewriteMetadata()
	}
	id, err := folderID(l.dir.fs, l.folder)
	if err != nil {
		return err
	}
	switch {
	case id.IsZero(): // a crash cut the file short, or it rotted; the mark is by topic id and knows better
		return l.rewriteMetadata()
	case id == l.id:
		return nil
	case l.dir.first:
		return protocol.Fail(protocol.InconsistentTopicID,
			"%s belongs to topic id %s, not %s: it is a deleted topic of the same name; move the folder away", join(l.folder, partitionFile), id, l.id)
	}
	return l.dir.setAside(l.folder, markKey{id, l.name.Partition})
}

// folderID is the topic id that a folder's partition.metadata has; zero if the file is missing or damaged.
func folderID(files disk.FS, folder string) (id protocol.UUID, err error) {
	b, err := ReadFile(files, join(folder, partitionFile), textFileBytesMax)
	if missing(err) {
		return id, nil
	}
	if err != nil {
		return id, err
	}
	if id, err = decodePartitionMetadata(b); err != nil {
		return protocol.UUID{}, nil
	}
	return id, nil
}

func (l *Log) rewriteMetadata() error {
	return ReplaceFile(l.dir.fs, l.folder, partitionFile, encodePartitionMetadata(l.id))
}

// readEpochs takes the leader epochs from their file; false if there is none that can be trusted.
func (l *Log) readEpochs(c folderContent) (bool, error) {
	if !c.epochs {
		return false, nil
	}
	b, err := ReadFile(l.dir.fs, join(l.folder, epochFile), textFileBytesMax)
	if err != nil {
		return false, err
	}
	entries, err := decodeEpochs(b)
	if err != nil {
		l.dir.config.Logger.Warn("leader epochs are read from the log instead", "log", l.name.String(), "cause", err)
		return false, nil
	}
	l.epochs.set(entries)
	l.savedEpochs = slices.Clone(entries)
	return true, nil
}
