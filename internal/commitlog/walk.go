package commitlog

import (
	"sync"

	"github.com/skein-io/skein/internal/disk"
	"github.com/skein-io/skein/internal/record"
)

// Buffers of a header walk. One read of walkBytesMin covers the batches between two index entries when they are small;
// a large batch costs one read for its header alone. A walk over a whole segment of small batches takes walkBytesMax at
// a time.
const (
	walkBytesMin = 8 << 10
	walkBytesMax = 256 << 10
)

var walkBuffers = sync.Pool{New: func() any { b := make([]byte, walkBytesMax); return &b }}

// walker steps over the batches of a file by their headers.
type walker struct {
	file     disk.File
	position int64 // of the next batch
	end      int64 // bytes of the file that belong to the log
	want     int   // bytes that the next read asks for

	buffer *[]byte
	have   []byte // bytes at position
}

// walk begins at a position that is the beginning of a batch, or the end.
func walk(file disk.File, position, end int64) *walker {
	return &walker{file: file, position: position, end: end, want: walkBytesMin, buffer: walkBuffers.Get().(*[]byte)}
}

// close gives the buffer back; what next returned must not be used any more.
func (w *walker) close() {
	if w.buffer != nil {
		if len(*w.buffer) == walkBytesMax {
			walkBuffers.Put(w.buffer)
		}
		w.buffer, w.have = nil, nil
	}
}

// next returns the header of the batch at hand and the position where it stands, and goes on. The Batch has HeaderSize
// bytes only: no more than the accessors of the header may be called. ok is false at the end. An error is a
// flaw of the bytes (flawError) or of the disk. What next and nextWhole return is valid until the next call.
func (w *walker) next() (header record.Batch, position int64, ok bool, err error) {
	size, err := w.peek()
	if err != nil || size == 0 {
		return nil, w.position, false, err
	}
	header = record.Batch(w.have[:record.HeaderSize:record.HeaderSize])
	position = w.position
	w.skip(size)
	return header, position, true, nil
}

// nextWhole is next with all bytes of the batch, which pass for nothing yet: the caller checks them.
func (w *walker) nextWhole() (batch record.Batch, position int64, ok bool, err error) {
	size, err := w.peek()
	if err != nil || size == 0 {
		return nil, w.position, false, err
	}
	if err := w.fill(size); err != nil {
		return nil, w.position, false, err
	}
	batch = record.Batch(w.have[:size:size])
	position = w.position
	w.skip(size)
	return batch, position, true, nil
}

// peek returns the size of the batch at hand, 0 at the end.
func (w *walker) peek() (int, error) {
	if w.position >= w.end {
		return 0, nil
	}
	if w.end-w.position < record.HeaderSize {
		return 0, flawError("fewer bytes than a batch header are left")
	}
	if err := w.fill(record.HeaderSize); err != nil {
		return 0, err
	}
	header := record.Batch(w.have)
	size, err := record.PeekLength(header)
	switch {
	case err != nil:
		return 0, flawError(err.Error())
	case header.Magic() != record.Magic:
		return 0, flawError("the magic is not 2")
	case int64(size) > w.end-w.position:
		return 0, flawError("the batch goes on behind the end of the file")
	}
	return size, nil
}

// fill makes sure that n bytes from position on are at hand. A batch larger than the buffer gets one of its own.
func (w *walker) fill(n int) error {
	if len(w.have) >= n {
		return nil
	}
	want := min(int64(max(w.want, n)), w.end-w.position)
	if want > int64(len(*w.buffer)) {
		b := make([]byte, want)
		w.buffer = &b
	}
	b := (*w.buffer)[:want]
	if err := readFull(w.file, b, w.position); err != nil {
		return err
	}
	w.have = b
	return nil
}

// skip goes size bytes on. Where the bytes read turn out to be of use, the next read asks for more.
func (w *walker) skip(size int) {
	w.position += int64(size)
	switch {
	case size > len(w.have): // a header alone was read
		w.have, w.want = nil, walkBytesMin
		if size > walkBytesMin {
			w.want = record.HeaderSize
		}
	case len(w.have)-size < record.HeaderSize:
		w.have, w.want = nil, min(max(w.want*2, walkBytesMin), walkBytesMax)
	default:
		w.have = w.have[size:]
	}
}

// flawError says that bytes are no batch: a torn tail or damage, whatever the place makes of it.
type flawError string

func (e flawError) Error() string { return string(e) }
