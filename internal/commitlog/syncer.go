package commitlog

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/record"
)

// syncer makes what the logs of a directory wrote durable, in rounds. A round begins at once when something is dirty
// and no round runs; it covers every append that was finished before it began, and what is appended meanwhile goes
// into the next one, so that rounds never pile up and the batch grows with the load. Between rounds its goroutine is
// parked and nothing ticks.
//
// Why no timer: waiting for more to sync together costs every append the wait, and under load the round before is wait
// enough.
type syncer struct {
	dir  *Dir
	wake chan struct{}
	quit chan struct{}
	done chan struct{}

	round sync.Mutex // held by a round; truncation holds it to keep rounds away

	mu      sync.Mutex
	queue   []*Log
	spare   []*Log
	waiters []syncWaiter
	ticker  *time.Timer // runs only while the mark is dirty
	stopped bool

	all   syncAllChoice
	watch roundWatch

	works []dirtyWork // scratch of a round
	moved []*Log
	tasks []syncTask
}

type syncWaiter struct {
	log  *Log
	end  record.Offset
	done chan error
}

const (
	// syncsAtOnce bounds the fdatasync calls in flight: each holds a thread.
	syncsAtOnce = 16
	// markSyncEvery is how far the durable mark on the disk may lag behind.
	markSyncEvery = time.Second
)

func (s *syncer) start(d *Dir) {
	s.dir = d
	s.wake, s.quit, s.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	if d.config.Manual {
		close(s.done)
		return
	}
	go s.loop()
}

// stop ends the goroutine after the round at hand.
func (s *syncer) stop() {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return
	}
	s.stopped = true
	if s.ticker != nil {
		s.ticker.Stop()
	}
	s.mu.Unlock()
	close(s.quit)
	<-s.done
}

func (s *syncer) loop() {
	defer close(s.done)
	for {
		select {
		case <-s.wake:
			s.dir.config.BeforeRound()
			_ = s.dir.Round() // a failure has taken the directory offline, and told who waits
		case <-s.quit:
			return
		}
	}
}

// add queues a log. Called once for each log between two rounds.
func (s *syncer) add(l *Log) {
	s.mu.Lock()
	s.queue = append(s.queue, l)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // the wake-up before has not been used yet: it serves this log too
	}
}

// Round syncs everything that was appended before it began and moves the durable ends. The Syncer calls it by itself,
// unless DirConfig.Manual leaves it to the caller. An error means that the directory is offline: a failed sync is never
// tried again, because the kernel has forgotten what was not written.
func (d *Dir) Round() error {
	s := &d.syncer
	s.round.Lock()
	if err := d.Offline(); err != nil {
		s.round.Unlock()
		return err
	}
	s.take()
	s.watch.begins(s.works)
	if d.faults.marksEarly() {
		_ = s.settle()
	}
	err := s.syncTaken()
	for i := range s.works {
		s.works[i].releaseFiles()
	}
	if err == nil {
		err = s.settle()
	}
	s.watch.ends()
	moved := s.moved
	s.moved = nil
	clear(s.works)
	s.works = s.works[:0]
	s.round.Unlock()
	if err != nil {
		return d.goOffline(err)
	}
	s.tell(moved)
	return nil
}

// take empties the queue into works, in order of name, so that the same appends make the same round. A log that is being
// deleted has nothing to sync any more, and its folder may lose its name at any moment.
func (s *syncer) take() {
	s.mu.Lock()
	queue := s.queue
	s.queue = s.spare[:0]
	s.mu.Unlock()
	sortLogs(queue)
	for _, l := range queue {
		work := l.takeDirty()
		if l.deleted.Load() {
			work.releaseFiles()
			continue
		}
		s.works = append(s.works, work)
	}
	clear(queue)
	s.spare = queue[:0]
}

// syncTask is one call of the disk.
type syncTask func() error

// syncTaken syncs the files, then the directories: a file counts only when its name is durable too.
func (s *syncer) syncTaken() error {
	if s.dir.faults.skipSync() {
		return nil
	}
	if n := s.dirtyCount(); s.all.worthIt(n, time.Now()) {
		return s.syncAllTaken(n)
	}
	if err := s.writeEpochs(); err != nil {
		return err
	}
	s.tasks = s.tasks[:0]
	for i := range s.works {
		for _, f := range s.works[i].files {
			s.tasks = append(s.tasks, f.file.Sync) // open: dirtyWork holds it
		}
	}
	if err := s.inParallel(); err != nil {
		return err
	}
	return s.syncNames()
}

// dirtyCount is how many files and folders the round has to sync.
func (s *syncer) dirtyCount() int {
	n := 0
	for i := range s.works {
		n += len(s.works[i].files)
		if s.works[i].folder {
			n++
		}
	}
	return n
}

