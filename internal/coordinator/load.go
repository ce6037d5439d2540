package coordinator

import (
	"errors"
	"fmt"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// load gives the shard everything that is in the log. It waits first until all of that is committed: what an earlier
// leader wrote and did not see replicated must be known here, or must be cut off, before anybody is served.
func (l *loop) load() error {
	committed := make(chan error, 1)
	l.log.OnCommitted(l.log.LogEnd(), func(err error) { committed <- err })
	select {
	case err := <-committed:
		if err != nil {
			return err
		}
	case <-l.stop:
		return errStopped
	}
	var reader protocol.Reader
	var skipped skipped
	err := l.log.Load(0, func(batch record.Batch) error {
		select {
		case <-l.stop:
			return errStopped
		default:
		}
		l.loadBatch(batch, &reader, &skipped)
		return nil
	})
	if skipped.count > 0 {
		l.logger.Warn("records of __consumer_offsets were skipped", "count", skipped.count, "first", skipped.first)
	}
	if err != nil && !errors.Is(err, errStopped) {
		return fmt.Errorf("loading: %w", err)
	}
	return err
}

// skipped counts records that could not be read. One bad record, which no coordinator wrote, does not keep all groups
// of the partition out of service.
type skipped struct {
	count int
	first error
}

func (s *skipped) add(offset record.Offset, err error) {
	if s.count++; s.count == 1 {
		s.first = fmt.Errorf("record at offset %d: %w", offset, err)
	}
}

func (l *loop) loadBatch(batch record.Batch, reader *protocol.Reader, skipped *skipped) {
	if batch.Control() {
		return
	}
	if batch.Transactional() {
		skipped.add(batch.BaseOffset(), errTransactional)
		return
	}
	records := batch.Records(record.Limits{})
	defer records.Close()
	for records.Next() {
		r := records.Record()
		rec, known, err := decode(r.Key, r.Value, reader)
		switch {
		case err != nil:
			skipped.add(r.Offset, err)
		case known:
			l.shard.Replay(&rec)
		}
	}
	if err := records.Err(); err != nil {
		skipped.add(batch.BaseOffset(), err)
	}
}

// errTransactional is why offsets that a transaction committed are left out: whether it was is not known here yet.
var errTransactional = errors.New("it belongs to a transaction")
