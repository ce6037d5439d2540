package onenode

import (
	"errors"
	"fmt"
	"time"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/sim"
)

// versions are those that the clients speak: the newest that name topics by name.
var versions = map[protocol.Key]int16{
	protocol.KeyProduce: 9, protocol.KeyFetch: 12, protocol.KeyListOffsets: 7, protocol.KeyOffsetCommit: 9, protocol.KeyOffsetFetch: 9,
	protocol.KeyFindCoordinator: 4, protocol.KeyJoinGroup: 9, protocol.KeyHeartbeat: 4, protocol.KeyLeaveGroup: 5, protocol.KeySyncGroup: 5,
	protocol.KeyCreateTopics: 7, protocol.KeyDeleteRecords: 2, protocol.KeyInitProducerID: 4,
}

// requestTimeout is how long a client waits for an answer before it gives its connection up.
const requestTimeout = 4 * time.Second

var (
	errNoAnswer = errors.New("no answer in time")
	errGone     = errors.New("the client ended")
)

// client is a machine with one connection to the broker.
type client struct {
	world   *world
	name    string
	machine *sim.Node
	rand    *sim.Rand

	conn    *sim.Conn
	dialing bool
	next    int32
	calls   []*call // sent or to be sent, in order
}

// call is one request of a client.
type call struct {
	id    int32
	key   protocol.Key
	frame []byte
	sent  bool
	done  func(protocol.Message, error)
	timer *sim.NodeTimer
}

func newClient(w *world, name string) *client {
	c := &client{world: w, name: name, machine: w.NewNode(name), rand: w.Rand("client/" + name)}
	c.machine.Start(func() {})
	return c
}

// restart ends the process and starts another of the same name on the machine: nothing of the first goes on.
func (c *client) restart(after time.Duration, boot func()) {
	c.machine.Crash()
	c.world.After(after, func() {
		if !c.machine.Alive() {
			c.conn, c.dialing, c.calls = nil, false, nil
			c.machine.Start(boot)
		}
	})
}

// later does something after a while of the machine's clock, unless the process ends before.
func (c *client) later(low, high time.Duration, do func()) {
	c.machine.After(c.rand.Between(low, high), do)
}

// ask sends a request and calls done once: with the answer, or with why there is none.
func (c *client) ask(request protocol.Message, limit time.Duration, done func(protocol.Message, error)) {
	key := request.Key()
	version, known := versions[key]
	if !known {
		panic(fmt.Sprintf("onenode: clients do not speak %v", key))
	}
	c.next++
	header := protocol.RequestHeader{RequestApiKey: int16(key), RequestApiVersion: version, CorrelationID: c.next, ClientID: &c.name}
	frame := protocol.AppendMessage(nil, &header, protocol.HeaderVersion(key, version))
	k := &call{id: c.next, key: key, frame: protocol.AppendMessage(frame, request, version), done: done}
	k.timer = c.machine.After(limit, func() {
		c.world.Notef("%s: no answer to %v %d", c.name, key, k.id)
		c.drop(errNoAnswer)
	})
	c.calls = append(c.calls, k)
	c.flush()
}

// flush sends what waits for a connection.
func (c *client) flush() {
	if c.conn == nil {
		c.dial()
		return
	}
	for _, k := range c.calls {
		if !k.sent {
			k.sent = true
			c.conn.Send(k.frame)
		}
	}
}

func (c *client) dial() {
	if c.dialing {
		return
	}
	c.dialing = true
	c.world.network.Dial(c.machine, address, func(conn *sim.Conn, err error) {
		c.dialing = false
		if err != nil {
			c.fail(err)
			return
		}
		c.conn = conn
		conn.OnFrame = func(frame []byte) { c.answer(conn, frame) }
		conn.OnClose = func(err error) {
			if c.conn == conn {
				c.conn = nil
				c.fail(err)
			}
		}
		c.flush()
	})
}

// drop gives the connection up.
func (c *client) drop(err error) {
	if conn := c.conn; conn != nil {
		c.conn = nil
		conn.OnClose, conn.OnFrame = nil, nil
		conn.Reset()
	}
	c.fail(err)
}

// fail ends every call.
func (c *client) fail(err error) {
	calls := c.calls
	c.calls = nil
	for _, k := range calls {
		k.timer.Stop()
		k.done(nil, err)
	}
}

func (c *client) answer(conn *sim.Conn, frame []byte) {
	if c.conn != conn || len(c.calls) == 0 || !c.calls[0].sent {
		c.world.wrong("protocol", c.name, "an answer of %d bytes to nothing", len(frame))
		return
	}
	k := c.calls[0]
	c.calls = c.calls[1:]
	k.timer.Stop()
	version := versions[k.key]
	reader := protocol.NewReader(frame, protocol.Limits{})
	var header protocol.ResponseHeader
	response := protocol.NewResponse(k.key)
	err := header.Decode(reader, protocol.ResponseHeaderVersion(k.key, version))
	if err == nil {
		err = response.Decode(reader, version)
	}
	if err != nil || header.CorrelationID != k.id {
		c.world.wrong("protocol", c.name, "the answer to %v %d has correlation id %d: %v", k.key, k.id, header.CorrelationID, err)
		c.drop(errGone)
		return
	}
	k.done(response, nil)
}
