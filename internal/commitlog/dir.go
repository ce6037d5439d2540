package commitlog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

// lockName is the file that says which process has the directory.
const lockName = ".lock"

// Dir is one log directory: its lock, its owner, the durable mark and the Syncer that all its logs share. Its methods
// may be called concurrently.
type Dir struct {
	fs     disk.FS
	config DirConfig
	lock   io.Closer
	meta   metaProperties
	mark   *markTable
	files  *fileCache
	space  spaceGuard
	syncer syncer
	clean  bool         // the last life ended by Close, without an error
	ended  int64        // the broker epoch of that life; NoBrokerEpoch
	epoch  atomic.Int64 // that of this life
	first  bool         // there was no durable mark: what is in the directory another program wrote, such as Kafka

	offline atomic.Pointer[offlineError]

	mu      sync.Mutex
	logs    map[TopicPartition]*Log
	settled map[markKey]bool // logs opened in this life; true if they were closed since without an error
	doomed  []doomedFile
	closed  bool

	checkpointEvery int64 // bytes; checkpointBytes, but less in a test

	faults *faults // planted bugs of a test; nil otherwise
}

// offlineError is why a directory is offline.
type offlineError struct{ cause error }

func (e *offlineError) Error() string {
	return fmt.Sprintf("the log directory is offline: %v; what was not synced before may be lost: check the disk and restart", e.cause)
}

func (e *offlineError) Unwrap() error { return e.cause }

// OpenDir opens a log directory, or begins a new one. It fails with disk.ErrLocked inside if another process has it,
// and by name when it belongs to another node or cluster or to a newer skein. Nothing of it is touched before that is
// known.
func OpenDir(fs disk.FS, config DirConfig) (*Dir, error) {
	config = config.completed()
	if err := fs.MkdirAll("."); err != nil {
		return nil, err
	}
	lock, err := LockDir(fs)
	if err != nil {
		return nil, err
	}
	d := &Dir{fs: fs, config: config, lock: lock, logs: map[TopicPartition]*Log{},
		settled: map[markKey]bool{}, checkpointEvery: checkpointBytes, files: newFileCache(fs, config.OpenFilesMax)}
	d.space.floor = config.FreeBytesFloor
	if err := d.open(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	d.epoch.Store(d.ended)
	d.syncer.start(d)
	return d, nil
}

// LockDir takes a log directory, which exists, for this process, as OpenDir does. It fails with disk.ErrLocked inside if another
// process has it.
func LockDir(fs disk.FS) (io.Closer, error) {
	lock, err := fs.Lock(lockName)
	if errors.Is(err, disk.ErrLocked) {
		err = fmt.Errorf("the data directory is in use by another process (%s): stop it, or give another directory: %w", lockName, err)
	}
	return lock, err
}

func (d *Dir) open() error {
	self := metaProperties{clusterID: d.config.ClusterID, nodeID: d.config.NodeID, directoryID: d.config.DirectoryID}
	if self.directoryID.IsZero() {
		_, _ = rand.Read(self.directoryID[:]) // never fails: crypto/rand ends the process instead
	}
	var err error
	if d.meta, err = claimMeta(d.fs, self); err != nil {
		return err
	}
	if d.clean, d.ended, err = d.takeCleanShutdown(); err != nil {
		return err
	}
	if d.mark, d.first, err = openMark(d.fs); err != nil {
		return err
	}
	if d.first {
		return d.fs.SyncDir(".")
	}
	return d.doomDeleted()
}

// ClusterID is the cluster that the directory belongs to.
func (d *Dir) ClusterID() string { return d.meta.clusterID }

// ID is the directory's own id (KIP-858).
func (d *Dir) ID() protocol.UUID { return d.meta.directoryID }

// Space is the room of the file system.
func (d *Dir) Space() (disk.Space, error) { return d.fs.Space() }

// Offline is why the directory takes no more appends, as KAFKA_STORAGE_ERROR, or nil. Only a restart helps.
func (d *Dir) Offline() error {
	if e := d.offline.Load(); e != nil {
		return protocol.Fail(protocol.KafkaStorageError, "%w", e)
	}
	return nil
}

// goOffline ends the directory's service after a failure that leaves it unknown what is on the disk. The first
// cause stays.
func (d *Dir) goOffline(cause error) error {
	if d.offline.CompareAndSwap(nil, &offlineError{cause}) {
		d.config.Logger.Error("log directory is offline", "cause", cause)
		d.syncer.failWaiters(d.Offline())
		if d.config.OnOffline != nil {
			d.config.OnOffline(d.Offline())
		}
	}
	return d.Offline()
}

// Close syncs every log, writes indexes and producer snapshots, and leaves a note that all ended well. After a failed
// sync or write there is no such note, whatever happens later. The logs are closed with it.
func (d *Dir) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	logs := d.openLogs()
	d.mu.Unlock()
	var failed error
	for _, l := range logs {
		failed = errors.Join(failed, l.prepareClose())
	}
	d.syncer.stop()
	if failed == nil {
		failed = d.Round()
	}
	for _, l := range logs {
		l.shut()
	}
	if failed == nil {
		for _, l := range logs {
			d.settle(l.key(), true)
		}
	}
	failed = errors.Join(failed, d.closeMark(failed == nil && d.allSettled()))
	d.reap(nil)
	d.files.closeIdle()
	return errors.Join(failed, d.lock.Close())
}

// settle notes whether the files of a log are as its last Close left them.
func (d *Dir) settle(key markKey, well bool) {
	d.mu.Lock()
	d.settled[key] = well
	d.mu.Unlock()
}

// endedWell says whether the files of a log are as Close left them, in this life or the last.
func (d *Dir) endedWell(key markKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if well, ok := d.settled[key]; ok {
		return well
	}
	return d.clean
}

// allSettled says whether a note of a clean end would be true of every log, those included that were not opened.
func (d *Dir) allSettled() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, well := range d.settled {
		if !well {
			return false
		}
	}
	if d.clean {
		return true
	}
	for _, key := range d.mark.keys() {
		if !d.settled[key] {
			return false
		}
	}
	return true
}

// closeMark syncs the mark and, if all went well until here, leaves the note.
func (d *Dir) closeMark(well bool) error {
	if d.Offline() != nil && !d.faults.notesClean() {
		return d.mark.file.Close()
	}
	err := d.mark.sync()
	if err == nil && well || d.faults.notesClean() {
		err = d.leaveCleanShutdown()
	}
	return errors.Join(err, d.mark.file.Close())
}

// foreign says whether a log that the mark does not know may be an old one: another program wrote it, or the mark is
// damaged. Otherwise such a log is new, and none of it was durable yet.
func (d *Dir) foreign() bool { return d.first || d.mark.damaged }

// openLogs lists the logs by name. The caller holds mu.
func (d *Dir) openLogs() []*Log {
	logs := make([]*Log, 0, len(d.logs))
	for _, l := range d.logs {
		logs = append(logs, l)
	}
	sortLogs(logs)
	return logs
}
