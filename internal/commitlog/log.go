package commitlog

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Log is one partition on disk. Its methods may be called concurrently.
//
// Locks, in the order in which they are taken: cleaning, syncer.round (only what cuts), Log.mu, Log.structure, dirty.mu. Append
// holds mu while it writes: one appender at a time. Readers hold structure shared, for the time of a lookup; it is
// held alone only to replace or cut segments. No lock is held while bytes are sent to a client.
type Log struct {
	dir    *Dir
	files  *fileCache
	name   TopicPartition
	id     protocol.UUID
	folder string

	config atomic.Pointer[Config]

	start   atomic.Int64 // log start offset
	end     atomic.Int64 // log end offset
	durable atomic.Int64 // what counts as durable
	synced  atomic.Int64 // what is on the disk; less than durable in page-cache mode

	epochs epochCache
	dirty  dirtyState

	structure sync.RWMutex
	segments  []*segment // by base; the last is the active one. Empty until the first append

	mu          sync.Mutex
	made        bool // the folder exists
	closed      bool
	producers   producerTable
	snapshots   []record.Offset // of the producer snapshots on disk, ascending
	savedEpochs []EpochStart    // what the epoch file has, or will have after the next round
	unflushed   int64           // records since the last sync, in page-cache mode

	deleted  atomic.Bool  // the mark says so: no round takes it any more. Set while syncer.round is held
	cleaning sync.Mutex   // one compaction at a time, and none beside what cuts or closes the log
	haste    atomic.Int32 // how many wait for a compaction to give up
	recovery Recovery
}

// Name is the topic and partition.
func (l *Log) Name() TopicPartition { return l.name }

// TopicID is the topic's id.
func (l *Log) TopicID() protocol.UUID { return l.id }

// StartOffset is the log start offset: the first that can be read.
func (l *Log) StartOffset() record.Offset { return record.Offset(l.start.Load()) }

// EndOffset is the log end offset: the one that the next record will have.
func (l *Log) EndOffset() record.Offset { return record.Offset(l.end.Load()) }

// DurableEnd is the offset below which every record counts as durable: it is on the disk, or in page-cache mode in the
// hands of the kernel. It never falls, but by TruncateTo.
func (l *Log) DurableEnd() record.Offset { return record.Offset(l.durable.Load()) }

// SyncedEnd is the offset below which every record is on the disk, in page-cache mode too.
func (l *Log) SyncedEnd() record.Offset { return record.Offset(l.synced.Load()) }

// Config is the log's configuration.
func (l *Log) Config() Config { return *l.config.Load() }

// Configure changes the configuration from the next call on. What is on disk stays as it is.
func (l *Log) Configure(config Config) {
	c := config.completed()
	l.config.Store(&c)
}

// pageCache says whether appends count as durable before they are synced.
func (l *Log) pageCache() bool { return l.flushMessages() > 1 }

func (l *Log) flushMessages() int64 {
	if n := l.config.Load().FlushMessages; n > 0 {
		return n
	}
	return l.dir.config.FlushMessages
}

// LatestEpoch is the newest leader epoch that a batch of the log has; ok is false in an empty log.
func (l *Log) LatestEpoch() (record.LeaderEpoch, bool) { return l.epochs.latest() }

// EpochAt is the leader epoch in which the record at an offset was appended.
func (l *Log) EpochAt(offset record.Offset) (record.LeaderEpoch, bool) { return l.epochs.at(offset) }

// EpochEnd answers OffsetForLeaderEpoch (KIP-101, KIP-279): the largest epoch of the log that is at most the one asked
// for, and the offset where it ended. ok is false when nothing is known of it.
func (l *Log) EpochEnd(epoch record.LeaderEpoch) (found record.LeaderEpoch, end record.Offset, ok bool) {
	return l.epochs.end(epoch, l.EndOffset())
}

// Epochs lists the leader epochs of the log with their first offsets.
func (l *Log) Epochs() []EpochStart { return l.epochs.snapshot() }

// Size is the number of bytes of all segments, without indexes.
func (l *Log) Size() int64 {
	l.structure.RLock()
	defer l.structure.RUnlock()
	var size int64
	for _, s := range l.segments {
		size += s.size.Load()
	}
	return size
}

// Segments is the number of segments.
func (l *Log) Segments() int {
	l.structure.RLock()
	defer l.structure.RUnlock()
	return len(l.segments)
}

// Producers lists the idempotent producers that the log knows, by id, for DescribeProducers.
func (l *Log) Producers() []ProducerState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.producers.describe()
}

// active is the segment that is appended to, nil in a log without segments. The caller holds mu or structure.
func (l *Log) active() *segment {
	if n := len(l.segments); n > 0 {
		return l.segments[n-1]
	}
	return nil
}

// find is the number of the segment that holds an offset, or would; -1 below the first. The caller holds structure.
func (l *Log) find(offset record.Offset) int {
	i, ok := slices.BinarySearchFunc(l.segments, offset, func(s *segment, o record.Offset) int { return cmp.Compare(s.base, o) })
	if ok {
		return i
	}
	return i - 1
}

// setSegments replaces the list; readers hold on to the one they saw only under structure.
func (l *Log) setSegments(segments []*segment) {
	l.structure.Lock()
	l.segments = segments
	l.structure.Unlock()
}

func (l *Log) key() markKey { return markKey{l.id, l.name.Partition} }

// marked notes in the durable mark what a round has made true.
func (l *Log) marked(end record.Offset, epoch record.LeaderEpoch) {
	start := min(l.StartOffset(), end)
	l.dir.mark.put(l.key(), markEntry{end: end, start: start, epoch: epoch})
}

// raiseDurable moves the durable end up; false if it is there already.
func (l *Log) raiseDurable(end record.Offset) bool {
	for {
		was := l.durable.Load()
		if was >= int64(end) {
			return false
		}
		if l.durable.CompareAndSwap(was, int64(end)) {
			return true
		}
	}
}

// usable is nil while the log can be used.
func (l *Log) usable() error {
	if l.closed {
		return storageError(l.name.String(), ErrClosed)
	}
	return l.dir.Offline()
}

// holdCleaning makes a compaction that runs give up, and keeps others away until the function it returns is called.
func (l *Log) holdCleaning() (release func()) {
	l.haste.Add(1)
	l.cleaning.Lock()
	l.haste.Add(-1)
	return l.cleaning.Unlock
}
