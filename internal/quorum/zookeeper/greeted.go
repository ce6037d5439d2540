package zookeeper

import (
	"encoding/binary"
	"net"
	"time"
)

// greeted is a connection to a server that reads along what the server grants: the client does not tell. The first packet that
// a server sends is
//
//	length i32 | protocol version i32 | session timeout i32, ms | ...
type greeted struct {
	net.Conn
	granted func(time.Duration)
	head    []byte
}

const greetingBytes = 12

// Read implements net.Conn.
func (g *greeted) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if len(g.head) < greetingBytes {
		g.head = append(g.head, b[:min(n, greetingBytes-len(g.head))]...)
		if len(g.head) == greetingBytes {
			g.granted(time.Duration(int32(binary.BigEndian.Uint32(g.head[8:]))) * time.Millisecond)
		}
	}
	return n, err
}
