package record

import (
	"bytes"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// plan is a batch as random numbers have it: what both encoders are told to write.
type plan struct {
	codec         Codec
	producerID    int64
	producerEpoch int16
	sequence      int32
	transactional bool
	records       []Record
}

func randomBytes(random *rand.Rand, most int) []byte {
	switch random.IntN(8) {
	case 0:
		return nil
	case 1:
		return []byte{}
	}
	b := make([]byte, random.IntN(most))
	for i := range b {
		b[i] = "abcdefgh"[random.IntN(8)]
	}
	return b
}

func randomPlan(random *rand.Rand) plan {
	p := plan{codec: Codec(random.IntN(5)), producerID: NoProducerID, producerEpoch: -1, sequence: NoSequence}
	if random.IntN(2) == 0 {
		p.producerID, p.producerEpoch, p.sequence = random.Int64(), int16(random.IntN(math.MaxInt16)), random.Int32()
		p.transactional = random.IntN(2) == 0
	}
	most := []int{2, 70, 9_000}[random.IntN(3)]
	for i := range 1 + random.IntN(60) {
		r := Record{Offset: Offset(i), Timestamp: random.Int64() >> random.IntN(64), Key: randomBytes(random, most), Value: randomBytes(random, most)}
		var headers []Header
		for range random.IntN(3) * random.IntN(3) {
			headers = append(headers, Header{Key: string(randomBytes(random, 100)), Value: randomBytes(random, 200)})
		}
		r.Headers = MakeHeaders(headers...)
		p.records = append(p.records, r)
	}
	return p
}

func (p plan) build(t *testing.T) Batch {
	t.Helper()
	builder := NewBuilder()
	builder.SetCodec(p.codec, DefaultLevel)
	builder.SetProducer(p.producerID, p.producerEpoch, p.sequence)
	builder.SetTransactional(p.transactional)
	for i := range p.records {
		if err := builder.Append(&p.records[i]); err != nil {
			t.Fatal(err)
		}
	}
	b, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kmsg encodes the plan with franz-go's code alone.
func (p plan) kmsg(t *testing.T) []byte {
	t.Helper()
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: int16(p.codec), LastOffsetDelta: int32(len(p.records) - 1),
		FirstTimestamp: p.records[0].Timestamp, MaxTimestamp: math.MinInt64, NumRecords: int32(len(p.records)),
		ProducerID: p.producerID, ProducerEpoch: p.producerEpoch, FirstSequence: p.sequence,
	}
	if p.transactional {
		batch.Attributes |= 0x10
	}
	var records []byte
	for i, r := range p.records {
		batch.MaxTimestamp = max(batch.MaxTimestamp, r.Timestamp)
		record := kmsg.Record{TimestampDelta64: r.Timestamp - batch.FirstTimestamp, OffsetDelta: int32(i), Key: r.Key, Value: r.Value}
		for _, h := range r.Headers.Decode() {
			record.Headers = append(record.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
		}
		record.Length = int32(len(record.AppendTo(nil)) - 1)
		records = record.AppendTo(records)
	}
	if p.codec != None {
		compressor, err := kgo.DefaultCompressor(franzCodec(p.codec))
		if err != nil {
			t.Fatal(err)
		}
		packed, _ := compressor.Compress(new(bytes.Buffer), records)
		records = append([]byte(nil), packed...)
	}
	batch.Records = records
	batch.Length = int32(lengthMin + len(records))
	encoded := batch.AppendTo(nil)
	batch.CRC = int32(crc32.Checksum(encoded[atAttributes:], crc32.MakeTable(crc32.Castagnoli)))
	return batch.AppendTo(nil)
}

func (p plan) compare(t *testing.T, b Batch) {
	t.Helper()
	r := b.Records(Limits{})
	defer r.Close()
	n := 0
	for ; r.Next(); n++ {
		got, want := r.Record(), p.records[n]
		same := got.Offset == want.Offset && got.Timestamp == want.Timestamp && sameBytes(got.Key, want.Key) &&
			sameBytes(got.Value, want.Value) && got.Headers.Len() == want.Headers.Len() && bytes.Equal(got.Headers.raw, want.Headers.raw)
		if !same {
			t.Fatalf("record %d of a batch in %v: %+v, want %+v", n, p.codec, got, want)
		}
	}
	if r.Err() != nil || n != len(p.records) {
		t.Fatalf("%d of %d records in %v: %v", n, len(p.records), p.codec, r.Err())
	}
}

// sameBytes tells null from empty.
func sameBytes(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

// seedCount is how many seeds a test tries: SEEDS says it, for longer runs.
func seedCount(t *testing.T, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv("SEEDS")
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SEEDS=%s: %v", text, err)
	}
	return n
}

func TestBatchesAgreeWithKmsg(t *testing.T) {
	for seed := range seedCount(t, 100) {
		p := randomPlan(rand.New(rand.NewPCG(seed, 0)))
		ours, theirs := p.build(t), p.kmsg(t)
		if p.codec == None && !bytes.Equal(ours, theirs) {
			t.Fatalf("seed %d: built\n%x\nkmsg has\n%x", seed, ours, theirs)
		}
		for _, b := range []Batch{ours, theirs} {
			if err := b.Validate(Limits{}); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if seen, err := b.ValidateRecords(Limits{}, anyTime); err != nil || seen.MaxTimestamp != max(b.MaxTimestamp(), NoTimestamp) {
				t.Fatalf("seed %d: %+v %v", seed, seen, err)
			}
			p.compare(t, b)
		}
		readByKmsg(t, p, ours)
	}
}

// readByKmsg lets franz-go's code alone read what the Builder has written.
func readByKmsg(t *testing.T, p plan, b Batch) {
	t.Helper()
	var batch kmsg.RecordBatch
	if err := batch.ReadFrom(b); err != nil {
		t.Fatal(err)
	}
	if uint32(batch.CRC) != crcByHand(b[atAttributes:]) || batch.ProducerID != p.producerID || batch.FirstSequence != p.sequence || int(batch.NumRecords) != len(p.records) {
		t.Fatalf("kmsg reads %+v", batch)
	}
	records, err := kgo.DefaultDecompressor().Decompress(batch.Records, kgo.CompressionCodecType(p.codec))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range p.records {
		var record kmsg.Record
		if err := record.ReadFrom(records); err != nil {
			t.Fatal(err)
		}
		records = records[len(record.AppendTo(nil)):]
		if record.OffsetDelta != int32(i) || record.TimestampDelta64+batch.FirstTimestamp != want.Timestamp ||
			!bytes.Equal(record.Key, want.Key) || !bytes.Equal(record.Value, want.Value) || len(record.Headers) != want.Headers.Len() {
			t.Fatalf("record %d: kmsg reads %+v, want %+v", i, record, want)
		}
	}
	if len(records) > 0 {
		t.Fatalf("%d bytes left", len(records))
	}
}
