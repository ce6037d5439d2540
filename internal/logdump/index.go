package logdump

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/skein-io/skein/internal/record"
)

// Index files are entries of one size, big-endian, ascending. Kafka makes the file of the segment it appends to as
// large as it may become; what is not used yet is zero.
//
//	.index      | last offset less the segment's int32 | position int32 |
//	.timeindex  | largest timestamp so far int64, ms   | its offset less the segment's int32 |
//	.txnindex   | version int16 | producer id int64 | first offset int64 | last offset int64 | last stable offset int64 |
var entrySizes = map[kind]int64{offsetIndex: 8, timeIndex: 12, txnIndex: 34}

// entry is one of an .index or .timeindex.
type entry struct {
	offset    record.Offset
	position  int64 // .index
	timestamp int64 // .timeindex
}

// indexReader goes over the entries of an index file.
type indexReader struct {
	file   *sized
	kind   kind
	base   record.Offset
	number int64 // of the entry that next returns
	buffer []byte
	ready  []byte // read and not yet returned
}

func (x *indexReader) count() int64 { return x.file.size / entrySizes[x.kind] }

// raw returns the next entry's bytes, io.EOF after the last whole one.
func (x *indexReader) raw() ([]byte, error) {
	size := entrySizes[x.kind]
	if len(x.ready) == 0 {
		left := (x.count() - x.number) * size
		if left == 0 {
			return nil, io.EOF
		}
		if x.buffer == nil {
			x.buffer = make([]byte, 4096*size)
		}
		x.ready = x.buffer[:min(left, int64(len(x.buffer)))]
		if n, err := x.file.ReadAt(x.ready, x.number*size); n < len(x.ready) {
			return nil, fmt.Errorf("%s at %d: %w", x.file.name, x.number*size, err)
		}
	}
	b := x.ready[:size]
	x.ready = x.ready[size:]
	x.number++
	return b, nil
}

// next returns the next entry of an .index or .timeindex; io.EOF at the end, or where the unused zeros begin.
func (x *indexReader) next() (entry, error) {
	b, err := x.raw()
	if err != nil {
		return entry{}, err
	}
	if x.number > 1 && allZero(b) {
		return entry{}, io.EOF
	}
	if x.kind == offsetIndex {
		return entry{offset: x.base + relative(b), position: int64(int32(binary.BigEndian.Uint32(b[4:])))}, nil
	}
	return entry{offset: x.base + relative(b[8:]), timestamp: int64(binary.BigEndian.Uint64(b))}, nil
}

func relative(b []byte) record.Offset { return record.Offset(int32(binary.BigEndian.Uint32(b))) }

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// index prints the entries of an index file.
func (d *dumper) index(name string, k kind, base record.Offset) error {
	file, err := d.source.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	x := &indexReader{file: file, kind: k, base: base}
	for {
		r, err := x.row()
		if err == io.EOF {
			d.meter.add(file.size)
			break
		}
		if err != nil {
			return err
		}
		if err := d.out.print(r); err != nil {
			return err
		}
	}
	if odd := file.size % entrySizes[k]; odd != 0 {
		return fmt.Errorf("%s has %d bytes more than whole entries of %d", file.name, odd, entrySizes[k])
	}
	return nil
}

func (x *indexReader) row() (row, error) {
	r := row{kind: "entry"}
	if x.kind == txnIndex {
		b, err := x.raw()
		if err != nil {
			return r, err
		}
		r.add("version", int16(binary.BigEndian.Uint16(b)))
		for i, name := range []string{"producerId", "firstOffset", "lastOffset", "lastStableOffset"} {
			r.add(name, int64(binary.BigEndian.Uint64(b[2+8*i:])))
		}
		return r, nil
	}
	e, err := x.next()
	if err != nil {
		return r, err
	}
	if x.kind == timeIndex {
		r.add("timestamp", e.timestamp)
	}
	r.add("offset", int64(e.offset))
	if x.kind == offsetIndex {
		r.add("position", e.position)
	}
	return r, nil
}
