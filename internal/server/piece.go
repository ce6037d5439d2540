package server

import (
	"fmt"
	"io"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

// piece is a run of bytes to send: from memory, or a range of a file.
type piece struct {
	bytes    []byte
	file     disk.File // nil for bytes
	position int64     // in file
	length   int64     // of the range in file
}

// size is the number of bytes to send.
func (p *piece) size() int64 {
	if p.file != nil {
		return p.length
	}
	return int64(len(p.bytes))
}

// advance takes n sent bytes off the front of the pieces and returns what is left.
func advance(pieces []piece, n int64) []piece {
	for n > 0 {
		p := &pieces[0]
		if size := p.size(); n >= size {
			n -= size
			*p = piece{}
			pieces = pieces[1:]
			continue
		}
		if p.file != nil {
			p.position += n
			p.length -= n
		} else {
			p.bytes = p.bytes[n:]
		}
		n = 0
	}
	for len(pieces) > 0 && pieces[0].size() == 0 {
		pieces = pieces[1:]
	}
	return pieces
}

// shortFile is the error of a range that the file does not hold. What was promised cannot be sent any more, so it
// ends the connection.
func shortFile(p *piece, err error) error {
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("sending %d bytes at %d of %s: %w", p.length, p.position, p.file.Name(), err)
}

// releaser is a Payload that is told when its bytes are sent, or will never be.
type releaser interface{ Release() }

// appendPieces adds the pieces of an encoded response to dst. The number of bytes that lie in files is returned.
func appendPieces(dst []piece, segments []protocol.Segment) (pieces []piece, fileBytes int64) {
	for _, s := range segments {
		if len(s.Bytes) > 0 {
			dst = append(dst, piece{bytes: s.Bytes})
		}
		if s.Payload != nil {
			before := len(dst)
			dst = appendPayload(dst, s.Payload)
			var n int64
			for i := before; i < len(dst); i++ {
				n += dst[i].size()
				if dst[i].file != nil {
					fileBytes += dst[i].length
				}
			}
			if n != int64(s.Payload.Len()) {
				panic(fmt.Sprintf("server: a payload of %d bytes has ranges of %d bytes", s.Payload.Len(), n))
			}
		}
	}
	return dst, fileBytes
}
