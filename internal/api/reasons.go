package api

import (
	"container/list"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// Bounds of what Reasons keeps.
const (
	reasonsPerClient = 64
	reasonsClients   = 1024
	reasonBytesMax   = 512
)

// Reason is one error that was answered to a client, with why.
type Reason struct {
	At      time.Time
	Key     protocol.Key
	Version int16
	Code    protocol.Code
	Text    string
	Times   int // how often in a row, counting this one
}

// Reasons keeps the latest errors of each client, by client id, so that `skein client why` can tell them. Its memory
// is bounded: the client that was longest without an error goes first. Its methods may be called concurrently.
type Reasons struct {
	mu      sync.Mutex
	clients map[string]*list.Element // of *clientReasons
	recent  *list.List               // most recent in front
}

type clientReasons struct {
	id   string
	ring []Reason // oldest at next once it is full
	next int
}

// NewReasons makes an empty one.
func NewReasons() *Reasons {
	return &Reasons{clients: map[string]*list.Element{}, recent: list.New()}
}

// Note keeps one error of a client. The same error again and again takes one place and counts.
func (r *Reasons) Note(client string, reason Reason) {
	if len(client) > 256 {
		client = client[:256]
	}
	if len(reason.Text) > reasonBytesMax {
		reason.Text = reason.Text[:reasonBytesMax] + "..."
	}
	reason.Times = 1
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.touch(client)
	if n := len(c.ring); n > 0 {
		last := &c.ring[(c.next+n-1)%n]
		if last.Key == reason.Key && last.Code == reason.Code && last.Text == reason.Text {
			last.At, last.Version = reason.At, reason.Version
			last.Times++
			return
		}
	}
	if len(c.ring) < reasonsPerClient {
		c.ring = append(c.ring, reason)
		return
	}
	c.ring[c.next] = reason
	c.next = (c.next + 1) % reasonsPerClient
}

func (r *Reasons) touch(client string) *clientReasons {
	if e, ok := r.clients[client]; ok {
		r.recent.MoveToFront(e)
		return e.Value.(*clientReasons)
	}
	c := &clientReasons{id: client}
	r.clients[client] = r.recent.PushFront(c)
	if r.recent.Len() > reasonsClients {
		oldest := r.recent.Remove(r.recent.Back()).(*clientReasons)
		delete(r.clients, oldest.id)
	}
	return c
}

// Of returns what is kept of one client, newest first.
func (r *Reasons) Of(client string) []Reason {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.clients[client]
	if !ok {
		return nil
	}
	c := e.Value.(*clientReasons)
	n := len(c.ring)
	out := make([]Reason, 0, n)
	for i := range n {
		out = append(out, c.ring[(c.next+n-1-i)%n])
	}
	return out
}

// Clients returns the ids of the clients of which something is kept, the one with the latest error first.
func (r *Reasons) Clients() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]string, 0, r.recent.Len())
	for e := r.recent.Front(); e != nil; e = e.Next() {
		out = append(out, e.Value.(*clientReasons).id)
	}
	return out
}

// fail notes why an error code is answered and returns the code. Every error code in a response comes through here or
// through failText, so that its reason can be asked for.
func (n *Node) fail(c *Call, err error) protocol.Code {
	code := protocol.CodeOf(err)
	if code == protocol.None {
		return code
	}
	c.Client.Away.note(err)
	n.Reasons.Note(c.Client.ID, Reason{At: n.Now(), Key: c.Key, Version: c.Version, Code: code, Text: protocol.ReasonOf(err)})
	if code == protocol.UnknownServerError {
		n.Logger.Error("unexpected error", "api", c.Key.String(), "client", c.Client.ID, "error", err)
	}
	return code
}

// failText is fail for responses that carry a message beside the code; without an error both are empty.
func (n *Node) failText(c *Call, err error) (protocol.Code, *string) {
	code := n.fail(c, err)
	if code == protocol.None {
		return code, nil
	}
	text := protocol.ReasonOf(err)
	return code, &text
}
