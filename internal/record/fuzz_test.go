package record

import (
	"bytes"
	"testing"
)

// seeds are batches to start from: one per codec, and the one written by hand.
func seeds(f *testing.F) []Batch {
	all := []Batch{goldenBytes(f)}
	for _, codec := range Codecs() {
		all = append(all, built(f, codec, 1, 2, 3, 400))
	}
	return all
}

// checkAllocated fails when f allocates more than hostile input may cause. It measures again before it fails: other
// goroutines of the test binary allocate too.
func checkAllocated(t *testing.T, bytesMax int, f func()) {
	t.Helper()
	var spent uint64
	for range 3 {
		if spent = allocated(f); spent <= uint64(bytesMax) {
			return
		}
	}
	t.Errorf("%d bytes allocated, %d allowed", spent, bytesMax)
}

// FuzzBatch takes any bytes for a stream of batches.
func FuzzBatch(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add([]byte(append(b, b...)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkAllocated(t, 8*len(data)+1<<20, func() {
			for rest := data; ; {
				first, after, err := Split(rest)
				if err != nil {
					return
				}
				if len(first)+len(after) != len(rest) || first.Length() != len(first) {
					t.Fatalf("%d bytes split into %d and %d", len(rest), len(first), len(after))
				}
				if first.Validate(Limits{}) == nil && first.Check() != nil {
					t.Fatal("Validate accepts what Check refuses")
				}
				rest = after
			}
		})
	})
}

// FuzzRecords takes any bytes for records that are not compressed, and any header in front of them.
func FuzzRecords(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add([]byte(b[HeaderSize:]), b.Count(), b.LastOffsetDelta(), b.BaseTimestamp())
	}
	f.Fuzz(func(t *testing.T, records []byte, count, lastOffsetDelta int32, baseTimestamp int64) {
		b := sealed(append(make([]byte, HeaderSize), records...), None, count)
		b.putInt32(atLastOffsetDelta, lastOffsetDelta)
		b.putInt64(atBaseTimestamp, baseTimestamp)
		b.sealCRC()
		if b.Check() != nil {
			return
		}
		checkAllocated(t, 8*len(records)+1<<20, func() {
			walk(t, b)
			_, _ = b.ValidateRecords(Limits{}, Checks{RequireKeys: true, Now: 5, BeforeMax: 3, AfterMax: 3})
		})
		rebuild(t, b)
	})
}

// walk reads everything that is in the records.
func walk(t *testing.T, b Batch) {
	r := b.Records(Limits{})
	defer r.Close()
	n, last := int32(0), b.BaseOffset()-1
	for ; r.Next(); n++ {
		headers := 0
		for key := range r.Record().Headers.All() {
			if key == nil {
				t.Fatal("a header without a key")
			}
			headers++
		}
		if headers != r.Record().Headers.Len() || r.Record().Offset <= last || r.Record().Offset > b.LastOffset() {
			t.Fatalf("%+v after offset %d", r.Record(), last)
		}
		last = r.Record().Offset
	}
	if r.Err() == nil && n != b.Count() {
		t.Fatalf("%d records of %d and no error", n, b.Count())
	}
}

// rebuild builds the batch again from what was read: reading and writing are each other's inverse, but for numbers
// that the client wrote in more bytes than they need.
func rebuild(t *testing.T, b Batch) {
	if _, err := b.ValidateRecords(Limits{}, anyTime); err != nil || b.Count() == 0 {
		return
	}
	builder := NewBuilder()
	builder.SetBaseOffset(b.BaseOffset())
	r := b.Records(Limits{})
	defer r.Close()
	for r.Next() {
		if err := builder.Append(r.Record()); err != nil {
			t.Fatal(err)
		}
	}
	again, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	one, two := b.Records(Limits{}), again.Records(Limits{})
	defer one.Close()
	defer two.Close()
	for one.Next() && two.Next() {
		x, y := one.Record(), two.Record()
		if x.Offset != y.Offset || x.Timestamp != y.Timestamp || !sameBytes(x.Key, y.Key) || !sameBytes(x.Value, y.Value) || !bytes.Equal(x.Headers.raw, y.Headers.raw) {
			t.Fatalf("%+v became %+v", x, y)
		}
	}
}

// fuzzDecompress takes any bytes for compressed records, within a small limit.
func fuzzDecompress(f *testing.F, codec Codec) {
	for name, plain := range samples() {
		if len(plain) > 1000 && name != "mixed" {
			continue
		}
		packed, err := Compress(nil, plain, codec, DefaultLevel)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	const limit = 1 << 20
	f.Fuzz(func(t *testing.T, packed []byte) {
		b := sealed(append(make([]byte, HeaderSize), packed...), codec, 1)
		checkAllocated(t, 2*limit+8*len(packed)+9<<20, func() { // readers that are made anew have up to 8 MiB of their own
			r := b.Records(Limits{DecompressedBytesMax: limit})
			if len(r.rest) > limit {
				t.Fatalf("%d bytes", len(r.rest))
			}
			r.Close()
		})
	})
}

func FuzzGzip(f *testing.F)   { fuzzDecompress(f, Gzip) }
func FuzzSnappy(f *testing.F) { fuzzDecompress(f, Snappy) }
func FuzzLz4(f *testing.F)    { fuzzDecompress(f, Lz4) }
func FuzzZstd(f *testing.F)   { fuzzDecompress(f, Zstd) }
