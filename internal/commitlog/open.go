package commitlog

import (
	"errors"
	"fmt"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// OpenLog opens a partition's log and recovers it, or begins an empty one, whose folder is made by the first append.
// A *DamagedError says that it cannot be served: nothing of it was changed then.
//
// What recovery found above the durable mark is not durable yet: DurableEnd moves with the next round, which may call
// OnDurable for the log before OpenLog returns.
func (d *Dir) OpenLog(name TopicPartition, topicID protocol.UUID, config Config) (*Log, error) {
	if err := d.Offline(); err != nil {
		return nil, err
	}
	l := d.newLog(name, topicID, config)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := d.register(l); err != nil {
		return nil, err
	}
	if err := l.recover(); err != nil {
		l.closed = true
		d.unregister(l)
		return nil, l.openFailed(err)
	}
	return l, nil
}

// openFailed leaves damage as it is, and names the log in every other error.
func (l *Log) openFailed(err error) error {
	if _, ok := errors.AsType[*DamagedError](err); ok {
		return protocol.Fail(protocol.KafkaStorageError, "open %s: %w", l.name, err)
	}
	return storageError("open "+l.name.String(), err)
}

func (d *Dir) newLog(name TopicPartition, topicID protocol.UUID, config Config) *Log {
	l := &Log{dir: d, files: d.files, name: name, id: topicID, folder: name.String(), producers: newProducerTable()}
	if d.faults.narrowWindow() {
		l.producers.window = 1
	}
	l.Configure(config)
	return l
}

func (d *Dir) register(l *Log) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return storageError(l.name.String(), ErrClosed)
	}
	if _, ok := d.logs[l.name]; ok {
		return fmt.Errorf("the log of %s is open already", l.name)
	}
	d.logs[l.name] = l
	return nil
}

func (d *Dir) unregister(l *Log) {
	d.mu.Lock()
	if d.logs[l.name] == l {
		delete(d.logs, l.name)
	}
	d.mu.Unlock()
}

// Recovery says what OpenLog found.
type Recovery struct {
	// Mark is the offset up to which the durable mark vouched; -1 when it did not know the log.
	Mark record.Offset
	// Cut says that bytes above the mark were no whole batches and were removed: a torn tail. CutFile and CutPosition
	// are where, CutBytes how many, in all segments.
	Cut         bool
	CutFile     string
	CutPosition int64
	CutBytes    int64
	CutReason   string
	// HeaderBatches is how many batches below the mark were stepped over, though some of them were read whole afterwards.
	// CheckedBatches is how many above it were read whole and their CRC computed.
	HeaderBatches, CheckedBatches int64
	// RebuiltIndexes is how many segments got their indexes anew.
	RebuiltIndexes int
}

// Recovery is what the opening of the log found.
func (l *Log) Recovery() Recovery { return l.recovery }
