package quorum

import (
	"fmt"
	"math"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/skein-io/skein/internal/commitlog"
	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// logFolder is the folder of the metadata log, as Kafka calls it. quorum-state and snapshots lie in it too.
const logFolder = metadata.ClusterMetadataTopic + "-0"

// metadataTopicID is the id that Kafka gives to the metadata log.
var metadataTopicID = protocol.UUID{15: 1}

const (
	segmentBytes    = 2 << 20 // small, so that what a snapshot replaces goes soon
	appendBytesMax  = 1 << 20 // entries of one append, but at least one entry
	entryBytesExtra = 128     // more than a record and its batch add to an entry
)

// entryLog is the metadata log on disk: a commitlog whose offsets are raft indexes less one. One goroutine uses it.
type entryLog struct {
	log *commitlog.Log
	// apart gives each entry a batch of its own. The log cuts whole batches, so otherwise an entry that another leader has
	// not could take one along that is agreed upon. A node that is alone never cuts, and saves the bytes.
	apart    bool
	unsynced bool // see faults
}

func openEntryLog(dir *commitlog.Dir) (*entryLog, error) {
	log, err := dir.OpenLog(commitlog.TopicPartition{Topic: metadata.ClusterMetadataTopic}, metadataTopicID, logConfig(segmentBytes))
	if err != nil {
		return nil, err
	}
	return &entryLog{log: log}, nil
}

// logConfig keeps everything until a snapshot replaces it.
func logConfig(segmentBytes int64) commitlog.Config {
	c := commitlog.DefaultConfig()
	c.SegmentBytes, c.SegmentMs = segmentBytes, math.MaxInt64
	c.MaxMessageBytes = 2 * EntryBytesMax
	c.RetentionMs, c.RetentionBytes = commitlog.Unlimited, commitlog.Unlimited
	c.FileDeleteDelayMs = 0
	return c
}

// end is the index of the last entry, 0 if there never was one.
func (l *entryLog) end() uint64 { return uint64(l.log.EndOffset()) }

// append makes entries durable; all are when it returns nil. They begin where the log ends. After an error nobody knows
// what is in the log; the node must stop.
func (l *entryLog) append(entries []*raftpb.Entry, now int64) error {
	for len(entries) > 0 {
		n, size := 0, 0
		for n < len(entries) && (n == 0 || size+len(entries[n].GetData()) < appendBytesMax) {
			size += len(entries[n].GetData()) + entryBytesExtra
			n++
		}
		if err := l.write(entries[:n], int64(size), now); err != nil {
			return err
		}
		entries = entries[n:]
	}
	if l.unsynced {
		return nil
	}
	return l.log.Sync()
}

func (l *entryLog) write(entries []*raftpb.Entry, size, now int64) error {
	if first := entries[0].GetIndex(); offsetOf(first) < l.log.EndOffset() {
		return fmt.Errorf("entry %d is appended to a log that ends with %d", first, l.end())
	}
	b, err := encodeEntries(entries, now, l.apart)
	if err != nil {
		return err
	}
	if size > segmentBytes/2 {
		l.log.Configure(logConfig(int64(len(b)) + segmentBytes))
		defer l.log.Configure(logConfig(segmentBytes))
	}
	_, err = l.log.Append(b, commitlog.AppendOptions{Origin: commitlog.Replica, Now: now})
	return err
}

// readFrom reads the entries from an index to the end of the log.
func (l *entryLog) readFrom(index uint64) ([]*raftpb.Entry, error) {
	var entries []*raftpb.Entry
	next := max(offsetOf(index), l.log.StartOffset())
	for next < l.log.EndOffset() {
		part, err := l.readPart(next)
		if err != nil {
			return nil, err
		}
		if len(part) == 0 {
			return nil, fmt.Errorf("%s has nothing at offset %d although it ends at %d", logFolder, next, l.log.EndOffset())
		}
		for _, e := range part {
			if e.GetIndex() >= index {
				entries = append(entries, e)
			}
		}
		next = offsetOf(part[len(part)-1].GetIndex()) + 1
	}
	return entries, nil
}

func (l *entryLog) readPart(from record.Offset) ([]*raftpb.Entry, error) {
	slice, err := l.log.Read(from, l.log.EndOffset(), 8<<20, true)
	if err != nil {
		return nil, err
	}
	defer slice.Release()
	b, err := slice.ReadAll()
	if err != nil {
		return nil, err
	}
	entries, err := decodeEntries(b)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged after offset %d: %w; take the folder from a backup or from another voter", logFolder, from, err)
	}
	return entries, nil
}

// reset empties the log, durably, and lets it go on after an index.
func (l *entryLog) reset(index uint64) error { return l.log.Reset(offsetOf(index) + 1) }

// truncate removes the entries from an index on, durably, and those before it that share its batch.
func (l *entryLog) truncate(index uint64) error { return l.log.TruncateTo(offsetOf(index)) }

// compact lets the entries up to an index go, which a snapshot holds.
func (l *entryLog) compact(index uint64, now int64) error {
	if err := l.log.DeleteRecords(offsetOf(index) + 1); err != nil {
		return err
	}
	_, err := l.log.Retain(now, l.log.EndOffset())
	return err
}

func (l *entryLog) close() error { return l.log.Close() }
