package record

import "github.com/skein-io/skein/internal/protocol"

// Compress appends src to dst, compressed.
func Compress(dst, src []byte, codec Codec, level int) ([]byte, error) {
	switch codec {
	case None:
		return append(dst, src...), nil
	}
	return dst, protocol.Fail(protocol.UnsupportedCompressionType, "compression codec %v", codec)
}
