package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// conn is a connection to one server. Many calls may be under way on it; their answers come in any order.
type conn struct {
	addr     string
	net      net.Conn
	frameMax uint32

	sending sync.Mutex // held while a call is written, so that calls do not mix

	mu      sync.Mutex
	waiting map[uint32]chan<- answer
	lastID  uint32
	heard   time.Time // when the last answer came
	broken  error
}

type answer struct {
	message []byte
	err     error
}

// dialConn connects and introduces itself. HBase answers nothing to that; what it does not like it closes.
func dialConn(ctx context.Context, o *Options, addr, service string) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, o.CallTimeout)
	defer cancel()
	c, err := o.Dial(ctx, "tcp", addr)
	if err != nil {
		return nil, &connectionError{addr, err}
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetWriteDeadline(deadline)
	}
	if _, err := c.Write(appendPreamble(nil, o.User, service)); err != nil {
		_ = c.Close()
		return nil, &connectionError{addr, err}
	}
	k := &conn{addr: addr, net: c, frameMax: o.AnswerMax, waiting: map[uint32]chan<- answer{}, heard: time.Now()}
	go k.read()
	return k, nil
}

// call sends a request and waits for its answer, at most for timeout. The message is valid for as long as it is kept.
func (c *conn) call(ctx context.Context, method string, timeout time.Duration, message func([]byte) []byte) ([]byte, error) {
	asked := time.Now()
	result := make(chan answer, 1)
	c.mu.Lock()
	if c.broken != nil {
		c.mu.Unlock()
		return nil, c.broken
	}
	c.lastID++
	id := c.lastID
	c.waiting[id] = result
	c.mu.Unlock()
	defer c.forget(id)
	if err := c.send(id, method, timeout, message); err != nil {
		return nil, err
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case a := <-result:
		return a.message, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		err := &connectionError{c.addr, fmt.Errorf("no answer to %s within %v", method, timeout)}
		// A server that answers others is only slow with this one; one that says nothing has perhaps gone without a word.
		if c.silentSince(asked) {
			c.fail(err)
		}
		return nil, err
	}
}

func (c *conn) send(id uint32, method string, timeout time.Duration, message func([]byte) []byte) error {
	buffer := frames.Get().(*[]byte)
	frame := appendCall((*buffer)[:0], id, method, uint32(min(timeout.Milliseconds(), 1<<31)), message)
	defer func() {
		if cap(frame) <= keptFrame {
			*buffer = frame
			frames.Put(buffer)
		}
	}()
	c.sending.Lock()
	defer c.sending.Unlock()
	_ = c.net.SetWriteDeadline(time.Now().Add(timeout))
	if _, err := c.net.Write(frame); err != nil {
		err := &connectionError{c.addr, err}
		c.fail(err) // a part of the call may have been written: nothing can follow it
		return err
	}
	return nil
}

var frames = sync.Pool{New: func() any { return new([]byte) }}

const keptFrame = 4 << 20

func (c *conn) forget(id uint32) {
	c.mu.Lock()
	delete(c.waiting, id)
	c.mu.Unlock()
}

func (c *conn) silentSince(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard.Before(t)
}

// alive reports whether calls may be tried.
func (c *conn) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken == nil
}

// fail ends the connection; calls that wait are told.
func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.broken == nil {
		c.broken = err
	}
	for id, result := range c.waiting {
		delete(c.waiting, id)
		result <- answer{err: c.broken}
	}
	c.mu.Unlock()
	_ = c.net.Close()
}

func (c *conn) read() {
	in := bufio.NewReaderSize(c.net, 64<<10)
	for {
		frame, err := readFrame(in, c.frameMax)
		if err != nil {
			c.fail(&connectionError{c.addr, err})
			return
		}
		id, message, failed, err := readAnswer(frame)
		if err != nil {
			c.fail(&connectionError{c.addr, err})
			return
		}
		c.mu.Lock()
		result, waits := c.waiting[id]
		delete(c.waiting, id)
		c.heard = time.Now()
		c.mu.Unlock()
		if waits { // nobody waits for the answer of a call that was given up
			result <- answer{message, failed}
		}
	}
}

// readFrame reads size:4 and as many bytes. What a server says that it will send is not believed: memory grows with what
// has come.
func readFrame(in *bufio.Reader, frameMax uint32) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the server closed the connection")
		}
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > frameMax {
		return nil, fmt.Errorf("an answer of %d bytes; at most %d are taken", size, frameMax)
	}
	const believed = 1 << 20
	if size <= believed {
		frame := make([]byte, size)
		_, err := io.ReadFull(in, frame)
		return frame, err
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, in, int64(size)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
