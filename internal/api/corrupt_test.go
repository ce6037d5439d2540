package api_test

// Record batches that are damaged or lie. Whatever is answered, the log afterwards holds whole batches with the records
// that were acknowledged, and nothing else.

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skein-io/skein/internal/protocol"
	"github.com/skein-io/skein/internal/record"
)

// seal gives a batch a right CRC and length again.
func seal(b []byte) []byte {
	if len(b) >= 21 {
		binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
		binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	}
	return b
}

// victim sends batches to one partition and counts the records that were acknowledged.
type victim struct {
	*wire
	topic        string
	acknowledged int64
}

// try sends a batch that may be anything.
func (v *victim) try(b []byte) protocol.Code {
	v.t.Helper()
	answer := produce(v.wire, v.topic, b)
	if answer.ErrorCode != 0 {
		if answer.BaseOffset != -1 {
			v.t.Errorf("a refused batch has the base offset %d", answer.BaseOffset)
		}
		return protocol.Code(answer.ErrorCode)
	}
	if answer.BaseOffset != v.acknowledged {
		v.t.Fatalf("the batch has the base offset %d after %d records", answer.BaseOffset, v.acknowledged)
	}
	v.acknowledged += int64(record.Batch(b).Count())
	return protocol.None
}

// holds reads all that the log has.
func (v *victim) holds() {
	v.t.Helper()
	var next int64
	for next < v.acknowledged {
		answer := ask[*kmsg.FetchResponse](v.wire, fetchRequest(v.topic, next, 0), 11).Topics[0].Partitions[0]
		if answer.ErrorCode != 0 || answer.HighWatermark != v.acknowledged || len(answer.RecordBatches) == 0 {
			v.t.Fatalf("Fetch from %d: error %d, high watermark %d of %d, %d bytes", next, answer.ErrorCode,
				answer.HighWatermark, v.acknowledged, len(answer.RecordBatches))
		}
		for rest := answer.RecordBatches; len(rest) > 0; {
			b, after, err := record.Split(rest)
			if err == nil {
				err = b.Check()
			}
			if err != nil {
				v.t.Fatalf("the batch at %d: %v", next, err)
			}
			next = v.walk(b, next)
			rest = after
		}
	}
}

// walk reads the records of a batch, the first of which must have the offset next.
func (v *victim) walk(b record.Batch, next int64) int64 {
	v.t.Helper()
	records := b.Records(record.Limits{})
	defer records.Close()
	for records.Next() {
		if got := int64(records.Record().Offset); got != next {
			v.t.Fatalf("a record has the offset %d, want %d", got, next)
		}
		next++
	}
	if err := records.Err(); err != nil {
		v.t.Fatalf("the records of the batch before %d: %v", next, err)
	}
	return next
}

func victims(t *testing.T) []*victim {
	t.Helper()
	_, w := start(t)
	create(w, "plain", 1)
	create(w, "compact", 1, "cleanup.policy", "compact")
	create(w, "gzip", 1, "compression.type", "gzip")
	create(w, "append", 1, "message.timestamp.type", "LogAppendTime")
	var all []*victim
	for _, topic := range []string{"plain", "compact", "gzip", "append"} {
		all = append(all, &victim{wire: w, topic: topic})
	}
	return all
}

func honest(t *testing.T) []byte {
	t.Helper()
	return batch(t, time.Now().UnixMilli(), row{"k", "value"}, row{"l", "other"}, row{"m", "third"})
}

func TestBatchesWithOneBitFlipped(t *testing.T) {
	for _, v := range victims(t) {
		for i := range len(honest(t)) * 8 {
			b := honest(t)
			b[i/8] ^= 1 << (i % 8)
			v.try(b)
		}
		v.holds()
		if v.acknowledged > 8*4*3 { // the leader epoch is the broker's to set, and its bytes are in no checksum
			t.Errorf("%s: %d records of damaged batches were taken", v.topic, v.acknowledged)
		}
	}
}

func TestBatchesThatAreCut(t *testing.T) {
	for _, v := range victims(t) {
		for i := range len(honest(t)) {
			if code := v.try(honest(t)[:i]); code == protocol.None {
				t.Errorf("%s: the first %d bytes of a batch were taken", v.topic, i)
			}
			if code := v.try(seal(honest(t)[:i])); code == protocol.None {
				t.Errorf("%s: the first %d bytes of a batch, made to fit, were taken", v.topic, i)
			}
			if code := v.try(append(honest(t), make([]byte, i+1)...)); code == protocol.None {
				t.Errorf("%s: a batch with %d bytes behind it was taken", v.topic, i+1)
			}
		}
		if code := v.try(append(honest(t), honest(t)...)); code != protocol.InvalidRecord {
			t.Errorf("%s: two batches in one: %v", v.topic, code)
		}
		v.holds()
	}
}

// lies sets each field of the header to what it must not be, under a right checksum.
func lies(t *testing.T) map[string][][]byte {
	t.Helper()
	put := func(at, size int, values ...int64) (batches [][]byte) {
		for _, value := range values {
			b := honest(t)
			for i := range size {
				b[at+size-1-i] = byte(value >> (8 * i))
			}
			batches = append(batches, seal(b))
		}
		return batches
	}
	return map[string][][]byte{
		"magic":               put(16, 1, 0, 1, 3, 127, -1),
		"base offset":         put(0, 8, 1, -1, math.MaxInt64, math.MaxInt64-1, math.MinInt64),
		"codec":               put(21, 2, 1, 2, 3, 4, 5, 6, 7),
		"control":             put(21, 2, 0x20, 0x30),
		"log append time":     put(21, 2, 0x08),
		"transactional":       put(21, 2, 0x10),
		"last offset delta":   put(23, 4, 0, 1, 3, -1, math.MaxInt32, math.MinInt32),
		"count":               put(57, 4, 0, 1, 2, 4, -1, math.MaxInt32, math.MinInt32),
		"producer id":         put(43, 8, 5, -2, math.MinInt64),
		"time of the future":  put(27, 8, time.Now().UnixMilli()+48*3600_000, math.MaxInt64),
		"sizes of the record": put(61, 1, 0, 1, 2, 126, -1, -128),
	}
}

func TestBatchesThatLie(t *testing.T) {
	all := lies(t)
	for _, v := range victims(t) {
		for what, batches := range all {
			for i, b := range batches {
				code := v.try(append([]byte{}, b...))
				if code == protocol.None && (v.topic != "append" || what != "time of the future") {
					t.Errorf("%s: %s, lie %d was taken", v.topic, what, i)
				}
				if code == protocol.UnknownServerError {
					t.Errorf("%s: %s, lie %d is an unknown error", v.topic, what, i)
				}
			}
		}
		v.holds()
	}
}

// TestBatchesOfNoise mutates what is behind the header, under a right checksum.
func TestBatchesOfNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, v := range victims(t) {
		for range 2000 {
			b := honest(t)
			for range 1 + random.IntN(4) {
				b[61+random.IntN(len(b)-61)] = byte(random.Uint32())
			}
			if random.IntN(4) == 0 {
				b[22] = byte(random.IntN(8)) // some codec
			}
			if code := v.try(seal(b)); code == protocol.UnknownServerError {
				t.Errorf("%s: an unknown error", v.topic)
			}
		}
		v.holds()
	}
}
