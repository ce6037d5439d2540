package record

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchBatch is a batch of about 1 MiB with records whose values are noise of the given size.
func benchBatch(b *testing.B, size int, codec Codec) Batch {
	random := rand.New(rand.NewPCG(1, 1))
	value := make([]byte, size)
	builder := NewBuilder()
	builder.SetCodec(codec, DefaultLevel)
	for builder.Size() < 1<<20 {
		for i := range value {
			value[i] = byte(random.Uint32N(64))
		}
		if err := builder.Add(1700000000000+int64(builder.Count()/10), nil, value); err != nil {
			b.Fatal(err)
		}
	}
	batch, err := builder.Build()
	if err != nil {
		b.Fatal(err)
	}
	return batch
}

func BenchmarkCheckCRC(b *testing.B) {
	batch := benchBatch(b, 1024, None)
	b.SetBytes(int64(len(batch)))
	for b.Loop() {
		if err := batch.CheckCRC(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidateRecords(b *testing.B) {
	for _, size := range []int{100, 1024} {
		for _, codec := range Codecs() {
			b.Run(fmt.Sprintf("%d/%v", size, codec), func(b *testing.B) {
				batch := benchBatch(b, size, codec)
				checks := Checks{Now: 1700000000000, BeforeMax: Unlimited, AfterMax: 3600000}
				plain := 0
				for b.Loop() {
					seen, err := batch.ValidateRecords(Limits{}, checks)
					if err != nil {
						b.Fatal(err)
					}
					plain = seen.RecordBytes
				}
				b.SetBytes(int64(plain))
				b.ReportAllocs()
			})
		}
	}
}

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{100, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			batch := benchBatch(b, size, None)
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			for b.Loop() {
				r := batch.Records(Limits{})
				for r.Next() {
				}
				r.Close()
			}
		})
	}
}

func BenchmarkBuilder(b *testing.B) {
	value := make([]byte, 100)
	builder := NewBuilder()
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset()
		for range 10_000 {
			_ = builder.Add(1, nil, value)
		}
		dst, _ = builder.AppendTo(dst[:0])
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkCompress(b *testing.B) {
	for _, codec := range Codecs()[1:] {
		b.Run(codec.String(), func(b *testing.B) {
			plain := benchBatch(b, 1024, None)[HeaderSize:]
			var dst []byte
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = Compress(dst[:0], plain, codec, DefaultLevel); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
