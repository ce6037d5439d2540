package clients

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
	protocol.KeyCreateTopics: 7, protocol.KeyDeleteTopics: 5, protocol.KeyDeleteRecords: 2, protocol.KeyInitProducerID: 4, protocol.KeyMetadata: 9,
	protocol.KeyIncrementalAlterConfigs: 1, protocol.KeyAlterPartitionReassignments: 0, protocol.KeyUnregisterBroker: 0,
}

var (
	errNoAnswer = errors.New("no answer in time")
	errGone     = errors.New("the client ended")
)

// Client is a machine with a connection to each broker that it has asked something.
type Client struct {
	World   *World
	Name    string
	Machine *sim.Node
	rand    *sim.Rand

	wires []*wire // by the number of the broker's address
	routes
}

// wire is a client's connection to one broker.
type wire struct {
	client  *Client
	address string
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

func newClient(w *World, name string) *Client {
	c := &Client{World: w, Name: name, Machine: w.NewNode(name), rand: w.Rand("client/" + name)}
	c.forget()
	c.Machine.Start(func() {})
	return c
}

// forget begins without connections and without knowing where anything is.
func (c *Client) forget() {
	c.wires, c.routes = nil, routes{}
	for _, address := range c.World.Addresses {
		c.wires = append(c.wires, &wire{client: c, address: address})
	}
}

// restart ends the process and starts another of the same name on the machine: nothing of the first goes on.
func (c *Client) restart(after time.Duration, boot func()) {
	c.Machine.Crash()
	c.World.After(after, func() {
		if !c.Machine.Alive() {
			c.forget()
			c.Machine.Start(boot)
		}
	})
}

// Reset breaks the client's connections.
func (c *Client) Reset() {
	for _, w := range c.wires {
		if w.conn != nil {
			w.conn.Reset()
		}
	}
}

// later does something after a while of the machine's clock, unless the process ends before.
func (c *Client) later(low, high time.Duration, do func()) {
	c.Machine.After(c.rand.Between(low, high), do)
}

// ask sends a request to a broker and calls done once: with the answer, or with why there is none.
func (c *Client) ask(broker int, request protocol.Message, limit time.Duration, done func(protocol.Message, error)) {
	c.wires[broker].ask(request, limit, done)
}

func (w *wire) ask(request protocol.Message, limit time.Duration, done func(protocol.Message, error)) {
	c, key := w.client, request.Key()
	version, known := versions[key]
	if !known {
		panic(fmt.Sprintf("clients: clients do not speak %v", key))
	}
	w.next++
	header := protocol.RequestHeader{RequestApiKey: int16(key), RequestApiVersion: version, CorrelationID: w.next, ClientID: &c.Name}
	frame := protocol.AppendMessage(nil, &header, protocol.HeaderVersion(key, version))
	k := &call{id: w.next, key: key, frame: protocol.AppendMessage(frame, request, version), done: done}
	k.timer = c.Machine.After(limit, func() {
		c.World.Notef("%s: no answer to %v %d from %s", c.Name, key, k.id, w.address)
		w.drop(errNoAnswer)
	})
	w.calls = append(w.calls, k)
	w.flush()
}

// flush sends what waits for a connection.
func (w *wire) flush() {
	if w.conn == nil {
		w.dial()
		return
	}
	for _, k := range w.calls {
		if !k.sent {
			k.sent = true
			w.conn.Send(k.frame)
		}
	}
}

func (w *wire) dial() {
	if w.dialing {
		return
	}
	w.dialing = true
	w.client.World.Network.Dial(w.client.Machine, w.address, func(conn *sim.Conn, err error) {
		w.dialing = false
		if err != nil {
			w.fail(err)
			return
		}
		w.conn = conn
		conn.OnFrame = func(frame []byte) { w.answer(conn, frame) }
		conn.OnClose = func(err error) {
			if w.conn == conn {
				w.conn = nil
				w.fail(err)
			}
		}
		w.flush()
	})
}

// drop gives the connection up.
func (w *wire) drop(err error) {
	if conn := w.conn; conn != nil {
		w.conn = nil
		conn.OnClose, conn.OnFrame = nil, nil
		conn.Reset()
	}
	w.fail(err)
}

// fail ends every call.
func (w *wire) fail(err error) {
	calls := w.calls
	w.calls = nil
	for _, k := range calls {
		k.timer.Stop()
		k.done(nil, err)
	}
}

func (w *wire) answer(conn *sim.Conn, frame []byte) {
	c := w.client
	if w.conn != conn || len(w.calls) == 0 || !w.calls[0].sent {
		c.World.Wrong("protocol", c.Name, "an answer of %d bytes to nothing", len(frame))
		return
	}
	k := w.calls[0]
	w.calls = w.calls[1:]
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
		c.World.Wrong("protocol", c.Name, "the answer to %v %d has correlation id %d: %v", k.key, k.id, header.CorrelationID, err)
		w.drop(errGone)
		return
	}
	k.done(response, nil)
}
