package binlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/binlog/internal/gtid"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
	"github.com/skein-io/skein/perceptor/internal/server"
)

// Reader reads a binlog. It is for one goroutine; Close may be called by any, and ends a Next that waits.
type Reader struct {
	config Config
	ctx    context.Context // done when the reader is closed
	cancel context.CancelFunc

	// conn is nil while there is none.
	conn *server.Conn
	// unwatch ends the watch that closes conn with the reader.
	unwatch func() bool
	about   about
	format  event.Format
	place   place
	// payload is the compressed transaction that events are read from at the moment, nil if there is none.
	payload *event.Payload
	scratch []byte
	tables  tables
	arena   arena.Arena

	tx    transaction
	image image
	clock change.Clock
	// maria or mysql is what was committed, as far as that is known: gtids says whether all of it is.
	maria gtid.Maria
	mysql gtid.Set
	gtids bool
	// text is what they are as text, empty if it is not made yet.
	text string
	// resume is what Position tells, without its GTID.
	resume Position
	// told is where the transaction that was told last ends, in the files of the server that is read.
	told filePlace
	mark *mark
	// statement is the text of what made the rows, if that is asked for.
	statement string
}

// Open connects, checks the server and asks for the binlog. It tries once: what is wrong is said at once.
func Open(ctx context.Context, config Config) (*Reader, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	config.fill()
	r := &Reader{config: config, resume: config.Start}
	r.resume.GTID = ""
	if n, err := FileNumber(r.resume.File); err == nil {
		r.told = filePlace{n, r.resume.Offset}
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if err := r.connect(ctx); err != nil {
		r.cancel()
		return nil, err
	}
	return r, nil
}

// Close ends the connection.
func (r *Reader) Close() error {
	r.cancel()
	return nil
}

// Position is behind the last Commit, Statement or Heartbeat outside of a transaction that Next returned. A Reader that starts
// there goes on with what follows.
func (r *Reader) Position() Position {
	p := r.resume
	if r.gtids {
		p.GTID = r.committed()
	}
	return p
}

// committed is asked after each transaction, and again without one in between.
func (r *Reader) committed() string {
	switch {
	case r.text != "":
	case r.about.flavor == mariaDB:
		r.text = r.maria.String()
	default:
		r.text = r.mysql.String()
	}
	return r.text
}

// Next returns what is next, and waits for it. When the connection breaks it connects again, as often as it takes, and goes on
// after what it has returned. An error is of the context, or of a kind that needs somebody: see the Err values. Next may be called again
// after any error; it begins with a new connection.
func (r *Reader) Next(ctx context.Context) (Event, error) {
	wait := time.Duration(0)
	for {
		e, err := r.attempt(ctx)
		if err == nil {
			return e, nil
		}
		r.disconnect()
		switch {
		case r.ctx.Err() != nil:
			return Event{}, ErrClosed
		case ctx.Err() != nil:
			return Event{}, context.Cause(ctx)
		}
		var lost *lostError
		if !errors.As(err, &lost) {
			return Event{}, err
		}
		wait = min(max(2*wait, 50*time.Millisecond), r.config.RetryWaitMax)
		if r.config.Retrying != nil {
			r.config.Retrying(lost.err, wait)
		}
		if err := r.pause(ctx, wait); err != nil {
			return Event{}, err
		}
	}
}

func (r *Reader) pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.ctx.Done():
		return ErrClosed
	}
}

// lostError is what may be gone when it is tried again.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// attempt returns the next event of this connection, after it has made one if there is none.
func (r *Reader) attempt(ctx context.Context) (Event, error) {
	if r.ctx.Err() != nil {
		return Event{}, ErrClosed
	}
	if r.conn == nil {
		if err := r.connect(ctx); err != nil {
			return Event{}, err
		}
	}
	for {
		if r.marked() {
			return Event{Kind: Marked}, nil
		}
		e, told, err := r.step(ctx)
		if err != nil || told && !r.tx.toldBefore(e.Kind) {
			return e, err
		}
	}
}

// step reads one row or one event. told is false if there is nothing to tell.
func (r *Reader) step(ctx context.Context) (e Event, told bool, err error) {
	if r.image.more() {
		return r.nextRow()
	}
	if r.payload != nil {
		h, body, err := r.payload.Next()
		if err == nil {
			return r.handle(ctx, h, body)
		}
		r.closePayload()
		if !isEnd(err) {
			return Event{}, false, fmt.Errorf("%s: %w", r.here(), err)
		}
	}
	const silences = 3
	packet, err := r.conn.Event(ctx, silences*r.config.Heartbeat)
	if err != nil {
		return Event{}, false, r.lost(err)
	}
	h, body, err := r.format.Open(packet)
	if err != nil {
		return Event{}, false, fmt.Errorf("%s: after %d: %w", r.place.file, r.place.end, err)
	}
	if !h.Artificial() && h.Type != event.HeartbeatType && h.Type != event.HeartbeatV2Type {
		r.place.advance(h.End, h.Size)
	}
	r.image.row = 0
	return r.handle(ctx, h, body)
}

func (r *Reader) here() string { return fmt.Sprintf("%s:%d", r.place.file, r.place.start) }

// lost says whether an error of the connection is one that passes.
func (r *Reader) lost(err error) error {
	var answer *server.Error
	if !errors.As(err, &answer) {
		return &lostError{fmt.Errorf("the connection to %s: %w", r.config.Addr, err)}
	}
	named, transient := explain(err)
	if transient {
		return &lostError{named}
	}
	return fmt.Errorf("from %s on: %w", r.resume, named)
}

func (r *Reader) closePayload() {
	if r.payload != nil {
		r.payload.Close()
		r.payload = nil
	}
}
