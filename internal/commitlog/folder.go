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

// claim sees to it that the folder belongs to this topic: names return, ids do not.
func (l *Log) claim(c folderContent) error {
	if !c.metadata {
		return l.rewriteMetadata()
	}
	b, err := readFile(l.dir.fs, join(l.folder, partitionFile), textFileBytesMax)
	if err != nil {
		return err
	}
	id, err := decodePartitionMetadata(b)
	if err != nil { // a crash cut the file short, or it rotted; the mark is by topic id and knows better
		return l.rewriteMetadata()
	}
	if id != l.id {
		return protocol.Fail(protocol.InconsistentTopicID,
			"%s belongs to topic id %s, not %s: it is a deleted topic of the same name; move the folder away", join(l.folder, partitionFile), id, l.id)
	}
	return nil
}

func (l *Log) rewriteMetadata() error {
	return replaceFile(l.dir.fs, l.folder, partitionFile, encodePartitionMetadata(l.id))
}

// readEpochs takes the leader epochs from their file; false if there is none that can be trusted.
func (l *Log) readEpochs(c folderContent) (bool, error) {
	if !c.epochs {
		return false, nil
	}
	b, err := readFile(l.dir.fs, join(l.folder, epochFile), textFileBytesMax)
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
