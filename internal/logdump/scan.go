package logdump

import (
	"errors"
	"fmt"
	"io"

	"github.com/skein-io/skein/internal/record"
)

// batchBytesMax is the largest batch that is read into memory.
const batchBytesMax = 256 << 20

// scanner goes over the batches of a file of which it trusts nothing.
type scanner struct {
	file     *sized
	position int64 // of the batch that next returns
	buffer   []byte
	meter    *meter
}

// errNoBatch says that no batch begins where one should; what follows cannot be made out any more.
var errNoBatch = errors.New("no record batch begins there")

// next returns the batch at position and goes behind it: io.EOF at the end of the file, errNoBatch inside another error
// where the length or magic cannot be, with record.ErrTruncated inside where the file ends within the batch. The batch
// is valid until the next call; its CRC and its claims have not been checked.
func (s *scanner) next() (record.Batch, int64, error) {
	at := s.position
	if at == s.file.size {
		return nil, at, io.EOF
	}
	header, err := s.read(at, record.HeaderSize)
	if err != nil {
		return nil, at, err
	}
	size, err := record.PeekLength(header)
	if err != nil {
		return nil, at, fmt.Errorf("%w: %w", errNoBatch, err)
	}
	if int64(size) > s.file.size-at {
		return nil, at, fmt.Errorf("%w: it states %d bytes and the file ends after %d: %w", errNoBatch, size, s.file.size-at, record.ErrTruncated)
	}
	if header[16] != record.Magic {
		return nil, at, fmt.Errorf("%w: magic %d", errNoBatch, header[16])
	}
	if size > batchBytesMax {
		return nil, at, fmt.Errorf("%w: it states %d bytes, more than the %d that are looked at", errNoBatch, size, batchBytesMax)
	}
	b, err := s.read(at, size)
	if err != nil {
		return nil, at, err
	}
	s.position += int64(size)
	s.meter.add(int64(size))
	return record.Batch(b), at, nil
}

// read returns n bytes at a position, fewer where the file ends.
func (s *scanner) read(at int64, n int) ([]byte, error) {
	n = int(min(int64(n), s.file.size-at))
	if cap(s.buffer) < n {
		s.buffer = append(make([]byte, 0, max(n, 2*cap(s.buffer), 64<<10)), s.buffer...)
	}
	b := s.buffer[:n]
	got, err := s.file.ReadAt(b, at)
	if got < n {
		return nil, fmt.Errorf("%s at %d: %w", s.file.name, at, err)
	}
	return b, nil
}

// zeros says whether the file holds nothing but zeros from position on.
func (s *scanner) zeros() (bool, error) {
	for at := s.position; at < s.file.size; {
		b, err := s.read(at, 64<<10)
		if err != nil {
			return false, err
		}
		for _, c := range b {
			if c != 0 {
				return false, nil
			}
		}
		at += int64(len(b))
	}
	return true, nil
}
