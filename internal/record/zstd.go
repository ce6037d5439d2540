package record

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdWindowMax is the largest window that the zstd library reads without being told to, and so all of Kafka's clients.
const zstdWindowMax = 128 << 20

var (
	zstdDecoders sync.Pool                                // limited to the room they are given
	zstdEncoders [zstd.SpeedBestCompression + 1]sync.Pool // by the library's level
)

func compressZstd(dst, src []byte, level int) ([]byte, error) {
	speed := zstdSpeed(level)
	e, _ := zstdEncoders[speed].Get().(*zstd.Encoder)
	if e == nil {
		var err error
		e, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(speed), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true)) // the batch has a CRC
		if err != nil {
			return dst, err
		}
	}
	dst = e.EncodeAll(src, dst)
	zstdEncoders[speed].Put(e)
	return dst, nil
}

// zstdSpeed finds the library's level (of four) for one of zstd's.
func zstdSpeed(level int) zstd.EncoderLevel {
	if level == DefaultLevel {
		return zstd.SpeedDefault
	}
	return zstd.EncoderLevelFromZstd(level)
}

func decompressZstd(dst, src []byte, bytesMax int) ([]byte, error) {
	size, err := zstdSizeMax(src)
	if err != nil {
		return dst, err
	}
	if size.least > int64(bytesMax) {
		return dst, errTooLarge
	}
	if size.most > int64(bytesMax) {
		return decompressZstdTight(dst, src, bytesMax, size.window)
	}
	d, err := zstdDecoder()
	if err != nil {
		return dst, err
	}
	defer zstdDecoders.Put(d)
	return d.DecodeAll(src, grow(dst, max(int(size.most), 1)))
}

func zstdDecoder() (*zstd.Decoder, error) {
	if d, _ := zstdDecoders.Get().(*zstd.Decoder); d != nil {
		return d, nil
	}
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(zstdWindowMax))
}

// decompressZstdTight is for what may or may not become more than bytesMax: a bomb, or a frame of many small blocks.
// The room has a block more than is allowed, so that the library sees the limit before it has to move its output. The
// library refuses a limit below a frame's window: a larger window is lowered to the limit first, in a copy of what is
// compressed. So it takes at most 1.125 times the limit, and that copy.
func decompressZstdTight(dst, src []byte, bytesMax int, window int64) ([]byte, error) {
	limit := max(int64(bytesMax), zstd.MinWindowSize)
	if window > limit {
		var descriptor byte
		descriptor, limit = zstdWindowFor(limit)
		src = zstdNarrowed(src, descriptor)
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxMemory(uint64(limit)), zstd.WithDecoderMaxWindow(zstdWindowMax))
	if err != nil {
		return dst, err
	}
	defer d.Close()
	room := int(limit) + zstdBlockMax
	out, err := d.DecodeAll(src, grow(dst, room)[:0:room])
	if err == zstd.ErrDecoderSizeExceeded || len(out) > bytesMax {
		return out, errTooLarge
	}
	return out, err
}
