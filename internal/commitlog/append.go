package commitlog

import (
	"errors"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Origin is who appends, which decides what is checked.
type Origin uint8

const (
	// Client is a producer: everything is checked, offsets are assigned.
	Client Origin = iota
	// Coordinator is this broker itself, for its internal topics: producer epochs are checked but not sequences, control
	// batches are allowed, offsets are assigned.
	Coordinator
	// Replica is the partition's leader: batches keep their offsets and epochs, which must go on where the log ends or
	// beyond; only wholeness is checked.
	Replica
)

// AppendOptions go with one Append.
type AppendOptions struct {
	LeaderEpoch record.LeaderEpoch // set in the batches, but for Replica
	Origin      Origin
	Now         int64 // wall clock, milliseconds since 1970
}

// Appended says what became of an Append.
type Appended struct {
	First         record.Offset // offset of the first record
	Last          record.Offset // offset of the last record
	LogAppendTime int64         // the time given to all records, or NoTimestamp with CreateTime
	LogStart      record.Offset // log start offset
	MaxTimestamp  int64         // largest timestamp of the records, ms
	// Duplicate says that an idempotent producer sent again what it had sent before: nothing was written, First and Last
	// are those of the first time. The records may not be durable yet.
	Duplicate bool
}

// Append writes one or several whole batches at the log's end, all or nothing, with one write. Offsets and the leader
// epoch are set in the caller's bytes, which the log does not keep. Nothing is durable on return: DurableEnd says.
//
// Errors carry the code for the client: those of record.Batch.Validate, *RejectedError for single records,
// RECORD_LIST_TOO_LARGE, the idempotence errors, KAFKA_STORAGE_ERROR on a full or failed disk. After any error the log
// is as it was before.
func (l *Log) Append(records []byte, o AppendOptions) (Appended, error) {
	if o.Origin == Client {
		if err := l.dir.space.admit(l.dir, int64(len(records)), o.Now); err != nil {
			return Appended{}, err
		}
	}
	in := incomings.Get().(*incoming)
	defer in.release()
	in.config, in.options, in.name = l.config.Load(), o, l.name
	if err := in.check(records); err != nil {
		return Appended{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return Appended{}, err
	}
	verdict, err := l.producers.check(in.batches, o.Origin, l.name)
	if err != nil {
		return Appended{}, err
	}
	if verdict.duplicate {
		return l.repeated(verdict), nil
	}
	if err := in.place(l.EndOffset()); err != nil {
		return Appended{}, err
	}
	s, err := l.room(in)
	if err != nil {
		return Appended{}, err
	}
	file, err := l.files.acquire(&s.log)
	if err != nil {
		return Appended{}, storageError("append to "+l.name.String(), err)
	}
	defer l.files.release(&s.log)
	if err := l.write(s, file, in); err != nil {
		return Appended{}, err
	}
	l.committed(s, in)
	return in.result(l.StartOffset()), nil
}

func (l *Log) repeated(v sequencing) Appended {
	return Appended{
		First: v.first.firstOffset(), Last: v.last.lastOffset, LogAppendTime: record.NoTimestamp,
		LogStart: l.StartOffset(), MaxTimestamp: v.last.timestamp, Duplicate: true,
	}
}

// write puts the bytes at the end of the active segment. When that fails, what was written is cut off again; when that
// fails too, nobody knows what the file holds, and the directory goes offline.
func (l *Log) write(s *segment, file disk.File, in *incoming) error {
	size := s.size.Load()
	_, err := file.WriteAt(in.bytes, size)
	if err == nil {
		return nil
	}
	if cut := file.Truncate(size); cut != nil {
		return l.dir.goOffline(errors.Join(err, cut))
	}
	if !full(err) {
		return l.dir.goOffline(err)
	}
	l.dir.space.ranOut(in.options.Now)
	return storageError("append to "+l.name.String(), err)
}

// committed takes in what now stands in the file: indexes, epochs, producers, the ends.
func (l *Log) committed(s *segment, in *incoming) {
	position := s.size.Load()
	for i := range in.batches {
		b := &in.batches[i]
		s.note(b.last, position, int64(b.size), b.maxTimestamp, in.config.IndexIntervalBytes)
		l.epochs.assign(b.epoch, b.first)
		l.producers.apply(b, in.options.Now)
		position += int64(b.size)
	}
	l.producers.bound(in.config.ProducersMax)
	s.lastAppend = in.options.Now
	end := in.last() + 1
	s.advance(position, end)
	l.end.Store(int64(end))
	l.wrote(&s.log, end, in.epoch())
	if position-s.checkpoint >= l.dir.checkpointEvery {
		l.tryCheckpoint(s)
	}
	l.publish(in)
}

// publish lets the append count, or asks the Syncer to see to it.
func (l *Log) publish(in *incoming) {
	every := l.flushMessages()
	if every <= 1 {
		l.enqueue()
		return
	}
	l.raiseDurable(l.EndOffset())
	for i := range in.batches {
		l.unflushed += int64(in.batches[i].count)
	}
	if l.unflushed >= every {
		l.unflushed = 0
		l.enqueue()
	}
}

// room is the segment that the append goes to: the active one, or a new one when that is full, too old, or cannot
// express the offsets.
func (l *Log) room(in *incoming) (*segment, error) {
	if int64(len(in.bytes)) > in.config.SegmentBytes {
		return nil, protocol.Fail(protocol.RecordListTooLarge,
			"%s: %d bytes of record batches are more than segment.bytes, which is %d", l.name, len(in.bytes), in.config.SegmentBytes)
	}
	s := l.active()
	if s == nil {
		return l.begin(in)
	}
	if !l.due(s, in) {
		return s, nil
	}
	return l.roll(in)
}
