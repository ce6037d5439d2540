package metadata

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// FuzzDecodeRecords: whatever is decoded encodes again to something that decodes to the same, and nothing panics.
func FuzzDecodeRecords(f *testing.F) {
	s := &stream{random: rand.New(rand.NewPCG(1, 1)), image: NewImage("c")}
	for range 40 {
		records := s.next()
		f.Add(AppendRecords(nil, records...))
		s.image, _, _ = Apply(s.image, records)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := DecodeRecords(b)
		if err != nil {
			return
		}
		once := AppendRecords(nil, records...)
		again, err := DecodeRecords(once)
		if err != nil {
			t.Fatalf("decoding what was encoded: %v", err)
		}
		if !bytes.Equal(once, AppendRecords(nil, again...)) {
			t.Fatalf("%x encodes differently the second time", b)
		}
		_, _, _ = Apply(NewImage("c"), records)
	})
}
