package kgoside

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/skein-io/skein/test/interop/line"
	"github.com/twmb/franz-go/pkg/kgo"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// Produce is the command produce.
func Produce(s *line.Session, r line.Request) (any, error) {
	options := []kgo.Opt{
		kgo.ProducerBatchCompression(codecs[r.Codec]), kgo.DefaultProduceTopic(r.Topic),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(5 * time.Millisecond),
	}
	if !r.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	cl, err := Client(options...)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var failed atomic.Pointer[error]
	pace := line.NewPace(r.Rate)
	for i := r.Start; i < r.Start+r.Count && !s.Stopped(); i++ {
		pace.Wait()
		cl.Produce(context.Background(), record(r, i), func(rec *kgo.Record, err error) {
			if err != nil {
				err = fmt.Errorf("record %d: %w", i, err)
				failed.CompareAndSwap(nil, &err)
				return
			}
			s.Emit(line.Event{E: line.Ack, I: i, P: rec.Partition, O: rec.Offset})
		})
	}
	if err := cl.Flush(context.Background()); err != nil {
		return nil, err
	}
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	return nil, nil
}

func record(r line.Request, i int) *kgo.Record {
	rec := &kgo.Record{Key: []byte(line.Key(r.Tag, i, r.Keys)), Value: []byte(line.Value(r.Tag, i, r.Size))}
	for _, h := range line.Headers(r.Tag, i) {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
	}
	return rec
}
