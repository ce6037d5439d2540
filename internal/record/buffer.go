package record

import "github.com/skein-io/skein/internal/protocol"

// bufferKeptMax is the largest buffer that a pool keeps, in bytes.
const bufferKeptMax = 1 << 20

// buffer is room for decompressed records that is used again.
type buffer struct{ b []byte }

// decompress returns the batch's records. Without compression they stay where they are.
func (buf *buffer) decompress(b Batch, bytesMax int) ([]byte, error) {
	switch b.Codec() {
	case None:
		return b.payload(), nil
	}
	return nil, protocol.Fail(protocol.UnsupportedCompressionType, "compression codec %v", b.Codec())
}

// shrink lets go of a buffer that one large batch has blown up.
func (buf *buffer) shrink() {
	if cap(buf.b) > bufferKeptMax {
		buf.b = nil
	}
}
