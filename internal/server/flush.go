package server

import (
	"errors"
	"os"
	"time"

	"github.com/skein-io/skein/internal/protocol"
)

// inlineFileBytesMax is the most that somebody else's goroutine sends from files for a connection; above it the
// connection gets a goroutine, because a file that is not in the page cache makes whoever sends it wait for the disk.
const inlineFileBytesMax = 64 << 10

// flush sends the answers that are due, unless somebody does so already, who will see them too. It does not wait:
// what the socket does not take is left to a goroutine. With apart, all is left to one.
func (c *conn) flush(apart bool) {
	c.mu.Lock()
	for !c.writing && !c.broken {
		c.collect()
		if len(c.out) == 0 {
			break
		}
		c.writing = true
		if apart {
			c.background(c.drain)
			break
		}
		c.mu.Unlock()
		n, err := c.wire.try(c.pieces)
		if c.sent(n, err); errors.Is(err, errWouldBlock) {
			return
		}
		c.mu.Lock()
		c.server.Counters.WritesInline.Add(1)
	}
	c.endIfDone()
}

// collect moves the answers that are due from queue to out. Called with mu held and nobody writing, or by who writes.
func (c *conn) collect() {
	for c.queue.len() > 0 && !c.last {
		r := c.queue.at(0)
		if !r.completed {
			return
		}
		c.queue.pop()
		c.next--
		switch {
		case r.closes:
			c.last = true
		case r.size > 0:
			c.answered = c.answered || r.key != protocol.KeyApiVersions
			c.out = append(c.out, r)
			c.addPieces(r.pieces)
		}
		c.makeRoom()
	}
}

// piecesKept bounds the memory that a connection keeps for pieces.
const piecesKept = 64

// addPieces puts pieces behind those of out, in memory that was used before where there is some.
func (c *conn) addPieces(pieces []piece) {
	if len(c.pieces) > 0 {
		c.pieces = append(c.pieces, pieces...)
		return
	}
	c.pieces = append(c.piecesMemory[:0], pieces...)
	if c.piecesMemory = c.pieces; cap(c.pieces) > piecesKept {
		c.piecesMemory = nil
	}
}

// endIfDone ends a connection that reads no more and has nothing left to say. Called with mu held, which it lets go.
func (c *conn) endIfDone() {
	done := c.noMore && !c.broken && !c.writing && len(c.out) == 0 && (c.last || c.queue.len() == 0)
	why := c.why
	c.mu.Unlock()
	if done {
		c.end(why)
	}
}

// sent keeps the books of a write of n bytes. After it nobody has writing, unless err is errWouldBlock, in which case
// a goroutine has it.
func (c *conn) sent(n int64, err error) {
	memory := c.settle(n)
	blocked := errors.Is(err, errWouldBlock)
	var left []*request
	c.mu.Lock()
	c.held -= memory
	c.makeRoom()
	switch {
	case c.broken:
		left = c.takeOut()
	case blocked:
		c.background(c.drain)
	default:
		c.writing = false
	}
	c.mu.Unlock()
	for _, r := range left {
		r.release()
	}
	if err != nil && !blocked {
		c.end("writing: " + err.Error())
	}
}

// takeOut gives up writing, with what was not sent, because the connection broke. Called with mu held.
func (c *conn) takeOut() []*request {
	left := c.out
	c.out, c.pieces, c.writing = nil, nil, false
	return left
}

// settle takes n sent bytes off out, releases the answers that are sent whole and returns the memory they had. Who
// writes calls it, without mu.
func (c *conn) settle(n int64) (memory int64) {
	c.server.Counters.ResponseBytes.Add(n)
	c.touch()
	c.pieces = advance(c.pieces, n)
	done := 0
	for ; done < len(c.out) && n >= c.out[done].size; done++ {
		r := c.out[done]
		n -= r.size
		memory += r.memory
		c.server.Counters.SentFromFiles.Add(r.fileBytes)
		r.release()
	}
	if done < len(c.out) {
		c.out[done].size -= n
	}
	rest := copy(c.out, c.out[done:])
	clear(c.out[rest:])
	c.out = c.out[:rest]
	return memory
}

// drain sends what is in out and what becomes due meanwhile, and waits for the socket. It has writing.
func (c *conn) drain() {
	c.server.Counters.WritesDrained.Add(1)
	for {
		var left int64
		for i := range c.pieces {
			left += c.pieces[i].size()
		}
		_ = c.wire.SetWriteDeadline(time.Now().Add(c.server.limits().stallLimit(left)))
		for len(c.pieces) > 0 {
			n, err := c.wire.send(c.pieces)
			if err != nil && !errors.Is(err, errWouldBlock) {
				c.writeFailed(n, err)
				return
			}
			if !c.drained(n) {
				return
			}
		}
		_ = c.wire.SetWriteDeadline(noDeadline)
		c.mu.Lock()
		if c.collect(); len(c.out) == 0 || c.broken {
			c.writing = false
			c.endIfDone()
			return
		}
		c.mu.Unlock()
	}
}

// drained keeps the books of a part that drain sent. It returns false if the connection broke meanwhile.
func (c *conn) drained(n int64) bool {
	memory := c.settle(n)
	var left []*request
	c.mu.Lock()
	c.held -= memory
	c.makeRoom()
	broken := c.broken
	if broken {
		left = c.takeOut()
	}
	c.mu.Unlock()
	for _, r := range left {
		r.release()
	}
	return !broken
}

func (c *conn) writeFailed(n int64, err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.server.Counters.ConnectionsFailed.Add(1)
		c.server.log.warn("connection closed: the peer takes its answers too slowly", "client", c.address.String())
	}
	c.sent(n, err)
}
