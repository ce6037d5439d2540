package record

import (
	"fmt"

	"github.com/skein-io/skein/internal/protocol"
)

// DefaultLevel is the codec's default level of compression.
const DefaultLevel = 0

// Compress appends src to dst, compressed as Kafka's Java client would write it. The level is that of
// compression.gzip.level, compression.lz4.level or compression.zstd.level, or DefaultLevel; one that CheckLevel refuses
// counts as the nearest allowed. Safe for concurrent use: encoders are pooled.
func Compress(dst, src []byte, codec Codec, level int) ([]byte, error) {
	switch codec {
	case None:
		return append(dst, src...), nil
	case Gzip:
		return compressGzip(dst, src, level)
	case Snappy:
		return compressSnappy(dst, src), nil
	case Lz4:
		return compressLz4(dst, src, level)
	case Zstd:
		return compressZstd(dst, src, level)
	}
	return dst, protocol.Fail(protocol.UnsupportedCompressionType, "compression codec %v", codec)
}

// decompress returns src decompressed, in dst's memory if it fits there, else in new memory; dst's content is lost.
// More than bytesMax bytes are errTooLarge; at most twice bytesMax are allocated to find out.
func decompress(dst, src []byte, codec Codec, bytesMax int) ([]byte, error) {
	switch codec {
	case Gzip:
		return decompressGzip(dst, src, bytesMax)
	case Snappy:
		return decompressSnappy(dst, src, bytesMax)
	case Lz4:
		return decompressLz4(dst, src, bytesMax)
	case Zstd:
		return decompressZstd(dst, src, bytesMax)
	}
	return dst, fmt.Errorf("not a codec")
}

// CheckLevel tells whether a level may stand in Kafka's configuration for the codec. Codecs without levels take
// DefaultLevel only.
func CheckLevel(codec Codec, level int) error {
	low, high := 0, 0
	switch codec {
	case Gzip:
		if level == -1 { // Java's name for its default
			return nil
		}
		low, high = 1, 9
	case Lz4:
		low, high = 1, 17
	case Zstd:
		low, high = -131072, 22
	}
	if level == DefaultLevel || low <= level && level <= high {
		return nil
	}
	return fmt.Errorf("compression level %d for %v: possible are %d to %d", level, codec, low, high)
}
