package controllerlink

import (
	"fmt"
	"sync"
	"time"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/peer"
	"github.com/skein-io/skein/internal/protocol"
)

// way is one lane to the controller, wherever that is at the moment.
type way struct {
	link   *Link
	config peer.Config
	linger time.Duration // how long a connection to a node that leads no more may bring answers

	mu     sync.Mutex
	node   metadata.NodeID // of peer
	peer   Connection      // nil without one
	closed bool
}

// answer is what became of one attempt.
type answer struct {
	response protocol.Message
	err      error
	local    bool       // the controller of this process answered
	asked    leadership // who was asked
}

// unknown says that the request may have been carried out though there is no answer.
func (a *answer) unknown() bool { return a.err != nil && !a.local && !isNotSent(a.err) }

// highest is the highest version that both nodes know.
const highest int16 = -1

// ask gives a request to the controller of now. done may be called before ask returns. after, if there is one, is asked
// behind it on the same connection, where a node begins with a request when it has answered those before it; it is not
// asked of a local controller.
func (w *way) ask(request protocol.Message, version int16, done func(answer), after func(Connection)) {
	leader := w.link.leader()
	switch {
	case !leader.known:
		done(answer{err: errNobody, asked: leader})
	case leader.node == w.link.config.NodeID:
		w.follow(leader.node)
		if version == highest {
			_, version = protocol.Versions(request.Key())
		}
		w.link.config.Local.Submit(request, version, func(response protocol.Message, err error) {
			done(answer{response: response, err: err, local: true, asked: leader})
		})
	default:
		p := w.follow(leader.node)
		if p == nil {
			done(answer{err: errClosing, asked: leader})
			return
		}
		p.AskOwn(request, version, func(response protocol.Message, _ int16, err error) {
			done(answer{response: response, err: err, asked: leader})
		})
		if after != nil {
			after(p)
		}
	}
}

// follow returns the connection to the leader, and ends the one to another node that led before. It is nil if the leader
// is this node, or the Link is closed.
func (w *way) follow(leader metadata.NodeID) Connection {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.peer != nil && w.node != leader {
		w.drop()
	}
	if w.peer == nil && leader != w.link.config.NodeID && !w.closed {
		w.node, w.peer = leader, w.connect(leader)
	}
	return w.peer
}

func (w *way) connect(leader metadata.NodeID) Connection {
	c := w.config
	if m := w.link.config.Manual; m != nil {
		return m.Connect(leader, c.RequestTimeout, c.OnDown)
	}
	c.Node = fmt.Sprintf("the controller, node %d,", leader)
	return peer.New(func() (string, bool) { return w.link.config.Address(leader) }, c)
}

// drop ends the connection, after linger if an answer is due. What waits on it fails, and is asked again elsewhere where
// that is right. Called with mu held.
func (w *way) drop() {
	old := w.peer
	w.peer = nil
	if w.link.config.Manual != nil {
		w.link.config.after(0, func() {
			old.Retire()
			w.link.config.after(w.linger, func() { _ = old.Close() })
		})
		return
	}
	w.link.work.Go(func() {
		old.Retire()
		w.link.sleep(w.linger)
		_ = old.Close()
	})
}

func (w *way) close() {
	w.mu.Lock()
	w.closed = true
	old := w.peer
	w.peer = nil
	w.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
}

// leave ends the connection to a node that does not lead any more.
func (w *way) leave(leader metadata.NodeID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.peer != nil && w.node != leader {
		w.drop()
	}
}
