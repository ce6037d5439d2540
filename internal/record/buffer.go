package record

import (
	"errors"
	"io"

	"github.com/skein-io/skein/internal/protocol"
)

// bufferKeptMax is the largest buffer that a pool keeps, in bytes: that of the default limit. A large one is rare, and
// the garbage collector takes it out of the pool again; but where one after the other is needed, as hostile clients can
// make happen, a new one each time would be many times the limit before the collector has seen them.
const bufferKeptMax = DecompressedBytesMaxDefault + 1<<20

// buffer is room for decompressed records that is used again.
type buffer struct{ b []byte }

// decompress returns the batch's records, at most bytesMax bytes. Without compression they stay where they are,
// whatever their size; otherwise they are in buf until its next use.
func (buf *buffer) decompress(b Batch, bytesMax int) ([]byte, error) {
	if b.Codec() == None {
		return b.payload(), nil
	}
	out, err := decompress(buf.b[:0], b.payload(), b.Codec(), bytesMax)
	buf.b = out[:0]
	switch {
	case err == nil:
		return out, nil
	case errors.Is(err, errTooLarge):
		return nil, protocol.Fail(protocol.MessageTooLarge, "the records of the batch have more than %d bytes when decompressed (max.decompressed.batch.bytes)", bytesMax)
	}
	return nil, protocol.Fail(protocol.InvalidRecord, "the records of the batch cannot be decompressed: %v: %w", b.Codec(), err)
}

// shrink lets go of a buffer that one large batch has blown up.
func (buf *buffer) shrink() {
	if cap(buf.b) > bufferKeptMax {
		buf.b = nil
	}
}

// errTooLarge says that decompression would go beyond its limit.
var errTooLarge = errors.New("larger than the limit when decompressed")

// grow returns b, empty, with room for at least size bytes.
func grow(b []byte, size int) []byte {
	if cap(b) >= size {
		return b[:0]
	}
	return make([]byte, 0, size)
}

// readAll reads r to its end, into dst's memory if it fits there. hint is the size expected. It fails with errTooLarge
// when r has more than bytesMax. In all at most twice bytesMax is allocated.
func readAll(dst []byte, r io.Reader, hint, bytesMax int) ([]byte, error) {
	dst = grow(dst, min(max(hint, 512), bytesMax))
	var one [1]byte
	for {
		free := dst[len(dst):min(cap(dst), bytesMax)]
		if len(free) == 0 { // often all has been read: look before making more room
			free = one[:]
		}
		n, err := r.Read(free)
		if n > 0 && len(dst) == bytesMax {
			return dst, errTooLarge
		}
		if n > 0 && len(dst) == cap(dst) {
			dst = append(make([]byte, 0, moreRoom(cap(dst), bytesMax)), dst...)
			dst = append(dst, one[0])
		} else {
			dst = dst[:len(dst)+n]
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// moreRoom doubles the room, and from a quarter of bytesMax on takes all of it: the sizes before then add up to less
// than bytesMax.
func moreRoom(room, bytesMax int) int {
	if room >= bytesMax/4 {
		return bytesMax
	}
	return 2 * room
}
