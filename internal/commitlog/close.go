package commitlog

// Close syncs the log, writes its indexes and a producer snapshot, and closes its files. Readers that hold a Slice
// keep their file until they release it.
func (l *Log) Close() error {
	err := l.prepareClose()
	if err == nil {
		err = l.dir.Round()
	}
	if err == nil {
		err = l.dir.SyncMark()
	}
	if err == nil {
		l.dir.settle(l.key(), true)
	}
	l.shut()
	l.dir.unregister(l)
	return err
}

// prepareClose ends appends and leaves to the next round what a restart needs to find.
func (l *Log) prepareClose() error {
	defer l.holdCleaning()()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if err := l.dir.Offline(); err != nil {
		return err
	}
	s := l.active()
	if s == nil {
		return nil
	}
	if s.size.Load() > 0 {
		if err := l.checkpoint(s); err != nil {
			return storageError("close "+l.name.String(), err)
		}
	}
	l.enqueue()
	return nil
}

// shut closes the files. Appends have ended.
func (l *Log) shut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, s := range l.segments {
		s.drop()
	}
	work := l.takeDirty()
	work.releaseFiles()
}

// Delete removes the log for good. The durable mark forgets it first, so that a log of the same name and id may begin
// anew; then the folder gets a name that no log has, and its files go. Readers that hold a Slice keep their file.
func (l *Log) Delete() error {
	defer l.holdCleaning()()
	s := &l.dir.syncer
	s.round.Lock()
	defer s.round.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return storageError("delete "+l.name.String(), ErrClosed)
	}
	if err := l.dir.Offline(); err != nil {
		return err
	}
	l.closed = true
	l.dir.mark.remove(l.key())
	if err := l.dir.mark.sync(); err != nil {
		return l.dir.goOffline(err)
	}
	l.structure.Lock()
	segments := l.segments
	l.segments = nil
	l.structure.Unlock()
	for _, s := range segments {
		s.drop()
	}
	work := l.takeDirty()
	work.releaseFiles()
	l.dir.unregister(l)
	l.dir.settle(l.key(), true)
	if !l.made {
		return nil
	}
	return l.removeFolder()
}

func (l *Log) removeFolder() error {
	gone := l.folder + "." + l.id.String() + deleteSuffix
	fs := l.dir.fs
	err := fs.Rename(l.folder, gone)
	if missing(err) {
		return nil
	}
	if err == nil {
		err = fs.SyncDir(".")
	}
	if err == nil && l.dir.config.Manual {
		err = fs.RemoveAll(gone)
	} else if err == nil {
		l.dir.doom(doomedFile{name: gone, folder: true}) // its files take time: Reap has it
	}
	if err != nil {
		return storageError("delete "+l.name.String(), err)
	}
	return nil
}
