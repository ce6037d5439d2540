package commitlog

import (
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// doomedFile is a file that waits for file.delete.delay.ms.
type doomedFile struct {
	name string
	at   int64 // wall clock from which it may go, ms
	// folder says that it is the folder of a deleted log.
	folder bool
}

// Retain deletes what retention.ms, retention.bytes and the log start offset no longer keep, only whole segments below
// the high watermark, and forgets producers that have been silent for producer.id.expiration.ms. It returns the number
// of segments that went. now is the wall clock, in milliseconds since 1970. The owner calls it every few minutes.
//
// The active segment is rolled and deleted only when nothing was appended to it for retention.ms either: records with
// old timestamps are not deleted the moment they arrive, and one with a future timestamp keeps others only for as long
// as they share a segment.
func (l *Log) Retain(now int64, highWatermark record.Offset) (int, error) {
	last, err := l.expire(now, highWatermark)
	if err != nil {
		return 0, err
	}
	defer l.dir.reap(&now)
	if last == nil {
		return 0, nil
	}
	// What goes may hold the only durable trace of a producer: the snapshot that stands where the rest begins comes first.
	if l.unsynced() {
		l.enqueue()
		if err := l.dir.Round(); err != nil {
			return 0, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return 0, err
	}
	return l.deleteBelow(slices.Index(l.segments, last)+1, now)
}

// expire forgets what is too old and returns the last segment that goes, or nil.
func (l *Log) expire(now int64, highWatermark record.Offset) (*segment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return nil, err
	}
	config := l.config.Load()
	l.producers.expire(now, config.ProducerIDExpirationMs)
	keep, err := l.retained(config, now, highWatermark)
	if err != nil || keep == 0 {
		return nil, err
	}
	return l.segments[keep-1], nil
}

// retained is the number of the first segment that stays. It rolls the active segment if that has expired.
func (l *Log) retained(config *Config, now int64, highWatermark record.Offset) (int, error) {
	keep := 0
	for keep < len(l.segments)-1 && l.segments[keep].nextOffset() <= l.StartOffset() {
		keep++
	}
	if !config.Delete {
		return keep, nil
	}
	excess := l.Size() - config.RetentionBytes
	for i, s := range l.segments {
		if s.nextOffset() > highWatermark || s.size.Load() == 0 {
			return max(keep, i), nil
		}
		last := i == len(l.segments)-1
		expired, err := s.expired(config, now, last)
		if err != nil {
			return 0, l.readFailed(err)
		}
		excess -= s.size.Load()
		if !expired && (config.RetentionBytes < 0 || excess < 0) {
			return max(keep, i), nil
		}
		if !last {
			continue
		}
		if !expired { // the newest records stay, however small retention.bytes is
			return max(keep, i), nil
		}
		if _, err := l.rollAt(l.EndOffset(), now); err != nil {
			return 0, err
		}
		return i + 1, nil
	}
	return keep, nil
}

// expired says whether every record of the segment is older than retention.ms.
func (s *segment) expired(config *Config, now int64, active bool) (bool, error) {
	if config.RetentionMs < 0 {
		return false, nil
	}
	largest, err := s.largest()
	if err != nil {
		return false, err
	}
	newest := largest.Timestamp
	if newest < 0 || active {
		newest = max(newest, s.lastAppend)
	}
	return now-newest > config.RetentionMs, nil
}

// DeleteRecords moves the log start offset up to before: records below cannot be read from now on, after a restart
// neither. Their segments go with the next Retain. It is no error if the log begins there already.
func (l *Log) DeleteRecords(before record.Offset) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	if before > l.EndOffset() || before < 0 {
		return l.outOfRange(before)
	}
	if before <= l.StartOffset() {
		return nil
	}
	return l.moveStart(before)
}

