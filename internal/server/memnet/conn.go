package memnet

import (
	"net"
	"sync/atomic"
	"time"
)

// Conn is one end of a connection in memory.
type Conn struct {
	network       *Network
	local, remote Addr
	from          string // of the dialling end: where who dialled listens, "" if nowhere
	ended         bool   // of the dialling end, guarded by network.mu: closed, and kept because it is held back
	in, out       *stream
	other         *Conn
	resets        atomic.Bool // Close resets
}

// pair makes the two ends of a connection.
func pair(network *Network, client, server Addr) (*Conn, *Conn) {
	up, down := newStream(), newStream()
	a := &Conn{network: network, local: client, remote: server, in: down, out: up}
	b := &Conn{network: network, local: server, remote: client, in: up, out: down}
	a.other, b.other = b, a
	return a, b
}

// Read waits for bytes of the other end. After the other end's Close it is io.EOF once all is read.
func (c *Conn) Read(b []byte) (int, error) { return c.in.read(b) }

// Write puts bytes on their way; it waits while streamBytesMax of them are.
func (c *Conn) Write(b []byte) (int, error) { return c.out.write(b) }

// Close ends both directions. What was written is still read by the other end, except after SetLinger(0).
func (c *Conn) Close() error {
	if c.resets.Load() {
		c.out.closeReset()
	} else {
		c.out.closeWrite()
	}
	c.in.closeRead()
	c.network.closed(c)
	c.network.closed(c.other)
	return nil
}

// SetLinger is as a TCPConn's: with 0, Close resets the connection for the other end, and what is on its way to it is lost.
func (c *Conn) SetLinger(seconds int) error {
	c.resets.Store(seconds == 0)
	return nil
}

// CloseWrite ends the direction to the other end.
func (c *Conn) CloseWrite() error {
	c.out.closeWrite()
	return nil
}

// Cut resets the connection: both ends fail at once, and what is on its way is lost.
func (c *Conn) Cut() {
	c.in.cut()
	c.out.cut()
	c.network.closed(c)
	c.network.closed(c.other)
}

// Other is the other end.
func (c *Conn) Other() *Conn { return c.other }

// Freeze holds what this end sends from now on back, until Thaw: the connection stands, and nothing arrives.
func (c *Conn) Freeze() { c.out.freeze(true) }

// Thaw ends Freeze.
func (c *Conn) Thaw() { c.out.freeze(false) }

// LocalAddr is this end's address.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the other end's address.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	c.out.setWriteDeadline(t)
	return nil
}

// SetReadDeadline sets the time after which Read fails.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	return nil
}

// SetWriteDeadline sets the time after which Write fails.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.setWriteDeadline(t)
	return nil
}
