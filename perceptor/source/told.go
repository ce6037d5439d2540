package source

import (
	"encoding/binary"

	"github.com/skein-io/skein/perceptor/change"
)

// told has the keys of rows that the stream told of tables whose snapshots are not done, so that a view's rows of the same keys,
// which are the same rows, need not be told. It is bounded: what it does not know is told twice.
type told struct {
	keys   map[string]map[string]struct{} // by table
	bytes  int
	buffer []byte
}

// toldBytesMax is about how much memory it takes.
const toldBytesMax = 16 << 20

// add notes that a change was told.
func (t *told) add(table string, c *change.Change) {
	if t.bytes >= toldBytesMax {
		return
	}
	t.buffer = appendKey(t.buffer[:0], c)
	of := t.keys[table]
	if _, has := of[string(t.buffer)]; has {
		return
	}
	if of == nil {
		of = map[string]struct{}{}
		if t.keys == nil {
			t.keys = map[string]map[string]struct{}{}
		}
		t.keys[table] = of
	}
	const overhead = 64
	of[string(t.buffer)] = struct{}{}
	t.bytes += len(t.buffer) + overhead
}

// has reports whether a row of the key of c was told.
func (t *told) has(table string, c *change.Change) bool {
	of := t.keys[table]
	if len(of) == 0 {
		return false
	}
	t.buffer = appendKey(t.buffer[:0], c)
	_, has := of[string(t.buffer)]
	return has
}

// forget is for a table whose snapshot is done.
func (t *told) forget(table string) {
	const overhead = 64
	for key := range t.keys[table] {
		t.bytes -= len(key) + overhead
	}
	delete(t.keys, table)
}

// appendKey appends the exact values of the key: for each its kind, its number, and its bytes with their length in front.
func appendKey(dst []byte, c *change.Change) []byte {
	row := c.Image()
	for _, k := range c.Table.Key {
		v := row[k]
		dst = append(dst, byte(v.Kind))
		dst = binary.AppendUvarint(dst, v.Uint())
		dst = binary.AppendUvarint(dst, uint64(len(v.Raw())))
		dst = append(dst, v.Raw()...)
	}
	return dst
}