// writeEpochs replaces the leader-epoch-checkpoint of the logs that have a new one. It is rare: once a checkpoint.
func (s *syncer) writeEpochs() error {
	for i := range s.works {
		w := &s.works[i]
		if w.epochs == nil {
			continue
		}
		err := s.patiently(func() error {
			return ReplaceFile(s.dir.fs, w.log.folder, epochFile, encodeEpochs(w.epochs))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *syncer) syncNames() error {
	if s.dir.faults.skipSyncDir() {
		return nil
	}
	s.tasks = s.tasks[:0]
	root := false
	for i := range s.works {
		w := &s.works[i]
		root = root || w.root
		if w.folder || w.root {
			s.tasks = append(s.tasks, s.syncDir(w.log.folder))
		}
	}
	if root {
		s.tasks = append(s.tasks, s.syncDir("."))
	}
	return s.inParallel()
}

func (s *syncer) syncDir(name string) syncTask {
	return func() error { return s.patiently(func() error { return s.dir.fs.SyncDir(name) }) }
}

const (
	exhaustedTries = 50
	exhaustedWait  = 20 * time.Millisecond
)

// patiently tries again for a second while the process has no file descriptors left: nothing was synced then, so
// nothing can have been lost.
func (s *syncer) patiently(f func() error) error {
	err := f()
	for range exhaustedTries {
		if !exhausted(err) || s.dir.config.Manual {
			break
		}
		s.dir.files.shrink()
		time.Sleep(exhaustedWait)
		err = f()
	}
	return err
}

// inParallel runs the tasks, at most syncsAtOnce at a time, one of them here. With Manual they run one by one.
func (s *syncer) inParallel() error {
	n := len(s.tasks)
	if n <= 1 || s.dir.config.Manual {
		for _, task := range s.tasks {
			if err := task(); err != nil {
				return err
			}
		}
		return nil
	}
	var next atomic.Int32
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed error
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			if err := s.tasks[i](); err != nil {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		}
	}
	for range min(n, syncsAtOnce) - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
	return failed
}

// settle moves the ends of the logs, and the mark behind them.
func (s *syncer) settle() error {
	for i := range s.works {
		w := &s.works[i]
		l := w.log
		l.synced.Store(int64(w.end))
		if l.raiseDurable(w.end) {
			s.moved = append(s.moved, l)
		}
		l.marked(w.end, w.epoch)
	}
	if err := s.dir.mark.write(); err != nil {
		return err
	}
	s.tickMark()
	return nil
}

// tell calls those who wait for what a round made durable.
func (s *syncer) tell(moved []*Log) {
	if len(moved) > 0 && s.dir.config.OnDurable != nil {
		s.dir.config.OnDurable(moved)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiters = slices.DeleteFunc(s.waiters, func(w syncWaiter) bool {
		if record.Offset(w.log.synced.Load()) < w.end {
			return false
		}
		w.done <- nil
		return true
	})
}

// failWaiters gives everybody who waits the reason why it is in vain.
func (s *syncer) failWaiters(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waiters {
		w.done <- err
	}
	s.waiters = nil
}

// Sync waits until everything that was appended to the log before the call is on the disk, in page-cache mode too.
func (l *Log) Sync() error {
	if l.dir.config.Manual {
		l.enqueue()
		return l.dir.Round()
	}
	s := &l.dir.syncer
	w := syncWaiter{log: l, end: l.EndOffset(), done: make(chan error, 1)}
	s.mu.Lock()
	if err := l.dir.Offline(); err != nil || s.stopped {
		s.mu.Unlock()
		if err == nil {
			err = storageError(l.name.String(), ErrClosed)
		}
		return err
	}
	s.waiters = append(s.waiters, w)
	s.mu.Unlock()
	l.enqueue()
	return <-w.done
}

// tickMark sees to it that the mark is synced within markSyncEvery.
func (s *syncer) tickMark() {
	if s.dir.config.Manual || !s.dir.mark.unsynced() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ticker == nil && !s.stopped {
		s.ticker = time.AfterFunc(markSyncEvery, func() { _ = s.dir.SyncMark() })
	}
}

// SyncMark makes the durable mark durable as it stands. The Syncer calls it each second while there is something to
// do, unless DirConfig.Manual leaves it to the caller.
func (d *Dir) SyncMark() error {
	d.syncer.mu.Lock()
	d.syncer.ticker = nil
	d.syncer.mu.Unlock()
	if err := d.Offline(); err != nil {
		return err
	}
	if err := d.mark.sync(); err != nil {
		return d.goOffline(err)
	}
	d.syncer.tickMark() // for what was noted meanwhile
	return nil
}

func sortLogs(logs []*Log) {
	if len(logs) < 2 {
		return
	}
	slices.SortFunc(logs, func(a, b *Log) int {
		if c := cmp.Compare(a.name.Topic, b.name.Topic); c != 0 {
			return c
		}
		return cmp.Compare(a.name.Partition, b.name.Partition)
	})
}
