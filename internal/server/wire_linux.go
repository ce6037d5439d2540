package server

import (
	"io"
	"net"
	"os"
	"syscall"

	"github.com/skein-io/skein/internal/disk"
	"golang.org/x/sys/unix"
)

// tcpWire is a TCP connection on Linux: it reads when there is something to read, writes without waiting where it can,
// and sends files by sendfile(2) with explicit offsets, so that several connections can read one open file at once.
type tcpWire struct {
	*net.TCPConn
	raw syscall.RawConn

	// The functions for raw, made once, with what they take and give. The reading side owns the first three, the
	// writing side the others.
	readFunc  func(fd uintptr) bool
	readChunk *chunk
	readN     int
	readErr   error

	writeFunc func(fd uintptr) bool
	pieces    []piece
	iovecs    [][]byte
	sent      int64
	writeErr  error
	wait      bool // come back when the socket has room
}

func wireOf(conn net.Conn) wire {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return plainWire{conn}
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return plainWire{conn}
	}
	w := &tcpWire{TCPConn: tcp, raw: raw}
	w.readFunc, w.writeFunc = w.rawRead, w.rawWrite
	return w
}

func (w *tcpWire) await() (*chunk, int, error) {
	err := w.raw.Read(w.readFunc)
	c, n := w.readChunk, w.readN
	w.readChunk, w.readN = nil, 0
	if err == nil {
		err = w.readErr
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	if err != nil {
		if c != nil {
			returnChunk(c)
		}
		return nil, 0, err
	}
	return c, n, nil
}

func (w *tcpWire) rawRead(fd uintptr) (done bool) {
	c := borrowChunk()
	for {
		n, err := unix.Read(int(fd), c[:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			returnChunk(c)
			return false
		case err != nil:
			w.readChunk, w.readN, w.readErr = c, 0, os.NewSyscallError("read", err)
		default:
			w.readChunk, w.readN, w.readErr = c, n, nil
		}
		return true
	}
}

func (w *tcpWire) try(pieces []piece) (int64, error) { return w.write(pieces, false) }

func (w *tcpWire) send(pieces []piece) (int64, error) { return w.write(pieces, true) }

func (w *tcpWire) write(pieces []piece, wait bool) (int64, error) {
	w.pieces, w.sent, w.writeErr, w.wait = pieces, 0, nil, wait
	err := w.raw.Write(w.writeFunc)
	if err == nil {
		err = w.writeErr
	}
	w.pieces = nil
	clear(w.iovecs)
	return w.sent, err
}

// rawWrite sends as many pieces as the socket takes. It works on a copy of the first piece's place: who called keeps
// the books.
func (w *tcpWire) rawWrite(fd uintptr) (done bool) {
	for pieces := w.pieces; len(pieces) > 0; {
		var (
			n      int64
			whole  bool
			err    error
			served int
		)
		if pieces[0].file != nil {
			served = 1
			n, whole, err = sendfile(int(fd), &pieces[0])
		} else {
			served = w.gather(pieces)
			n, whole, err = sendBytes(int(fd), w.iovecs, served < len(pieces))
		}
		w.sent += n
		switch {
		case err == unix.EAGAIN && w.wait && w.sent == 0:
			return false
		case err == unix.EAGAIN:
			w.writeErr = errWouldBlock
			return true
		case err != nil:
			w.writeErr = err
			return true
		case !whole:
			w.writeErr = errWouldBlock
			return true
		}
		pieces = pieces[served:]
	}
	return true
}

// gatherMax bounds the pieces of one system call.
const gatherMax = 64

// gather puts the pieces of memory in front into iovecs and returns how many they are.
func (w *tcpWire) gather(pieces []piece) int {
	w.iovecs = w.iovecs[:0]
	for i := range pieces {
		if pieces[i].file != nil || i == gatherMax {
			break
		}
		w.iovecs = append(w.iovecs, pieces[i].bytes)
	}
	return len(w.iovecs)
}

// sendBytes writes memory. With more, the kernel waits for what follows before it sends a packet that is not full.
func sendBytes(fd int, buffers [][]byte, more bool) (n int64, whole bool, err error) {
	var total int64
	for _, b := range buffers {
		total += int64(len(b))
	}
	flags := unix.MSG_NOSIGNAL
	if more {
		flags |= unix.MSG_MORE
	}
	for {
		var sent int
		switch {
		case len(buffers) == 1 && !more:
			sent, err = unix.Write(fd, buffers[0])
		default:
			sent, err = unix.SendmsgBuffers(fd, buffers, nil, nil, flags)
		}
		if err == unix.EINTR {
			continue
		}
		if err != nil && err != unix.EAGAIN {
			return 0, false, os.NewSyscallError("sendmsg", err)
		}
		sent = max(sent, 0)
		return int64(sent), int64(sent) == total, err
	}
}

// sendfile sends a range of a file from its own position, whatever the file's position is.
func sendfile(fd int, p *piece) (n int64, whole bool, err error) {
	d, ok := p.file.(disk.Descriptor)
	if !ok {
		return copyFile(fd, p)
	}
	raw, err := d.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	var sendErr error
	err = raw.Control(func(file uintptr) {
		for n < p.length {
			offset := p.position + n
			sent, err := unix.Sendfile(fd, int(file), &offset, int(min(p.length-n, sendfileMax)))
			switch {
			case err == unix.EINTR:
				continue
			case err == unix.EAGAIN:
				sendErr = err
				return
			case err != nil:
				sendErr = os.NewSyscallError("sendfile", err)
				return
			case sent == 0:
				sendErr = shortFile(p, io.ErrUnexpectedEOF)
				return
			}
			n += int64(sent)
		}
	})
	if err == nil {
		err = sendErr
	}
	return n, n == p.length, err
}

// sendfileMax is what Linux takes in one call, less a page.
const sendfileMax = 1<<31 - 1<<16

// copyFile sends a range of a file that has no descriptor, such as one of the simulated disk.
func copyFile(fd int, p *piece) (n int64, whole bool, err error) {
	buffer := make([]byte, min(p.length, copyBytes))
	for n < p.length {
		b := buffer[:min(int64(len(buffer)), p.length-n)]
		read, err := p.file.ReadAt(b, p.position+n)
		if read < len(b) {
			return n, false, shortFile(p, err)
		}
		sent, whole, err := sendBytes(fd, [][]byte{b}, n+int64(len(b)) < p.length)
		n += sent
		if err != nil || !whole {
			return n, false, err
		}
	}
	return n, true, nil
}
