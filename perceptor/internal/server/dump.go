package server

import (
	"context"
	"encoding/binary"
	"errors"
	"time"
)

// Flags of a dump.
const (
	// sendAnnotations is MariaDB's: send the statements that rows came of, too.
	sendAnnotations = 2
	throughGTID     = 4
)

// Register tells the server that a replica of this number is here. It is refused to who has not the right to be one.
func (c *Conn) Register(ctx context.Context, serverID uint32) error {
	stop := c.during(ctx, 0)
	b := binary.LittleEndian.AppendUint32(nil, serverID)
	b = append(b, make([]byte, 3+2+4+4)...) // no host, user, password; port, rank, source 0
	err := c.command(commandRegister, b)
	if err == nil {
		err = c.readOK()
	}
	return stop(err)
}

// Dump asks for the binlog from a place on. With MariaDB file and offset are not used if @slave_connect_state is set.
func (c *Conn) Dump(ctx context.Context, serverID uint32, file string, offset uint32, annotations bool) error {
	flags := uint16(0)
	if annotations {
		flags = sendAnnotations
	}
	b := binary.LittleEndian.AppendUint32(nil, offset)
	b = binary.LittleEndian.AppendUint16(b, flags)
	b = binary.LittleEndian.AppendUint32(b, serverID)
	stop := c.during(ctx, 0)
	return stop(c.command(commandDump, append(b, file...)))
}

// DumpGTID asks MySQL for all transactions that are not in an encoded set.
func (c *Conn) DumpGTID(ctx context.Context, serverID uint32, set []byte) error {
	const firstOffset = 4
	b := binary.LittleEndian.AppendUint16(nil, throughGTID)
	b = binary.LittleEndian.AppendUint32(b, serverID)
	b = binary.LittleEndian.AppendUint32(b, 0) // no file
	b = binary.LittleEndian.AppendUint64(b, firstOffset)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(set)))
	stop := c.during(ctx, 0)
	return stop(c.command(commandDumpGTID, append(b, set...)))
}

// ErrEnd: the server has ended the binlog. It does when it shuts down.
var ErrEnd = errors.New("the server has ended the binlog")

// Event returns the next event, which is valid until the next call. The connection is broken if the server sends nothing
// for the time of silence. It waits only if no whole event is there.
func (c *Conn) Event(ctx context.Context, silence time.Duration) ([]byte, error) {
	var b []byte
	var err error
	if c.hasPacket() {
		b, err = c.read()
	} else {
		stop := c.during(ctx, silence)
		b, err = c.read()
		err = stop(err)
	}
	switch {
	case err != nil:
		return nil, err
	case len(b) == 0:
		return nil, errSequence
	case b[0] == errorPacket:
		return nil, parseError(b)
	case b[0] == eofPacket && len(b) < 9:
		return nil, ErrEnd
	case b[0] != okPacket:
		return nil, errSequence
	}
	return b[1:], nil
}

// hasPacket reports whether the next packet is all in the buffer.
func (c *Conn) hasPacket() bool {
	if c.in.Buffered() < c.taken+4 {
		return false
	}
	b, err := c.in.Peek(c.taken + 4)
	if err != nil {
		return false
	}
	n := int(b[c.taken]) | int(b[c.taken+1])<<8 | int(b[c.taken+2])<<16
	return c.in.Buffered() >= c.taken+4+n
}
