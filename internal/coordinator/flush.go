package coordinator

import (
	"fmt"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// flush appends everything that was asked for: one batch, or several if it does not fit, each ending where a unit ends.
// An error is the end of this life.
func (l *loop) flush() error {
	if len(l.fx.Records) == 0 {
		return nil
	}
	if l.writer.builder == nil {
		l.writer.builder = record.NewBuilder()
	}
	b := l.writer.builder
	b.Reset()
	records, asked := l.fx.Records, len(l.fx.Records)
	for _, u := range l.fx.Units {
		n := int(u.Last-u.First) + 1
		if err := l.writeUnit(u, records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	if len(records) > 0 || len(l.fx.Records) != asked {
		panic(fmt.Sprintf("coordinator: %d records were asked for, then %d, and %d are in no unit", asked, len(l.fx.Records), len(records)))
	}
	clear(l.fx.Records)
	last := l.fx.Units[len(l.fx.Units)-1].Last
	l.fx.Records, l.fx.Units = l.fx.Records[:0], l.fx.Units[:0]
	return l.appendBatch(last)
}

// writeUnit adds the records of one unit to the batch. If it becomes too large for that, the batch before it goes
// first; if it is too large for any batch, it is cut where it may be, or refused.
func (l *loop) writeUnit(u group.Unit, records []group.Record) error {
	b := l.writer.builder
	before := b.Count()
	size := 0
	for i := range records {
		size += encodedSizeMax(&records[i])
	}
	if before > 0 && b.Size()+size > l.cfg.BatchBytesMax {
		if err := l.appendBatch(u.First - 1); err != nil {
			return err
		}
	}
	if size > l.cfg.UnitBytesMax && !u.Divisible {
		l.refuse(u.First, u.Last, protocol.Fail(protocol.RecordListTooLarge, "%d records take %d bytes; %d are allowed", len(records), size, l.cfg.UnitBytesMax))
		return nil
	}
	now := int64(l.clock.now())
	for i := range records {
		if u.Divisible && b.Size() > l.cfg.BatchBytesMax {
			if err := l.appendBatch(records[i].Seq - 1); err != nil {
				return err
			}
		}
		key, value := l.writer.encoder.encode(&records[i])
		if err := b.Add(now, key, value); err != nil {
			return err // beyond the format's limit, which is far above UnitBytesMax
		}
	}
	return nil
}

// appendBatch writes the batch, if it has records. All that was asked for up to last and not refused is in the log
// then.
func (l *loop) appendBatch(last group.Seq) error {
	b := l.writer.builder
	count := b.Count()
	if count == 0 {
		return nil // all were refused
	}
	batch, err := b.AppendTo(l.writer.buffer[:0])
	b.Reset()
	if err != nil {
		return err
	}
	l.writer.buffer = batch
	if cap(l.writer.buffer) > 4*l.cfg.BatchBytesMax {
		l.writer.buffer = nil
	}
	base, err := l.log.Append(batch)
	if err != nil {
		if !refusedUnwritten(err) {
			return err
		}
		l.refuse(l.appended+1, last, protocol.Fail(protocol.CodeOf(err), "%w", err))
		return nil
	}
	end := base + record.Offset(count)
	l.appended = last
	l.writer.written = append(l.writer.written, written{last: last, end: end, at: l.clock.now()})
	l.step(&group.Appended{UpTo: last})
	life := l.progress.life // this goroutine alone changes it
	l.log.OnCommitted(end, func(err error) {
		l.progress.report(life, end, err)
		l.inbox.signal()
	})
	return nil
}

// refuse tells the shard, and those who wait, that records were not written.
func (l *loop) refuse(first, last group.Seq, err *protocol.Error) {
	l.step(&group.Refused{First: first, Last: last, Code: err.Code, Reason: err.Reason})
	l.refuseDeferred(first, last, protocol.Fail(group.WriteFailure(err.Code), "%w", err))
}