// moveStart raises the log start offset, durably where the records themselves are durable.
func (l *Log) moveStart(start record.Offset) error {
	l.start.Store(int64(start))
	if l.epochs.truncateStart(start) {
		l.saveEpochs()
	}
	entry, ok := l.dir.mark.get(l.key())
	if !ok || entry.end < start { // in page-cache mode: the mark says it once the records are synced
		l.enqueue()
	}
	if !ok || entry.start >= start {
		return nil
	}
	entry.start = min(start, entry.end)
	l.dir.mark.put(l.key(), entry)
	if err := l.dir.mark.sync(); err != nil {
		return l.dir.goOffline(err)
	}
	return nil
}

// deleteBelow takes the first n segments out of the log. Their files are renamed now and removed after
// file.delete.delay.ms.
func (l *Log) deleteBelow(n int, now int64) (int, error) {
	if n == 0 {
		return 0, nil
	}
	gone := l.segments[:n]
	if start := gone[n-1].nextOffset(); start > l.StartOffset() {
		if err := l.moveStart(start); err != nil { // or a crash that deletes only some of the files leaves a hole
			return 0, err
		}
	}
	l.setSegments(slices.Clone(l.segments[n:]))
	at := later(now, l.config.Load().FileDeleteDelayMs)
	var failed error
	for _, s := range gone {
		failed = errors.Join(failed, l.doom(s, at))
	}
	if failed != nil {
		return n, storageError("delete segments of "+l.name.String(), failed)
	}
	return n, nil
}

// later is ms after now; a wait without end has no end.
func later(now, ms int64) int64 {
	if ms > math.MaxInt64-max(now, 0) {
		return math.MaxInt64
	}
	return now + ms
}

// doom renames the files of a segment out of the way and leaves them to reap.
func (l *Log) doom(s *segment, at int64) error {
	var failed error
	for _, f := range s.cached() {
		name := f.name
		if err := l.files.rename(f, name+deletedSuffix); err != nil {
			if !missing(err) {
				failed = errors.Join(failed, err)
			}
			continue
		}
		l.dir.doom(doomedFile{name: name + deletedSuffix, at: at})
	}
	s.drop()
	if i := slices.Index(l.snapshots, s.base); i >= 0 {
		l.snapshots = slices.Delete(l.snapshots, i, i+1)
		failed = errors.Join(failed, l.removeSnapshot(s.base))
	}
	return failed
}

func (d *Dir) doom(f doomedFile) {
	d.mu.Lock()
	d.doomed = append(d.doomed, f)
	d.mu.Unlock()
}

// doomDeleted finds the folders of logs that an earlier life deleted and did not get to remove.
func (d *Dir) doomDeleted() error {
	entries, err := d.fs.List(".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Dir && strings.HasSuffix(e.Name, deleteSuffix) { // no partition's folder ends so
			d.doom(doomedFile{name: e.Name, folder: true})
		}
	}
	return nil
}

// Reap removes the files of deleted segments whose time has come, and of deleted logs. Retain does so too, for all logs
// of the directory.
func (d *Dir) Reap(now int64) { d.reap(&now) }

// reap removes what is due at now, or everything if now is nil. What cannot be removed is found by the next start.
func (d *Dir) reap(now *int64) {
	d.mu.Lock()
	var due []doomedFile
	d.doomed = slices.DeleteFunc(d.doomed, func(f doomedFile) bool {
		if now != nil && *now < f.at {
			return false
		}
		due = append(due, f)
		return true
	})
	d.mu.Unlock()
	for _, f := range due {
		remove := d.fs.Remove
		if f.folder {
			remove = d.fs.RemoveAll
		}
		if err := remove(f.name); err != nil && !missing(err) {
			d.config.Logger.Warn("what was deleted could not be removed", "file", f.name, "cause", err)
		}
	}
}

// notCompacted is what Compact says of a log whose cleanup.policy has no compact.
func (l *Log) notCompacted() error {
	return protocol.Fail(protocol.PolicyViolation, "%s: cleanup.policy has no compact", l.name)
}
