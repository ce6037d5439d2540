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
