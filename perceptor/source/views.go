package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/skein-io/skein/perceptor/binlog"
	"github.com/skein-io/skein/perceptor/schema"
	"github.com/skein-io/skein/perceptor/snapshot"
)

// view is one that the stream is read up to, and then the rows of.
type view struct {
	of     *snapshot.View
	opened time.Time
	// unwatch ends the watch that closes the view with the source.
	unwatch func() bool
	// reached: the stream has told everything in front of the view and nothing behind it. From then on scan reads it.
	reached bool
	scan    *snapshot.Scan
	place   snapshot.Place
	clock   int64

	// table is the one that is being read, and at how far it is, with what was told since the last Commit.
	table string
	at    snapshot.Table
	// batch is being told from next on. open: Begin was told, and no Commit.
	batch *snapshot.Batch
	next  int
	open  bool
	// over: nothing more comes, because of err.
	over bool
	err  error
}

// retry says when something is tried again.
type retry struct {
	wait time.Duration
	at   time.Time
}

func (r *retry) due() bool { return !time.Now().Before(r.at) }

// later waits longer each time, up to most.
func (r *retry) later(most time.Duration) time.Duration {
	r.wait = min(max(2*r.wait, 50*time.Millisecond), most)
	r.at = time.Now().Add(r.wait)
	return r.wait
}

const (
	retryWaitMax = 10 * time.Second
	// listEvery bounds how often the tables are listed: statements that may make one may be many.
	listEvery = time.Second
	// viewsPassedMax is how many views in a row may be behind the stream before it goes on.
	viewsPassedMax = 10
	// changedMax is how often in a row a table may be found changed under a view.
	changedMax = 20
	// viewsLateMax is how often a view is opened anew because the stream took long to reach it.
	viewsLateMax = 5
)

// nextView opens a view if there is something to read in it. It returns io.EOF when there will never be.
func (s *Source) nextView(ctx context.Context) (begun bool, err error) {
	switch {
	case len(s.left) == 0 && !s.relist && s.config.Snapshot == Only:
		return false, io.EOF
	case s.config.Snapshot == Never, len(s.left) == 0 && !s.relist, !s.retry.due():
		return false, nil
	}
	ctx, stop := s.untilClosed(ctx)
	defer stop()
	if s.relist && time.Since(s.listedAt) >= listEvery {
		if err := s.list(ctx); err != nil {
			return false, s.tryLater(ctx, "the tables are not listed", err)
		}
	}
	if len(s.left) == 0 {
		if s.config.Snapshot == Only && !s.relist {
			return false, io.EOF
		}
		return false, nil
	}
	for range viewsPassedMax {
		v, err := snapshot.Open(ctx, s.config.Binlog)
		if err != nil {
			return false, s.tryLater(ctx, "no view is opened", err)
		}
		if err = s.use(ctx, v); !errors.Is(err, binlog.ErrPassed) {
			return err == nil, err
		}
		s.config.Counts.passed.Add(1)
	}
	s.retry.later(retryWaitMax)
	return false, nil
}

// tryLater is for what may be gone; the stream goes on meanwhile. It returns what will not be.
func (s *Source) tryLater(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil || !snapshot.Passes(err) {
		return fmt.Errorf("source: %w", err)
	}
	wait := s.retry.later(retryWaitMax)
	s.config.Log.Warn(what+"; it is tried again", "server", s.config.Binlog.Addr, "error", err, "wait", wait)
	return nil
}

// list finds the tables that are wanted and not read.
func (s *Source) list(ctx context.Context) error {
	all, err := snapshot.Tables(ctx, s.db, s.wants)
	if err != nil {
		return err
	}
	s.left, s.isLeft, s.relist, s.listedAt = nil, map[string]bool{}, false, time.Now()
	there := map[string]bool{}
	for _, t := range all {
		name := t[0] + "." + t[1]
		there[name] = true
		if at, _ := s.progress.Of(name); !at.Done {
			s.left = append(s.left, t)
			s.isLeft[name] = true
			s.config.Counts.table(name, func(c *TableCount) { c.Rows = at.Rows })
		}
	}
	for name := range s.progress.Tables() {
		if !there[name] {
			s.gone(name)
		}
	}
	return nil
}

// use makes a view the next. The stream has to reach it first.
func (s *Source) use(ctx context.Context, v *snapshot.View) error {
	if err := s.reader.Mark(v.At); err != nil {
		_ = v.Close()
		if errors.Is(err, binlog.ErrOtherServer) {
			// The address leads elsewhere now. The stream will find out.
			return s.tryLater(ctx, "a view is of another server", fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err))
		}
		return err
	}
	s.config.Counts.views.Add(1)
	unwatch := context.AfterFunc(s.ctx, func() { _ = v.Close() })
	s.view = &view{of: v, opened: time.Now(), unwatch: unwatch}
	return nil
}

// viewReached begins to read the view, or opens a newer one if it has become old.
func (s *Source) viewReached() {
	w := s.view
	if w == nil {
		return
	}
	if w.of.Cheap && time.Since(w.opened) > s.config.ViewMax && s.late < viewsLateMax {
		s.late++
		s.dropView()
		return
	}
	s.late = 0
	p := s.reader.Position()
	number, err := binlog.FileNumber(w.of.At.File)
	if err != nil { // Mark has read it
		panic(err)
	}
	w.reached, w.clock = true, p.Clock
	w.place = snapshot.Place{Epoch: p.Epoch, File: number, Offset: w.of.At.Offset}
	o := snapshot.Options{ChunkRows: s.config.ChunkRows, Keys: s.config.Keys, HoldMax: max(s.config.ViewMax, time.Second)}
	if w.of.Cheap {
		o.Until = time.Now().Add(s.config.ViewMax)
	}
	w.scan = w.of.Read(s.ctx, s.db, s.left, s.progress, o)
}

// dropView gives up the view, and what was not committed of it.
func (s *Source) dropView() {
	w := s.view
	if w == nil {
		return
	}
	s.view = nil
	if w.unwatch(); w.scan != nil {
		w.scan.Close()
		return
	}
	_ = w.of.Close()
}

// dropped forgets the tables that a statement has dropped: another may have the name before the tables are listed, with rows that came under
// yet another name.
func (s *Source) dropped(e *binlog.Event) {
	for _, l := range schema.Losses(e.Database, e.SQL) {
		name := l.Database + "." + l.Table
		if _, known := s.progress.Of(name); known && l.Kind == schema.Dropped {
			s.gone(name)
		}
	}
}

// viewOver ends the view, and says what of its error will not be gone.
func (s *Source) viewOver(ctx context.Context) error {
	err := s.view.err
	s.dropView()
	if err == nil {
		s.retry = retry{}
		return nil
	}
	if s.changed++; errors.Is(err, snapshot.ErrChanged) && s.changed > changedMax {
		return fmt.Errorf("source: after %d attempts: %w", changedMax, err)
	}
	return s.tryLater(ctx, "a view has ended before all of it was read", err)
}
