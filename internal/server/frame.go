package server

import (
	"encoding/binary"
	"io"
	"time"
)

// frames cuts a connection's bytes into frames. Only the reading side uses it.
type frames struct {
	wire     wire
	chunk    *chunk // read ahead, nil where nothing is
	from, to int    // what of chunk is not used yet
}

// buffered says whether the next frame is wholly read ahead.
func (f *frames) buffered() bool {
	if f.to-f.from < 4 {
		return false
	}
	length := int64(int32(binary.BigEndian.Uint32(f.chunk[f.from:])))
	return length <= int64(f.to-f.from-4)
}

// prefix reads the first four bytes of the next frame; began is called when the first of them is there and the others
// are not.
func (f *frames) prefix(began func()) (prefix [4]byte, err error) {
	if f.to == f.from {
		if err = f.fill(); err != nil {
			return prefix, err
		}
	}
	if f.to-f.from < len(prefix) {
		began()
	}
	for n := 0; n < len(prefix); {
		if f.to == f.from {
			if err = f.fill(); err != nil {
				return prefix, unexpected(err)
			}
		}
		n += f.take(prefix[n:])
	}
	return prefix, nil
}

// fill reads ahead into an empty chunk.
func (f *frames) fill() error {
	f.drop()
	c, n, err := f.wire.await()
	if err != nil {
		return err
	}
	f.chunk, f.from, f.to = c, 0, n
	return nil
}

// take moves bytes that are read ahead to b, and gives an empty chunk back.
func (f *frames) take(b []byte) int {
	if f.chunk == nil {
		return 0
	}
	n := copy(b, f.chunk[f.from:f.to])
	if f.from += n; f.from == f.to {
		f.drop()
	}
	return n
}

// drop gives the chunk back.
func (f *frames) drop() {
	if f.chunk != nil {
		returnChunk(f.chunk)
	}
	f.chunk, f.from, f.to = nil, 0, 0
}

// body fills b, which is the rest of a frame: what was read ahead is copied, the rest comes from the socket to its
// place.
func (f *frames) body(b []byte) error {
	n := f.take(b)
	if n == len(b) {
		return nil
	}
	_, err := io.ReadFull(f.wire, b[n:])
	return unexpected(err)
}

// unexpected is the end of the connection in the middle of a frame.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// missing is how many of n bytes are not read ahead.
func (f *frames) missing(n int) int { return max(0, n-(f.to-f.from)) }

// noDeadline clears a deadline.
var noDeadline time.Time
