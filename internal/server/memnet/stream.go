package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// streamBytesMax is how much may be on its way in one direction.
const streamBytesMax = 256 << 10

// stream is one direction of a connection.
type stream struct {
	mu          sync.Mutex
	changed     sync.Cond
	buffer      []byte
	wroteAll    bool // nothing more will be written
	wroteReset  bool // and the other end is to fail
	readsNoMore bool // nobody will read
	reset       bool
	frozen      bool
	readUntil   deadline
	writeUntil  deadline
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.reset:
			return 0, failed("read", syscall.ECONNRESET)
		case s.readsNoMore:
			return 0, net.ErrClosed
		case s.readUntil.passed:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(s.buffer) > 0 && !s.frozen:
			n := copy(b, s.buffer)
			if s.buffer = s.buffer[n:]; len(s.buffer) == 0 {
				s.buffer = nil
			}
			s.changed.Broadcast()
			return n, nil
		case s.wroteReset && !s.frozen:
			return 0, failed("read", syscall.ECONNRESET)
		case s.wroteAll && !s.frozen:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	written := 0
	for {
		switch {
		case s.reset:
			return written, failed("write", syscall.ECONNRESET)
		case s.wroteAll:
			return written, net.ErrClosed
		case s.readsNoMore:
			return written, failed("write", syscall.EPIPE)
		case s.writeUntil.passed:
			return written, os.ErrDeadlineExceeded
		}
		if n := min(len(b), streamBytesMax-len(s.buffer)); n > 0 {
			s.buffer = append(s.buffer, b[:n]...)
			b = b[n:]
			written += n
			s.changed.Broadcast()
		}
		if len(b) == 0 {
			return written, nil
		}
		s.changed.Wait()
	}
}

// failed is an error as the system's sockets give it: clients look into it to tell whether to try again.
func failed(op string, cause syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, cause)}
}

// change does f with the lock held and wakes everybody.
func (s *stream) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.changed.Broadcast()
}

func (s *stream) closeWrite() { s.change(func() { s.wroteAll = true }) }
func (s *stream) closeReset() {
	s.change(func() { s.wroteAll, s.wroteReset, s.buffer = true, true, nil })
}
func (s *stream) freeze(on bool) { s.change(func() { s.frozen = on }) }

func (s *stream) isFrozen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frozen
}

func (s *stream) closeRead() {
	s.change(func() { s.readsNoMore, s.buffer = true, nil })
}

func (s *stream) cut() {
	s.change(func() { s.reset, s.buffer = true, nil })
}

func (s *stream) setReadDeadline(t time.Time)  { s.change(func() { s.readUntil.set(s, t) }) }
func (s *stream) setWriteDeadline(t time.Time) { s.change(func() { s.writeUntil.set(s, t) }) }

// deadline is a point in time after which an operation fails.
type deadline struct {
	passed bool
	timer  *time.Timer
	sets   int // counts set, so that a timer that was replaced too late changes nothing
}

// set is called with the stream's lock held.
func (d *deadline) set(s *stream, t time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.sets++
	d.passed = false
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if d.passed = wait <= 0; d.passed {
		return
	}
	mine := d.sets
	d.timer = time.AfterFunc(wait, func() {
		s.change(func() {
			if d.sets == mine {
				d.passed = true
			}
		})
	})
}
