package attack

import (
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/record"
)

// bomb is a batch of one record that becomes size bytes when decompressed, with a right CRC.
func bomb(t *testing.T, codec record.Codec, size int) []byte {
	t.Helper()
	b := record.NewBuilder()
	if err := b.Add(time.Now().UnixMilli(), []byte("k"), make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	plain, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	made, err := record.Batch(plain).Recompress(codec, record.DefaultLevel, record.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// atOnce does f on n connections at the same time.
func (b *broker) atOnce(n int, f func(w *wire)) {
	b.t.Helper()
	var all sync.WaitGroup
	for range n {
		w := b.dial()
		all.Go(func() { f(w) })
	}
	all.Wait()
}

var codecs = []record.Codec{record.Gzip, record.Snappy, record.Lz4, record.Zstd}

// decompressedMax is max.decompressed.batch.bytes of these tests, smaller than the default to be quick.
const decompressedMax = 16 << 20

// grownMax is what the process may take for them: two are decompressed at a time, two buffers wait in the pool for the next, and two
// the collector is about to take out of it, each a third larger than it has to be.
const grownMax = 4 * decompressors * decompressedMax

// TestBombs sends batches that are over the limit when decompressed, on twenty connections at once, to topics that need
// every record looked at or compressed anew. The memory is that of as many as are decompressed at a time.
func TestBombs(t *testing.T) {
	b := serve(t, "max.decompressed.batch.bytes=16777216")
	w := b.dial().hello()
	w.create("plain", 1)
	w.create("compact", 1, "cleanup.policy", "compact")
	w.create("gzip", 1, "compression.type", "gzip")
	w.create("none", 1, "compression.type", "uncompressed")
	bombs := map[record.Codec][]byte{}
	for _, codec := range codecs {
		bombs[codec] = bomb(t, codec, 20<<20)
	}
	grown := b.grew(func() {
		b.atOnce(20, func(w *wire) {
			w.hello()
			for range often(1) {
				for _, codec := range codecs {
					for _, topic := range []string{"plain", "compact", "gzip", "none"} {
						if code := w.produce(topic, 0, bombs[codec]); code != 10 {
							t.Errorf("%v to %s: error %d, want 10 (MESSAGE_TOO_LARGE)", codec, topic, code)
						}
					}
				}
			}
		})
	})
	if grown > grownMax {
		t.Errorf("%d MiB for bombs of %d MiB", grown>>20, decompressedMax>>20)
	}
	if code := w.produce("plain", 0, bomb(t, record.Zstd, 100)); code != 0 {
		t.Errorf("an honest batch: error %d", code)
	}
}

// TestLookupsOfLargeBatches stores a batch that is just allowed, and has a hundred connections look for a time in it at
// once.
func TestLookupsOfLargeBatches(t *testing.T) {
	b := serve(t, "max.decompressed.batch.bytes=16777216")
	w := b.dial().hello()
	w.create("t", 1)
	if code := w.produce("t", 0, bomb(t, record.Zstd, 15<<20)); code != 0 {
		t.Fatalf("Produce: error %d", code)
	}
	grown := b.grew(func() {
		b.atOnce(100, func(w *wire) {
			for range often(1) {
				for _, timestamp := range []int64{1, -3} {
					request := kmsg.NewPtrListOffsetsRequest()
					p := kmsg.NewListOffsetsRequestTopicPartition()
					p.Timestamp = timestamp
					request.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: "t", Partitions: []kmsg.ListOffsetsRequestTopicPartition{p}}}
					if got := ask[*kmsg.ListOffsetsResponse](w, request, 7).Topics[0].Partitions[0]; got.ErrorCode != 0 || got.Offset != 0 {
						t.Errorf("ListOffsets: error %d, offset %d", got.ErrorCode, got.Offset)
					}
				}
			}
		})
	})
	if grown > grownMax {
		t.Errorf("%d MiB to look into a batch of %d MiB", grown>>20, decompressedMax>>20)
	}
}
