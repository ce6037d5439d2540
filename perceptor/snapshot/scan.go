package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

// Bounds of a batch: what is read ahead of what is taken is four of them.
//
// A batch that is handed over wakes who waits for it, which costs as much as some dozens of small rows: therefore many of them go
// together. Large rows are bounded by their bytes.
const (
	batchRowsMax  = 1024
	batchBytesMax = 1 << 20
	batchesAhead  = 3
	// chunkBytesMax is about how much a chunk has at most. Of tables with large rows a chunk has fewer rows.
	chunkBytesMax = 64 << 20
)

// Options say how the tables of a view are read.
type Options struct {
	// ChunkRows is how many rows a chunk has at most.
	ChunkRows int
	// HoldMax is how long rows wait to be taken. Then the view is given up, because it holds a lock that DDL of the table waits for, and what
	// else is done with the table waits for that.
	HoldMax time.Duration
	// Until is when no other chunk is begun, the zero Time if that is never.
	Until time.Time
	// Keys declares keys, see Describe.
	Keys map[string][]string
}

// Batch is what Scan gives out.
type Batch struct {
	// Plan is of a table that begins, or goes on in this view; nil in the batches of its rows. Anew: it was begun before with another
	// key, and begins again.
	Plan *Plan
	Anew bool
	// Changes are rows, as Read, without a version.
	Changes []*change.Change
	// Last has the key of the last row, as it is kept.
	Last []string
	// ChunkEnd: with these rows a chunk is at its end; TableEnd: the whole table is. Gone: it is not there any more.
	ChunkEnd, TableEnd, Gone bool
	// Table is which one, as database.table.
	Table string
}

// Scan reads tables of a view, one after the other, in chunks. It reads ahead of what is taken from it.
type Scan struct {
	view    *View
	db      *sql.DB
	options Options
	out     chan *Batch
	err     error // when out is closed: why reading has ended; nil if it is over
	cancel  context.CancelFunc
	memory  arena.Arena
}

// Read begins to read the tables that are named, from where they are in progress, until ctx ends. The view is the Scan's from here on.
func (v *View) Read(ctx context.Context, db *sql.DB, tables [][2]string, progress *Progress, o Options) *Scan {
	ctx, cancel := context.WithCancel(ctx)
	s := &Scan{view: v, db: db, options: o, out: make(chan *Batch, batchesAhead), cancel: cancel}
	go func() {
		s.err = s.all(ctx, tables, progress)
		_ = v.Close()
		close(s.out)
	}()
	return s
}

// Next returns the next batch. It is nil when all is read, or Options.Until has come. An error is of reading, and no more follows;
// ctx's own error leaves the Scan as it is.
func (s *Scan) Next(ctx context.Context) (*Batch, error) {
	select {
	case b, more := <-s.out:
		if !more {
			return nil, s.err
		}
		return b, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close ends the reading and the view.
func (s *Scan) Close() {
	s.cancel()
	for range s.out { // until it has ended
	}
}

func (s *Scan) give(ctx context.Context, b *Batch) error {
	select {
	case s.out <- b:
		return nil
	default:
	}
	timer := time.NewTimer(s.options.HoldMax)
	defer timer.Stop()
	select {
	case s.out <- b:
		return nil
	case <-timer.C:
		return errHeld
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// errHeld: nobody took the rows.
var errHeld = errors.New("snapshot: what was read is not taken; the view is given up so that it does not lock the table")

func (s *Scan) over() bool { return !s.options.Until.IsZero() && !time.Now().Before(s.options.Until) }

func (s *Scan) all(ctx context.Context, tables [][2]string, progress *Progress) error {
	for i, t := range tables {
		if i > 0 && s.over() { // each view gets on, however short it is
			return nil
		}
		name := t[0] + "." + t[1]
		plan, err := s.describe(ctx, t, s.options.Keys[name])
		if errors.Is(err, ErrGone) {
			if err := s.give(ctx, &Batch{Table: name, Gone: true}); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		at, known := progress.Of(name)
		anew := known && !equal(at.Key, plan.Key)
		if anew {
			at = Table{}
		}
		if err := s.give(ctx, &Batch{Table: name, Plan: plan, Anew: anew}); err != nil {
			return err
		}
		if err := s.table(ctx, name, plan, at.Last); err != nil {
			return fmt.Errorf("snapshot: table %s: %w", name, err)
		}
	}
	return nil
}

// describe is Describe with a bound.
func (s *Scan) describe(ctx context.Context, t [2]string, declared []string) (*Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, openMax)
	defer cancel()
	return Describe(ctx, s.db, t[0], t[1], declared)
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// table reads chunk after chunk.
func (s *Scan) table(ctx context.Context, name string, p *Plan, last []string) error {
	limit := min(s.options.ChunkRows, 1000) // until it is known how large the rows are
	for {
		c := chunk{scan: s, plan: p, name: name, limit: limit}
		end, err := c.read(ctx, last)
		if err != nil {
			return err
		}
		if _, err := s.view.conn.Query(ctx, unlock); err != nil {
			return err
		}
		if end || s.over() {
			return nil
		}
		last = c.last
		limit = min(s.options.ChunkRows, max(1, chunkBytesMax/max(1, c.bytes/c.rows)))
	}
}
