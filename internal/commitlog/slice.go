package commitlog

import (
	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/protocol"
)

// Range is a part of an open file.
type Range struct {
	File     disk.File
	Position int64
	Length   int64
}

// Slice is whole batches of a log as they stand in its files. It keeps the files open, deleted or not, until Release.
// The zero Slice is empty. A copy of a Slice is the same Slice: one of them is released.
type Slice struct {
	part    Range
	files   *fileCache
	file    *cachedFile
	release bool
}

var _ protocol.Payload = Slice{}

// Len is the number of bytes.
func (s Slice) Len() int { return int(s.part.Length) }

// Ranges is where the bytes stand, in order. The files are open until Release and must not be closed.
func (s Slice) Ranges() []Range {
	if s.part.Length == 0 {
		return nil
	}
	return []Range{s.part}
}

// ReadAll reads the bytes into memory of their own.
func (s Slice) ReadAll() ([]byte, error) { return s.AppendTo(nil) }

// AppendTo reads the bytes to the end of b.
func (s Slice) AppendTo(b []byte) ([]byte, error) {
	if s.part.Length == 0 {
		return b, nil
	}
	n := len(b)
	if need := n + s.Len(); cap(b) < need {
		b = append(make([]byte, 0, need), b...)
	}
	b = b[:n+s.Len()]
	if err := readFull(s.part.File, b[n:], s.part.Position); err != nil {
		return b[:n], storageError("read "+s.part.File.Name(), err)
	}
	return b, nil
}

// Release lets the files be closed. It is called once for each Slice that Read returned.
func (s Slice) Release() {
	if s.release {
		s.files.release(s.file)
	}
}
