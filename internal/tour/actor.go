package tour

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/wiretap"
)

// Dial connects to a broker, in the form that clients take a dialer in.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

func dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

var errKilled = errors.New("this process was killed")

// actor is a process as the network sees it: its connections can be listened to, stopped, and cut.
type actor struct {
	name string
	dial Dial
	lag  func(client string) time.Duration // of what it sends; nil is none

	mu        sync.Mutex
	sent      map[protocol.Key]int
	heard     []wiretap.Exchange
	conns     map[*wiretap.Mutable]struct{}
	muted     bool          // see mute
	resumed   chan struct{} // closed when it goes on; nil while it is not paused
	killed    bool
	killedNow chan struct{}
}

func newActor(name string, dial Dial) *actor {
	return &actor{name: name, dial: dial, sent: map[protocol.Key]int{}, conns: map[*wiretap.Mutable]struct{}{}, killedNow: make(chan struct{})}
}

// connect is the dialer of the actor's client.
func (a *actor) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if err := a.gate(); err != nil {
		return nil, err
	}
	raw, err := a.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.killed {
		_ = raw.Close()
		return nil, errKilled
	}
	conn := &wiretap.Mutable{Conn: raw}
	a.conns[conn] = struct{}{}
	return &gated{Conn: wiretap.New(conn, wiretap.Groups, func(key protocol.Key) { a.sendOn(conn, key) }, a.hear), raw: conn, actor: a}, nil
}

// asked is how many requests of an API it has sent.
func (a *actor) asked(key protocol.Key) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent[key]
}

// exchangesMax bounds what an actor remembers of its connections; the oldest go first.
const exchangesMax = 1 << 12

func (a *actor) hear(x wiretap.Exchange) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.heard) == exchangesMax {
		a.heard = slices.Delete(a.heard, 0, exchangesMax/2)
	}
	a.heard = append(a.heard, x)
}

// told is a request with what it was answered.
type told[Request, Response protocol.Message] struct {
	wiretap.Exchange
	request  Request
	response Response
}

// exchanges are those with one API, in the order of their answers.
func exchanges[Request, Response protocol.Message](a *actor) []told[Request, Response] {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []told[Request, Response]
	for _, x := range a.heard {
		if request, ok := x.Request.(Request); ok {
			found = append(found, told[Request, Response]{x, request, x.Response.(Response)})
		}
	}
	return found
}

// gate waits while the actor is paused.
func (a *actor) gate() error {
	for {
		a.mu.Lock()
		resumed, killed := a.resumed, a.killed
		a.mu.Unlock()
		switch {
		case killed:
			return errKilled
		case resumed == nil:
			return nil
		}
		select {
		case <-resumed:
		case <-a.killedNow:
		}
	}
}

// pause stops the actor as SIGSTOP stops a process: its connections stand, and it neither sends nor reads.
func (a *actor) pause() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resumed == nil {
		a.resumed = make(chan struct{})
	}
}

// resume is SIGCONT.
func (a *actor) resume() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resumed != nil {
		close(a.resumed)
		a.resumed = nil
	}
}

// kill is SIGKILL: the system closes the connections, and nothing is said before.
func (a *actor) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.killed {
		return
	}
	a.killed = true
	close(a.killedNow)
	for c := range a.conns {
		_ = c.Close()
	}
	clear(a.conns)
}

// gated is a connection that stands still while its actor is paused.
type gated struct {
	net.Conn
	raw   *wiretap.Mutable
	actor *actor
}

func (g *gated) Write(b []byte) (int, error) {
	if err := g.actor.gate(); err != nil {
		return 0, err
	}
	if g.actor.lag != nil {
		time.Sleep(g.actor.lag(g.actor.name))
	}
	return g.Conn.Write(b)
}

func (g *gated) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if dead := g.actor.gate(); dead != nil {
		return 0, dead
	}
	return n, err
}

func (g *gated) Close() error {
	g.actor.mu.Lock()
	delete(g.actor.conns, g.raw)
	g.actor.mu.Unlock()
	return g.Conn.Close()
}
