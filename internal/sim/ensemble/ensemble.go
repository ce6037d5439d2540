package ensemble

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/skein-io/skein/internal/quorum/zookeeper/member"
	"github.com/skein-io/skein/internal/sim"
)

// Address is where the ensemble listens, Name the name of its machine in the network.
const (
	Address = "zookeeper:2181"
	Name    = "zookeeper"
)

// Options are the ensemble's habits.
type Options struct {
	Servers        int
	LagMax         time.Duration // how late a server may apply what was agreed upon
	SessionTimeout time.Duration
	// Judge, if it is set, is shown each change of a znode in the order in which it is agreed upon, with the session that made it.
	// data is nil for one that is removed.
	Judge func(session int64, path string, data []byte)
}

// Ensemble is the servers, and the sessions that they know.
type Ensemble struct {
	world   *sim.World
	network *sim.Network
	machine *sim.Node
	rand    *sim.Rand
	options Options

	committed    tree
	transactions []transaction
	sessions     map[int64]*session
	nextSession  int64
	servers      []*server

	// A frame is the number of a message here: the simulation need not encode them.
	mail     map[uint64]any
	nextMail uint64
}

// session is one that has not expired.
type session struct {
	id     int64
	heard  sim.Instant
	on     *link // where the client is connected now; nil if it is not
	expire *sim.Timer
}

// server applies what is agreed upon, sooner or later.
type server struct {
	ensemble *Ensemble
	tree     tree
	applied  int // transactions
	due      bool
	links    []*link
}

// link is the server's end of a connection.
type link struct {
	server  *server
	conn    *sim.Conn
	session *session
	watches map[watch]bool
}

// watch is what a client waits for: a change of a znode, or of its children.
type watch struct {
	path     string
	children bool
}

// What goes over the network. To the server: hello, ping, *member.Request. To the client: welcome, answer, fired, pong.
type (
	hello struct {
		session int64 // 0: a new one
		seen    int64 // the last transaction that the client has seen
		watches []watch
	}
	ping    struct{}
	pong    struct{}
	welcome struct {
		session int64 // another than that of hello: that one has expired
	}
	answer struct {
		*member.Answer
		seen int64
	}
	fired struct {
		watch
	}
)

// New makes an ensemble whose znodes are the root alone.
func New(world *sim.World, network *sim.Network, o Options) *Ensemble {
	e := &Ensemble{world: world, network: network, machine: world.NewNode(Name), rand: world.Rand("ensemble"), options: o,
		committed: tree{"": {}}, sessions: map[int64]*session{}, nextSession: 100, mail: map[uint64]any{}}
	for range max(1, o.Servers) {
		e.servers = append(e.servers, &server{ensemble: e, tree: tree{"": {}}})
	}
	e.machine.Start(func() { network.Listen(e.machine, Address, e.accept) })
	return e
}

// Do carries out a request at once, without a session: to prepare a world.
func (e *Ensemble) Do(r *member.Request) *member.Answer {
	a := e.answer(r, e.committed, 0)
	for _, s := range e.servers {
		s.catchUp()
	}
	return a
}

// put makes a frame of a message.
func (e *Ensemble) put(message any) []byte {
	e.nextMail++
	e.mail[e.nextMail] = message
	return binary.BigEndian.AppendUint64(nil, e.nextMail)
}

// take finds the message of a frame.
func (e *Ensemble) take(frame []byte) any {
	key := binary.BigEndian.Uint64(frame)
	message := e.mail[key]
	delete(e.mail, key)
	return message
}

func (e *Ensemble) accept(c *sim.Conn) {
	s := e.servers[e.rand.IntN(len(e.servers))]
	l := &link{server: s, conn: c, watches: map[watch]bool{}}
	c.OnFrame = func(frame []byte) { l.receive(e.take(frame)) }
	c.OnClose = func(error) { l.end() }
}

// touch begins a session's time anew.
func (e *Ensemble) touch(s *session) {
	s.heard = e.world.Now()
	if s.expire != nil {
		s.expire.Stop()
	}
	s.expire = e.world.After(e.options.SessionTimeout, func() { e.expired(s) })
}

// expired ends a session: its znodes go.
func (e *Ensemble) expired(s *session) {
	if e.sessions[s.id] != s {
		return
	}
	delete(e.sessions, s.id)
	s.expire.Stop()
	var gone []string
	for path, n := range e.committed {
		if n.owner == s.id {
			gone = append(gone, path)
		}
	}
	slices.Sort(gone)
	var ops []member.Op
	for _, path := range gone {
		ops = append(ops, member.Op{Kind: member.Delete, Path: path, Version: member.AnyVersion})
	}
	if len(ops) > 0 {
		e.answer(&member.Request{Kind: member.Multi, Ops: ops}, e.committed, s.id)
	}
	e.world.Notef("ensemble: session %d ends with %v", s.id, gone)
}

// answer carries out a request on a tree.
func (e *Ensemble) answer(r *member.Request, on tree, session int64) *member.Answer {
	a := &member.Answer{ID: r.ID}
	n := on[r.Path]
	switch {
	case r.Kind == member.Multi:
		id := int64(len(e.transactions) + 1)
		var changes []change
		if changes, a.Versions, a.Code = e.committed.multi(r.Ops, session, id); a.Code == member.OK && len(changes) > 0 {
			e.commit(transaction{id, changes}, session)
		}
	case r.Kind == member.Sync:
	case n == nil:
		a.Code = member.NoNode
	case r.Kind == member.Children:
		a.Children = on.childrenOf(r.Path)
	default:
		a.Data, a.Version, a.Owner = n.data, n.version, n.owner
	}
	return a
}

func (e *Ensemble) commit(x transaction, session int64) {
	e.transactions = append(e.transactions, x)
	e.committed.apply(x)
	if e.options.Judge != nil {
		for _, c := range x.changes {
			var data []byte
			if c.node != nil {
				data = c.node.data
			}
			e.options.Judge(session, c.path, data)
		}
	}
	for _, s := range e.servers {
		s.later()
	}
}
