package commitlog

import (
	"errors"
	"io/fs"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Quarantine takes a damaged log out of the way, so that it can begin anew where its log start offset was and be refilled from
// another replica. The log must not be open. What there was of it is kept under a name with "-stray" and its topic id behind,
// with a warning.
//
// The durable mark is lowered and synced first. A crash right after it leaves a log of which nothing is promised, and whose
// end is cut at the damage: the caller must have given up what the log promised before, for good.
func (d *Dir) Quarantine(name TopicPartition, topicID protocol.UUID, cause error) error {
	if err := d.Offline(); err != nil {
		return err
	}
	if d.isOpen(name) {
		return storageError("quarantine "+name.String(), errors.New("the log is open"))
	}
	if err := d.quarantine(name.String(), markKey{topicID, name.Partition}, cause); err != nil {
		return d.goOffline(err)
	}
	return nil
}

func (d *Dir) quarantine(folder string, key markKey, cause error) error {
	if entry, known := d.mark.get(key); known {
		d.mark.put(key, markEntry{end: entry.start, start: entry.start, epoch: record.NoLeaderEpoch})
		if err := d.mark.sync(); err != nil {
			return err
		}
	}
	kept, err := d.freeName(asideName(folder, key.topicID, ""), straySuffix)
	if err != nil {
		return err
	}
	if err := d.fs.Rename(folder, kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.config.Logger.Warn("a damaged log begins anew and is refilled from another replica: what there was of it is kept under another name; remove it if you do not need it",
		"folder", folder, "kept", kept, "cause", cause)
	return d.fs.SyncDir(".")
}

// Check reads the batches of a slice whole and computes their CRCs. An error is a *DamagedError: the bytes in the file are not
// those that were written.
func (s Slice) Check() error {
	b, err := s.ReadAll()
	if err != nil {
		return err
	}
	at := s.part.Position
	for next := record.Offset(-1); len(b) > 0; {
		batch, rest, err := record.Split(b)
		if err == nil {
			err = batch.Check()
		}
		if err != nil {
			return storageError("read "+s.part.File.Name(), &DamagedError{File: s.part.File.Name(), Position: at, Offset: next, Reason: err.Error()})
		}
		at += int64(batch.Length())
		next, b = batch.NextOffset(), rest
	}
	return nil
}
