package server

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Conn is one connection. It is for one goroutine. After an error other than an *Error it is of no use any more.
type Conn struct {
	net      net.Conn
	in       *bufio.Reader
	sequence byte
	// taken is how much of what is buffered the last packet was: it goes away with the next.
	taken int
	// large holds packets that the buffer has no room for.
	large     []byte
	packetMax int

	// Server is what the greeting said: "8.0.36", "5.5.5-10.11.6-MariaDB".
	Server string
	secure bool
}

const (
	bufferSize = 256 << 10
	// partMax is the largest packet of the protocol. One of that size is continued by the next.
	partMax = 1<<24 - 1
	// largeKept is how much memory stays with the connection after a large packet, in bytes.
	largeKept = 4 << 20
)

// Error is what the server answered.
type Error struct {
	Number  uint16
	State   string
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (error %d)", e.Message, e.Number) }

// Numbers of errors that pass.
const (
	codeOutOfMemory        = 1037
	codeTooManyConnections = 1040
	codeShutdown           = 1053
	codeLockWait           = 1205
	codeTooManyOfUser      = 1203
	codeDeadlock           = 1213
	codeKilled             = 1317
	codeConnectionKilled   = 1927
)

// Passes reports whether the same may be answered otherwise later.
func (e *Error) Passes() bool {
	switch e.Number {
	case codeOutOfMemory, codeTooManyConnections, codeShutdown, codeLockWait, codeTooManyOfUser, codeDeadlock, codeKilled, codeConnectionKilled:
		return true
	}
	return false
}

func newConn(c net.Conn, packetMax int) *Conn {
	return &Conn{net: c, in: bufio.NewReaderSize(c, bufferSize), packetMax: packetMax}
}

// Close ends the connection. It may be called by any goroutine, and again.
func (c *Conn) Close() error { return c.net.Close() }

// during lets reads and writes fail when the context is done, or after a time if that is not 0, until stop is called.
func (c *Conn) during(ctx context.Context, limit time.Duration) (stop func(error) error) {
	if limit > 0 {
		_ = c.net.SetDeadline(time.Now().Add(limit))
	} else {
		_ = c.net.SetDeadline(time.Time{})
	}
	undo := context.AfterFunc(ctx, func() { _ = c.net.SetDeadline(time.Unix(1, 0)) })
	return func(err error) error {
		if !undo() && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
}

// read returns the next packet, which is valid until the next call.
func (c *Conn) read() ([]byte, error) {
	if _, err := c.in.Discard(c.taken); err != nil {
		return nil, err
	}
	c.taken = 0
	head, err := c.in.Peek(4)
	if err != nil {
		return nil, eof(err)
	}
	n := c.start(head)
	if n < 0 {
		return nil, errSequence
	}
	if 4+n <= c.in.Size() && n < partMax {
		b, err := c.in.Peek(4 + n)
		if err != nil {
			return nil, eof(err)
		}
		c.taken = 4 + n
		return b[4:], nil
	}
	if cap(c.large) > largeKept {
		c.large = nil
	}
	c.large = c.large[:0]
	for {
		if _, err := c.in.Discard(4); err != nil {
			return nil, err
		}
		if len(c.large)+n > c.packetMax {
			return nil, fmt.Errorf("a packet of the server has more than %d bytes", c.packetMax)
		}
		at := len(c.large)
		c.large = append(c.large, make([]byte, n)...)
		if _, err := io.ReadFull(c.in, c.large[at:]); err != nil {
			return nil, eof(err)
		}
		if n < partMax {
			return c.large, nil
		}
		if head, err = c.in.Peek(4); err != nil {
			return nil, eof(err)
		}
		if n = c.start(head); n < 0 {
			return nil, errSequence
		}
	}
}

var errSequence = errors.New("the server's packets are out of order: it is no MySQL or MariaDB server, or the connection is broken")

// start reads the head of a packet; -1 if it is not the one that comes next.
func (c *Conn) start(head []byte) int {
	if head[3] != c.sequence {
		return -1
	}
	c.sequence++
	return int(head[0]) | int(head[1])<<8 | int(head[2])<<16
}

func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// write sends a packet, which is shorter than partMax.
func (c *Conn) write(b []byte) error {
	packet := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b)))
	packet[3] = c.sequence
	c.sequence++
	_, err := c.net.Write(append(packet, b...))
	return err
}

// command begins a new exchange.
func (c *Conn) command(kind byte, body []byte) error {
	c.sequence = 0
	return c.write(append([]byte{kind}, body...))
}

// First bytes of answers.
const (
	okPacket    = 0x00
	morePacket  = 0x01
	eofPacket   = 0xfe
	errorPacket = 0xff
)

func parseError(b []byte) error {
	if len(b) < 3 {
		return errSequence
	}
	e := &Error{Number: binary.LittleEndian.Uint16(b[1:])}
	if b = b[3:]; len(b) >= 6 && b[0] == '#' {
		e.State = string(b[1:6])
		b = b[6:]
	}
	e.Message = string(b)
	return e
}

// readOK reads an answer that is either yes or an error.
func (c *Conn) readOK() error {
	b, err := c.read()
	if err != nil {
		return err
	}
	if len(b) == 0 || b[0] != okPacket {
		if len(b) > 0 && b[0] == errorPacket {
			return parseError(b)
		}
		return errSequence
	}
	return nil
}
