package server

import (
	"errors"
	"net"
	"sync"
)

// errWouldBlock says that a try to write went as far as the socket had room.
var errWouldBlock = errors.New("the socket is full")

// wire is a connection as the two sides use it. The reading side calls await and Read; whoever holds the writing side
// calls try and send. Close may be called by anyone.
type wire interface {
	net.Conn
	// await waits for bytes and reads some of them into a chunk that it borrows only when they are there, so that an
	// idle connection holds none. The caller gives it back with returnChunk.
	await() (chunk *chunk, n int, err error)
	// try sends what it can of the pieces without waiting. It returns the bytes sent, and errWouldBlock where the
	// socket has room for no more, or the wire can only wait.
	try(pieces []piece) (int64, error)
	// send waits until some of the pieces are sent, and returns how many bytes.
	send(pieces []piece) (int64, error)
	// SetLinger is TCPConn's: after SetLinger(0) Close resets the connection.
	SetLinger(seconds int) error
}

// chunkBytes is the read-ahead: room for many small requests at once, and little to copy of a large one.
const chunkBytes = 4096

type chunk [chunkBytes]byte

var chunks = sync.Pool{New: func() any { return new(chunk) }}

func borrowChunk() *chunk  { return chunks.Get().(*chunk) }
func returnChunk(c *chunk) { chunks.Put(c) }

// plainWire is any net.Conn: in memory, or of a system for which there is nothing better.
type plainWire struct{ net.Conn }

// lingerer is a connection that may be reset, as a TCPConn.
type lingerer interface{ SetLinger(seconds int) error }

func (w plainWire) SetLinger(seconds int) error {
	if l, ok := w.Conn.(lingerer); ok {
		return l.SetLinger(seconds)
	}
	return nil
}

// reset closes a connection on which no request was answered. A plain end at that point reads as a refusal for good: some clients
// take it for a server that wants TLS or SASL, and do not come again (franz-go; Kafka's own takes either for a lost connection).
func reset(c net.Conn) {
	if l, ok := c.(lingerer); ok {
		_ = l.SetLinger(0)
	}
	_ = c.Close()
}

func (w plainWire) await() (*chunk, int, error) {
	c := borrowChunk()
	n, err := w.Read(c[:])
	if n > 0 {
		return c, n, nil
	}
	returnChunk(c)
	return nil, 0, err
}

func (plainWire) try([]piece) (int64, error) { return 0, errWouldBlock }

func (w plainWire) send(pieces []piece) (int64, error) {
	var buffers net.Buffers
	for _, p := range pieces {
		if p.file != nil {
			break
		}
		buffers = append(buffers, p.bytes)
	}
	if len(buffers) > 0 {
		return buffers.WriteTo(w.Conn)
	}
	return w.sendFile(&pieces[0])
}

// copyBytes is the size of the steps in which a file is sent without sendfile.
const copyBytes = 64 << 10

func (w plainWire) sendFile(p *piece) (int64, error) {
	buffer := make([]byte, min(p.length, copyBytes))
	n, err := p.file.ReadAt(buffer, p.position)
	if n < len(buffer) {
		return 0, shortFile(p, err)
	}
	written, err := w.Write(buffer)
	return int64(written), err
}
