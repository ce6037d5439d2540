package commitlog

import (
	"errors"

	"github.com/skein-io/skein/internal/protocol"
)

// Delete removes the log for good, as Dir.Delete does.
func (l *Log) Delete() error { return l.dir.Delete(l) }

// Delete removes logs for good, all of them in one go: three syncs, however many there are. Readers that hold a Slice
// keep their files. It fails for a log that is closed, and deletes the others.
//
// The durable mark says first that they are being deleted, so that a start after a crash does the rest; then each folder
// gets a name that no log has; then the mark forgets them. The files take time: they are left to Reap.
func (d *Dir) Delete(logs ...*Log) error {
	if err := d.Offline(); err != nil {
		return err
	}
	var failed error
	ended := make([]*Log, 0, len(logs))
	for _, l := range logs {
		if err := l.endForGood(); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		ended = append(ended, l)
	}
	if len(ended) == 0 {
		return failed
	}
	if err := d.beginDeletion(ended); err != nil {
		return errors.Join(failed, d.goOffline(err))
	}
	if err := d.renameDeleted(ended); err != nil {
		failed = errors.Join(failed, err) // the mark goes on saying it: the next start tries again
	} else if err := d.forget(ended); err != nil {
		failed = errors.Join(failed, d.goOffline(err))
	}
	for _, l := range ended {
		d.unregister(l)
		d.settle(l.key(), true)
	}
	return failed
}

// endForGood ends appends, and compaction with them.
func (l *Log) endForGood() error {
	defer l.holdCleaning()()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return storageError("delete "+l.name.String(), ErrClosed)
	}
	l.closed = true
	return nil
}

// beginDeletion has the mark say what is about to happen, and takes the logs from the rounds.
func (d *Dir) beginDeletion(logs []*Log) error {
	d.syncer.round.Lock()
	for _, l := range logs {
		l.deleted.Store(true)
		if l.made && !d.faults.deletesUnmarked() {
			entry, _ := d.mark.get(l.key())
			entry.deleting = true
			d.mark.put(l.key(), entry)
		}
	}
	d.syncer.round.Unlock()
	err := d.mark.sync()
	for _, l := range logs {
		l.abandon()
	}
	return err
}

// abandon closes the files and leaves nothing to read.
func (l *Log) abandon() {
	l.mu.Lock()
	segments := l.segments
	l.setSegments(nil)
	l.mu.Unlock()
	for _, s := range segments {
		s.drop()
	}
	work := l.takeDirty()
	work.releaseFiles()
}

// renameDeleted renames the folders and makes their names durable.
func (d *Dir) renameDeleted(logs []*Log) error {
	var failed error
	var gone []string
	for _, l := range logs {
		if !l.made {
			continue
		}
		name := asideName(l.folder, l.id, deleteSuffix)
		switch err := d.fs.Rename(l.folder, name); {
		case err == nil:
			gone = append(gone, name)
		case !missing(err):
			failed = errors.Join(failed, storageError("delete "+l.name.String(), err))
		}
	}
	if len(gone) == 0 {
		return failed
	}
	if err := d.fs.SyncDir("."); err != nil {
		return errors.Join(failed, storageError("delete "+logs[0].name.String(), err))
	}
	return errors.Join(failed, d.discard(gone))
}

// discard leaves folders that have their last name to Reap.
func (d *Dir) discard(gone []string) error {
	var failed error
	for _, name := range gone {
		if d.config.Manual {
			failed = errors.Join(failed, d.fs.RemoveAll(name))
		} else {
			d.doom(doomedFile{name: name, folder: true})
		}
	}
	return failed
}

func (d *Dir) forget(logs []*Log) error {
	for _, l := range logs {
		d.mark.remove(l.key())
	}
	return d.mark.sync()
}

// finishDeletion does what a crash kept an earlier life from doing, for a log that is being opened. The caller holds its
// mu.
func (d *Dir) finishDeletion(l *Log) error {
	id, err := folderID(d.fs, l.folder)
	if err != nil {
		return err
	}
	if id == l.id {
		l.made = true
		err := d.renameDeleted([]*Log{l})
		l.made = false
		if err != nil {
			return err
		}
	}
	return d.forget([]*Log{l})
}

// asideName is what a folder is called that belongs to no log.
func asideName(folder string, id protocol.UUID, suffix string) string {
	return folder + "." + id.String() + suffix
}
