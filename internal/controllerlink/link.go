package controllerlink

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// Link is the way to the controller. Its methods may be called concurrently.
type Link struct {
	config Config

	session    session
	partitions partitions
	requests   *way

	quit chan struct{}
	work sync.WaitGroup

	mu          sync.Mutex // guards the fields below, and the submissions
	closed      bool
	submissions map[*submission]struct{}
	submitted   uint64       // how many there were
	showing     atomic.Int32 // submissions that wait for the image
	polling     bool         // a timer looks at the image soon
}

// Open begins to register the broker. Close must be called.
func Open(c Config) (*Link, error) {
	c, err := c.completed()
	if err != nil {
		return nil, err
	}
	l := &Link{config: c, quit: make(chan struct{}), submissions: map[*submission]struct{}{}}
	l.session.init(l)
	l.partitions.init(l)
	l.requests = l.way(c.RequestTimeout, nil)
	l.requests.linger = lingerMax
	l.session.worker.start()
	l.partitions.worker.start()
	return l, nil
}

func (l *Link) way(timeout time.Duration, onDown func(error)) *way {
	c := l.config.Peer
	c.RequestTimeout, c.OnDown = timeout, onDown
	return &way{link: l, config: c}
}

func (l *Link) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// sleep waits, but not longer than until Close.
func (l *Link) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.quit:
	}
}

// LeaderChanged says that Local.Leader has changed: what waits for a controller is asked of it at once, and a heartbeat
// goes out. It does not wait. Without the call all that happens within HeartbeatInterval.
func (l *Link) LeaderChanged() { l.session.worker.look() }

// leadership is who leads the quorum, as far as this node knows.
type leadership struct {
	node  metadata.NodeID
	epoch record.LeaderEpoch
	known bool
}

func (l *Link) leader() (now leadership) {
	now.node, now.epoch, now.known = l.config.Local.Leader()
	return now
}

// pause is the time to wait before the next attempt: none if there is a controller that was not asked.
func (l *Link) pause(failures int, asked leadership) time.Duration {
	if now := l.leader(); now.known && now != asked {
		return 0
	}
	return l.config.pause(failures)
}

// follow is what happens when another node leads, or leads again.
func (l *Link) follow(leader leadership) {
	if leader.known {
		for _, w := range []*way{l.session.way, l.partitions.way, l.requests} {
			w.leave(leader.node)
		}
	}
	l.session.press()
	l.partitions.press()
	l.retryNow()
}

// ImageChanged says that Local.Image has changed. It does not wait. Without the call whoever waits for the image is served a
// little later.
func (l *Link) ImageChanged() {
	if l.showing.Load() > 0 {
		l.show()
	}
	l.session.worker.look()
}

// State is what the controller last said of this broker.
func (l *Link) State() State { return l.session.current() }

// Close ends everything but the broker's registration. What waits fails with a retriable error, and all done have been
// called when it returns, but those that Local still has. It returns nil.
func (l *Link) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	close(l.quit)
	l.session.way.close()
	l.partitions.way.close()
	l.requests.close()
	l.work.Wait()
	l.failAll()
	l.partitions.failAll()
	return nil
}

var (
	errNobody  = protocol.Fail(protocol.NotController, "no controller is known: %w", errNotAsked)
	errClosing = protocol.Fail(protocol.NotController, "this node is shutting down: %w", errNotAsked)
)

// errNotAsked is in errors of requests that never left.
var errNotAsked = errors.New("the request was not sent")

func isNotSent(err error) bool { return errors.Is(err, peer.ErrNotSent) || errors.Is(err, errNotAsked) }
