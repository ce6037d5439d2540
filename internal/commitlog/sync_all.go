package commitlog

import (
	"cmp"
	"errors"
	"time"
)

const (
	// syncAllFiles is the number of dirty files and folders from which a round is one syncfs instead of an fdatasync for
	// each, and syncAllAlways the number from which it is one whatever else the file system has to write. See
	// docs/adr/0003-syncer.md for the measurement.
	syncAllFiles  = 2
	syncAllAlways = 256
)

// syncAllTaken makes a round durable by one syncfs, or two if leader epochs are to be replaced: their content must be
// durable before their names are.
func (s *syncer) syncAllTaken(files int) error {
	replaced := false
	for i := range s.works {
		if w := &s.works[i]; w.epochs != nil {
			replaced = true
			if err := s.patiently(w.writeEpochs); err != nil {
				return err
			}
		}
	}
	if err := s.syncAll(files); err != nil || !replaced {
		return err
	}
	for i := range s.works {
		if w := &s.works[i]; w.epochs != nil {
			name := join(w.log.folder, epochFile)
			if err := s.dir.fs.Rename(name+temporary, name); err != nil {
				return err
			}
		}
	}
	return s.syncAll(files)
}

// writeEpochs writes the new epochs beside the old ones.
func (w *dirtyWork) writeEpochs() error {
	file, err := createOver(w.log.dir.fs, join(w.log.folder, epochFile+temporary))
	if err != nil {
		return err
	}
	_, err = file.WriteAt(encodeEpochs(w.epochs), 0)
	return errors.Join(err, file.Close())
}

func (s *syncer) syncAll(files int) error {
	began := time.Now()
	err := s.dir.fs.SyncAll()
	if !s.dir.config.Manual {
		s.all.took(files, began, time.Now())
	}
	return err
}

// syncAllChoice notices when syncfs waits for the writes of others: of another program on the file system, or of our
// own logs in page-cache mode. Then the files are synced one by one for a while. Guarded by syncer.round.
type syncAllChoice struct {
	files     int // in place of syncAllFiles, unless 0
	notBefore time.Time
	pause     time.Duration
}

const (
	syncAllSlow     = 50 * time.Millisecond
	syncAllSlowEach = 500 * time.Microsecond // more for each file of the round
	syncAllPauseMin = time.Second
	syncAllPauseMax = time.Minute
)

// worthIt says whether a round of n files and folders is to be one syncfs.
func (c *syncAllChoice) worthIt(n int, now time.Time) bool {
	return n >= syncAllAlways || n >= cmp.Or(c.files, syncAllFiles) && !now.Before(c.notBefore)
}

// took lengthens the pause while syncfs is slow, and forgets it when it is not.
func (c *syncAllChoice) took(files int, began, ended time.Time) {
	if ended.Sub(began) < syncAllSlow+time.Duration(files)*syncAllSlowEach {
		c.pause = 0
		return
	}
	c.pause = min(max(c.pause*2, syncAllPauseMin), syncAllPauseMax)
	c.notBefore = ended.Add(c.pause)
}
