// Package arena is where rows and the bytes of their values are put, many in one allocation. It is pure.
package arena

import "github.com/skein-io/skein/perceptor/change"

// Arena gives out places for rows, bytes and changes. What was given out is never used
// again: it belongs to whoever has it, and a chunk is freed when nobody has any of it. It is not safe for concurrent use. The zero
// Arena is ready.
type Arena struct {
	values  []change.Value
	bytes   []byte
	changes []change.Change
}

// Sizes of chunks. One row that is kept keeps its chunks, so they are small.
const (
	chunkValues  = 256
	chunkBytes   = 16 << 10
	chunkChanges = 64
)

// Row makes a row of n values that are missing.
func (a *Arena) Row(n int) change.Row {
	if n > len(a.values) {
		if n > chunkValues/4 {
			return make(change.Row, n)
		}
		a.values = make([]change.Value, chunkValues)
	}
	row := a.values[:n:n]
	a.values = a.values[n:]
	return change.Row(row)
}

// Change makes a change.
func (a *Arena) Change() *change.Change {
	if len(a.changes) == 0 {
		a.changes = make([]change.Change, chunkChanges)
	}
	c := &a.changes[0]
	a.changes = a.changes[1:]
	return c
}

// Buffer returns an empty slice for n bytes, which may be appended to. Keep ends it.
func (a *Arena) Buffer(n int) []byte {
	if n > chunkBytes/4 {
		return make([]byte, 0, n)
	}
	if n > cap(a.bytes)-len(a.bytes) {
		a.bytes = make([]byte, 0, chunkBytes)
	}
	return a.bytes[len(a.bytes):]
}

// Keep returns what was appended to the last Buffer, clipped, so that the next one begins behind it.
func (a *Arena) Keep(b []byte) []byte {
	if free := a.bytes[len(a.bytes):cap(a.bytes)]; len(b) > 0 && len(free) >= len(b) && &b[0] == &free[0] {
		a.bytes = a.bytes[:len(a.bytes)+len(b)]
	}
	return b[:len(b):len(b)]
}

// Copy returns a copy of b.
func (a *Arena) Copy(b []byte) []byte {
	if len(b) > cap(a.bytes)-len(a.bytes) || len(b) > chunkBytes/4 {
		return a.Keep(append(a.Buffer(len(b)), b...))
	}
	from := len(a.bytes)
	a.bytes = append(a.bytes, b...)
	return a.bytes[from:len(a.bytes):len(a.bytes)]
}
