package source

import (
	"context"
	"strings"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/snapshot"
)

// fromView tells what is next in the view.
func (s *Source) fromView(ctx context.Context) (e binlog.Event, told bool, err error) {
	w := s.view
	if w.over {
		return e, false, s.viewOver(ctx)
	}
	if w.batch == nil {
		b, err := w.scan.Next(ctx)
		if err != nil && ctx.Err() != nil {
			return e, false, err
		}
		if err != nil || b == nil {
			w.over, w.err = true, err
			if w.open { // what was told is true
				return s.endChunk(), true, nil
			}
			return e, false, nil
		}
		if s.begins(b) {
			return e, false, nil
		}
		w.batch, w.next = b, 0
	}
	if !w.open {
		w.open = true
		return binlog.Event{Kind: binlog.Begin, Time: w.clock}, true, nil
	}
	if c := s.nextRow(); c != nil {
		return binlog.Event{Kind: binlog.Row, Change: c, Time: w.clock}, true, nil
	}
	b := w.batch
	w.batch = nil
	if b.Last != nil {
		w.at.Last = b.Last
	}
	if !b.ChunkEnd {
		return e, false, nil
	}
	s.config.Counts.chunks.Add(1)
	if b.TableEnd {
		s.tableEnd()
	}
	return s.endChunk(), true, nil
}

// begins handles a batch that is none of rows.
func (s *Source) begins(b *snapshot.Batch) bool {
	w := s.view
	switch {
	case b.Gone:
		s.gone(b.Table)
	case b.Plan != nil:
		at, known := s.progress.Of(b.Table)
		if b.Anew {
			s.config.Log.Warn("the key of a table was changed; its snapshot begins anew", "table", b.Table, "was", strings.Join(at.Key, ", "), "is", strings.Join(b.Plan.Key, ", "))
			at = snapshot.Table{View: at.View, ViewRows: at.ViewRows}
		}
		if !known {
			s.config.Log.Info("the snapshot of a table begins", "table", b.Table, "rows", b.Plan.Estimate)
		}
		at.Key = b.Plan.Key
		if at.View != w.place {
			at.View, at.ViewRows = w.place, 0
		}
		w.table, w.at = b.Table, at
		s.config.Counts.table(b.Table, func(c *TableCount) { c.Rows, c.Estimated = at.Rows, b.Plan.Estimate })
	default:
		return false
	}
	return true
}

// nextRow returns the next row of the batch that is being told, nil if there is none.
func (s *Source) nextRow() *change.Change {
	w := s.view
	if w == nil || !w.open || w.batch == nil {
		return nil
	}
	for w.next < len(w.batch.Changes) {
		c := w.batch.Changes[w.next]
		w.next++
		if s.readRow(c) {
			return c
		}
	}
	return nil
}

// readRow gives a row its version, and reports whether it is told: not if the stream has told it.
//
// A version's place is the view's, behind all that the stream told and in front of all that follows. The rows of a table that are read
// at one place are counted, so that they are in order: in the row of the position, which has 32 bits, and then in its offset. There is
// room for that in front of the next rows, which have a GTID event before them.
func (s *Source) readRow(c *change.Change) bool {
	w := s.view
	n := w.at.ViewRows
	w.at.ViewRows++
	w.at.Rows++
	if s.told.has(w.table, c) {
		s.config.Counts.again.Add(1)
		return false
	}
	c.Version = change.Version{Epoch: w.place.Epoch, ExecuteTime: w.clock, Position: change.Position{File: w.place.File, Offset: w.place.Offset + n>>32, Row: uint32(n)}}
	c.Origin.EventTime = w.clock
	s.config.Counts.read.Add(1)
	return true
}

func (s *Source) tableEnd() {
	w := s.view
	w.at.Done, w.at.Last = true, nil
	s.config.Log.Info("the snapshot of a table is done", "table", w.table, "rows", w.at.Rows)
	s.config.Counts.table(w.table, func(c *TableCount) { c.Done = true })
	s.settle(w.table)
}

// gone forgets a table that is not there. If another has its name later, that one's rows are read.
func (s *Source) gone(table string) {
	s.config.Log.Info("a table is gone, and its snapshot is forgotten", "table", table)
	s.progress = s.progress.Without(table)
	s.settle(table)
}

// settle is for a table of which nothing more is to be read.
func (s *Source) settle(table string) {
	delete(s.isLeft, table)
	left := make([][2]string, 0, len(s.left))
	for _, t := range s.left {
		if t[0]+"."+t[1] != table {
			left = append(left, t)
		}
	}
	s.left = left
	s.told.forget(table)
}

// endChunk moves the State behind what was told.
func (s *Source) endChunk() binlog.Event {
	w := s.view
	w.open = false
	s.changed = 0
	s.progress = s.progress.With(w.table, w.at)
	s.config.Counts.table(w.table, func(c *TableCount) { c.Rows = w.at.Rows })
	return binlog.Event{Kind: binlog.Commit, Time: w.clock}
}
