package record

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// gzipRatioMax is how much deflate can expand at most: 258 bytes for 2 bits.
const gzipRatioMax = 1032

var (
	gzipReaders sync.Pool
	gzipWriters [10]sync.Pool // by level
)

func compressGzip(dst, src []byte, level int) ([]byte, error) {
	if level == DefaultLevel || level == -1 {
		level = 6
	}
	level = min(max(level, 1), 9)
	out := appender{dst}
	w, _ := gzipWriters[level].Get().(*gzip.Writer)
	if w == nil {
		w, _ = gzip.NewWriterLevel(&out, level)
	} else {
		w.Reset(&out)
	}
	_, err := w.Write(src)
	if err == nil {
		err = w.Close()
	}
	w.Reset(nil)
	gzipWriters[level].Put(w)
	return out.b, err
}

func decompressGzip(dst, src []byte, bytesMax int) ([]byte, error) {
	in := bytes.NewReader(src)
	r, _ := gzipReaders.Get().(*gzip.Reader)
	if r == nil {
		r = new(gzip.Reader)
	}
	defer gzipReaders.Put(r)
	if err := r.Reset(in); err != nil {
		return dst, err
	}
	out, err := readAll(dst, r, gzipHint(src), bytesMax)
	in.Reset(nil)
	return out, err
}

// gzipHint is the size that the trailer states, as far as it is possible. The trailer may lie.
func gzipHint(src []byte) int {
	if len(src) < 4 {
		return 0
	}
	stated := int(binary.LittleEndian.Uint32(src[len(src)-4:]))
	return min(stated, len(src)*gzipRatioMax)
}

// appender is a byte slice that can be written to.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}
