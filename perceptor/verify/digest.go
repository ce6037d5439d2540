package verify

import (
	"hash/maphash"

	"github.com/skein-io/skein/perceptor/sink"
)

// digest is 128 bits of a row as a sink has it. Digests of one run can be compared and added; the numbers that they are
// made with are drawn anew for each run, so no two rows can be made to look the same on purpose.
type digest [2]uint64

// digester makes digests. It is used by one goroutine.
type digester struct {
	seeds [2]maphash.Seed
	buf   []byte
}

func newDigester() *digester {
	return &digester{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

// row digests a row: its key and its columns. A row whose version is none differs from every row of a source.
func (d *digester) row(r *sink.Stored) digest {
	b := appendSized(d.buf[:0], r.Key)
	for i := range r.Columns {
		if r.Columns[i].Null {
			b = append(b, 0xff)
			continue
		}
		b = appendSized(b, r.Columns[i].Value)
	}
	if r.Invalid != nil || r.Leftover {
		b = append(b, 0xfe)
	}
	d.buf = b
	return digest{maphash.Bytes(d.seeds[0], b), maphash.Bytes(d.seeds[1], b)}
}

// bucket is which of so many a key is in; a power of two.
func (d *digester) bucket(key []byte, buckets int) int {
	return int(maphash.Bytes(d.seeds[0], key) & uint64(buckets-1))
}

// appendSized appends bytes with their length in front, of which the first byte is never 0xff or 0xfe.
func appendSized(dst, b []byte) []byte {
	n := uint64(len(b))
	for shift := 40; shift >= 0; shift -= 8 {
		dst = append(dst, byte(n>>shift))
	}
	return append(dst, b...)
}

// sum adds up digests, in whatever order they come.
type sum struct {
	rows  uint64
	total digest
}

func (s *sum) add(d digest) {
	s.rows++
	low := s.total[0] + d[0]
	if low < d[0] {
		s.total[1]++
	}
	s.total[0] = low
	s.total[1] += d[1]
}
