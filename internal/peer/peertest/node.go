package peertest

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/skein-io/skein/internal/protocol"
)

// Node is a node that a test plays. Its methods may be called concurrently.
type Node struct {
	// Offers, if it is set before the first connection, says which versions of an API the node tells of; the default is
	// protocol.Versions. highest -1 is none.
	Offers func(key protocol.Key) (lowest, highest int16)

	listener net.Listener
	handle   func(*Request)
	work     sync.WaitGroup

	mu     sync.Mutex
	conns  map[*Conn]struct{}
	opened int
	closed bool
}

// Conn is one connection to the node.
type Conn struct {
	net.Conn
	Software string // what the client says it is

	node    *Node
	writing sync.Mutex
}

// Request is one that came.
type Request struct {
	Message  protocol.Message
	Version  int16
	ID       int32 // correlation id
	ClientID string
	Conn     *Conn
}

// Serve plays a node on a listener until Close. handle gets the requests of one connection in order, on that connection's
// goroutine; it may be nil, for a node that never answers.
func Serve(listener net.Listener, handle func(*Request)) *Node {
	if handle == nil {
		handle = func(*Request) {}
	}
	n := &Node{Offers: protocol.Versions, listener: listener, handle: handle, conns: map[*Conn]struct{}{}}
	n.work.Go(n.accept)
	return n
}

// Close ends the listener and all connections, and waits for the node's goroutines.
func (n *Node) Close() {
	_ = n.listener.Close()
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.CloseConns()
	n.work.Wait()
}

// CloseConns ends all connections; new ones are taken.
func (n *Node) CloseConns() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close()
	}
}

// Opened is how many connections there were.
func (n *Node) Opened() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.opened
}

// Open is how many connections there are.
func (n *Node) Open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

func (n *Node) accept() {
	for {
		conn, err := n.listener.Accept()
		if err != nil {
			return
		}
		c := &Conn{Conn: conn, node: n}
		n.mu.Lock()
		if n.closed {
			_ = conn.Close()
		} else {
			n.conns[c] = struct{}{}
			n.opened++
			n.work.Go(c.read)
		}
		n.mu.Unlock()
	}
}

func (c *Conn) read() {
	defer func() {
		_ = c.Close()
		c.node.mu.Lock()
		delete(c.node.conns, c)
		c.node.mu.Unlock()
	}()
	source := bufio.NewReader(c)
	for {
		r, err := c.next(source)
		if err != nil {
			return // the client has gone, or sends what no client sends, and sees the connection end
		}
		if hello, ok := r.Message.(*protocol.ApiVersionsRequest); ok && c.Software == "" {
			c.Software = hello.ClientSoftwareName
			r.Reply(c.node.versions(c.Software))
			continue
		}
		c.node.handle(r)
	}
}

func (c *Conn) next(source *bufio.Reader) (*Request, error) {
	var length [4]byte
	if _, err := io.ReadFull(source, length[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(source, frame); err != nil {
		return nil, err
	}
	key, version := protocol.Key(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:]))
	reader := protocol.NewReader(frame, protocol.Limits{})
	var header protocol.RequestHeader
	if err := header.Decode(reader, protocol.HeaderVersion(key, version)); err != nil {
		return nil, err
	}
	r := &Request{Message: protocol.NewRequest(key), Version: version, ID: header.CorrelationID, Conn: c}
	if header.ClientID != nil {
		r.ClientID = *header.ClientID
	}
	return r, r.Message.Decode(reader, version)
}

// privateAPIsMax bounds the keys that are tried for private APIs.
const privateAPIsMax = 0x20

func (n *Node) versions(software string) *protocol.ApiVersionsResponse {
	response := protocol.NewApiVersionsResponse()
	offer := func(key protocol.Key) {
		if lowest, highest := n.Offers(key); highest >= 0 {
			response.ApiKeys = append(response.ApiKeys, protocol.ApiVersionsResponseApiVersion{
				ApiKey: int16(key), MinVersion: lowest, MaxVersion: highest})
		}
	}
	for key := range protocol.KeyUnregisterController + 1 {
		offer(key)
	}
	if strings.HasPrefix(software, "skein") {
		for i := range protocol.Key(privateAPIsMax) {
			offer(protocol.PrivateKeys + i)
		}
	}
	return response
}

// Reply answers a request. An error of the connection is the client's to see.
func (r *Request) Reply(response protocol.Message) { r.ReplyAs(r.ID, response) }

// ReplyAs answers with a correlation id of the test's choice.
func (r *Request) ReplyAs(id int32, response protocol.Message) {
	_, _ = r.Conn.Write(Response(id, response, r.Version))
}

// Write sends bytes, whole, whoever else writes.
func (c *Conn) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.Conn.Write(b)
}

// Response is the frame of a response, with its length.
func Response(id int32, response protocol.Message, version int16) []byte {
	var w protocol.Writer
	frame := w.BeginFrame()
	header := protocol.ResponseHeader{CorrelationID: id}
	header.Encode(&w, protocol.ResponseHeaderVersion(response.Key(), version))
	response.Encode(&w, version)
	w.EndFrame(frame)
	return w.Bytes()
}
