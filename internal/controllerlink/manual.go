package controllerlink

import (
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
)

// Manual is what a Link stands on that starts no goroutine: it is for simulation, where one goroutine does everything in an
// order that a seed decides. Close leaves what was given to After to whoever keeps it.
type Manual struct {
	Now   func() time.Time // a monotonic clock
	After func(time.Duration, func()) Timer
	// Connect makes the way to a member of the quorum. down is called when a connection ends that had been ready for use.
	Connect func(node metadata.NodeID, requestTimeout time.Duration, down func(error)) Connection
}

// Timer is something that will be done. Stop is false if it is being done or was.
type Timer interface{ Stop() bool }

// Connection is a *peer.Peer, or a simulation's.
type Connection interface {
	Ask(request protocol.Message, done peer.Done)
	AskOwn(request protocol.Message, version int16, done peer.Done)
	Retire()
	Close() error
}

func (c *Config) now() time.Time {
	if c.Manual != nil {
		return c.Manual.Now()
	}
	return time.Now()
}

// after does something later, in a goroutine of its own.
func (c *Config) after(d time.Duration, f func()) Timer {
	if c.Manual != nil {
		return c.Manual.After(d, f)
	}
	return time.AfterFunc(d, f)
}

// worker takes turns: when it is woken, and when the last turn said that the next one is due. It is a goroutine, or with
// Manual events of the owner's.
type worker struct {
	link *Link
	turn func() time.Duration // does what is due, and says how long nothing is
	wake chan struct{}

	next  Timer // of Manual, as the next two
	busy  bool
	woken bool // during a turn
}

func newWorker(l *Link, turn func() time.Duration) *worker {
	return &worker{link: l, turn: turn, wake: make(chan struct{}, 1)}
}

// start begins with a turn.
func (w *worker) start() {
	if w.link.config.Manual != nil {
		w.look()
		return
	}
	w.link.work.Go(w.run)
}

// look has it take a turn soon.
func (w *worker) look() {
	if w.link.config.Manual != nil {
		if w.woken = w.busy; !w.busy {
			w.after(0)
		}
		return
	}
	select {
	case w.wake <- struct{}{}:
	default: // it has not looked since the last time
	}
}

func (w *worker) run() {
	timer := time.NewTimer(restMax)
	defer timer.Stop()
	for {
		timer.Reset(w.turn())
		select {
		case <-timer.C:
		case <-w.wake:
		case <-w.link.quit:
			return
		}
	}
}

// after lets Manual take the next turn later.
func (w *worker) after(d time.Duration) {
	if w.next != nil {
		w.next.Stop()
	}
	w.next = w.link.config.Manual.After(d, func() {
		w.next = nil
		if w.link.isClosed() {
			return
		}
		w.busy, w.woken = true, false
		wait := w.turn()
		w.busy = false
		if w.woken {
			wait = 0
		}
		w.after(wait)
	})
}
