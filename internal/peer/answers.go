package peer

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/skein-io/skein/internal/protocol"
)

// Bounds on the memory for answers.
const (
	readAheadBytes   = 16 << 10
	bufferBytesFirst = 64 << 10
	bufferBytesKept  = 1 << 20 // a larger buffer goes when smallAnswersMax answers in a row have not needed it
	smallAnswersMax  = 100
)

// answers cuts what a node sends into frames. One goroutine uses it.
//
//	length int32 | correlation id int32 | tags, if the version is flexible | body
//	             `------------------- length bytes ----------------------'
type answers struct {
	source   *bufio.Reader
	bytesMax int
	buffer   []byte // of the last frame; used again and again
	small    int    // answers in a row that would have fitted into bufferBytesKept
}

func newAnswers(source io.Reader, bytesMax int) answers {
	return answers{source: bufio.NewReaderSize(source, readAheadBytes), bytesMax: bytesMax}
}

// next returns the next frame, which is valid until the next call. It has at least the four bytes of a correlation id.
func (a *answers) next() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(a.source, length[:]); err != nil {
		return nil, err
	}
	n := int32(binary.BigEndian.Uint32(length[:]))
	if n < 4 || int(n) > a.bytesMax {
		return nil, fmt.Errorf("an answer of %d bytes was announced (first bytes %q); between 4 and %d are possible", uint32(n), length[:], a.bytesMax)
	}
	a.shrink(int(n))
	return a.fill(int(n))
}

// shrink lets go of a large buffer that is not needed any more.
func (a *answers) shrink(n int) {
	if n > bufferBytesKept {
		a.small = 0
	} else if a.small++; a.small >= smallAnswersMax && cap(a.buffer) > bufferBytesKept {
		a.buffer = nil
	}
}

// fill reads n bytes. Memory that is not there yet is asked for as the bytes come, four times as much as has come, so that
// a length costs nothing by itself: in all less than seven times what was read.
func (a *answers) fill(n int) ([]byte, error) {
	for got := 0; ; {
		if want := min(n, max(4*got, bufferBytesFirst)); cap(a.buffer) < want {
			larger := make([]byte, want)
			copy(larger, a.buffer[:got])
			a.buffer = larger
		}
		b := a.buffer[:min(n, cap(a.buffer))]
		if _, err := io.ReadFull(a.source, b[got:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if got = len(b); got == n {
			return b, nil
		}
	}
}

func idOf(frame []byte) int32 { return int32(binary.BigEndian.Uint32(frame)) }

// Bounds on what decoding may allocate: five times the frame and a spare, so that an answer costs at most eight times its
// bytes and 1 MiB together with the buffer, and once more its bytes if it is the caller's own; and never more than
// decodeBytesMax, however long the frame. What makes an answer long is records, which are not copied.
const (
	decodeBytesSpare = 768 << 10
	decodeBytesMax   = 64 << 20
)

// decode makes a response of a frame.
func decode(frame []byte, key protocol.Key, version int16) (protocol.Message, error) {
	budget := min(5*len(frame)+decodeBytesSpare, max(decodeBytesMax, len(frame)))
	r := protocol.NewReader(frame, protocol.Limits{AllocBytesMax: budget})
	var header protocol.ResponseHeader
	if err := header.Decode(r, protocol.ResponseHeaderVersion(key, version)); err != nil {
		return nil, unreadable(key, err)
	}
	response := protocol.NewResponse(key)
	if err := response.Decode(r, version); err != nil {
		return nil, unreadable(key, err)
	}
	if rest := len(r.Remaining()); rest > 0 {
		return nil, unreadable(key, fmt.Errorf("%d bytes are left over", rest))
	}
	return response, nil
}

func unreadable(key protocol.Key, err error) error {
	return fmt.Errorf("the answer to %s cannot be read: %w", key, err)
}
