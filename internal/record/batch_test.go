package record

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

// golden is one batch written by hand.
const golden = `
	0000000000000000 00000049 00000007 02 15c7e7d4 0000 00000001
	0000018bcfe56800 0000018bcfe56805 ffffffffffffffff ffff ffffffff 00000002
	10 00 00 00 02 6b 02 76 00
	1c 00 0a 02 01 06 616263 02 02 68 04 3132
`

func goldenBytes(t testing.TB) Batch {
	t.Helper()
	text := strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(golden)
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return Batch(b)
}

// crcByHand is CRC-32C bit by bit: polynomial 0x1edc6f41, reflected.
func crcByHand(b []byte) uint32 {
	crc := uint32(math.MaxUint32)
	for _, c := range b {
		crc ^= uint32(c)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x82f63b78
			} else {
				crc >>= 1
			}
		}
	}
	return ^crc
}

func TestCRCByHand(t *testing.T) {
	if got := crcByHand([]byte("123456789")); got != 0xe3069283 { // the check value of RFC 3720
		t.Fatalf("crcByHand: %08x", got)
	}
}

func TestGoldenBatchIsRead(t *testing.T) {
	b := goldenBytes(t)
	if err := b.Validate(Limits{}); err != nil {
		t.Fatal(err)
	}
	if b.BaseOffset() != 0 || b.LastOffset() != 1 || b.NextOffset() != 2 || b.LeaderEpoch() != 7 || b.Count() != 2 {
		t.Errorf("offsets: %d %d %d %d %d", b.BaseOffset(), b.LastOffset(), b.NextOffset(), b.LeaderEpoch(), b.Count())
	}
	if b.BaseTimestamp() != 1700000000000 || b.MaxTimestamp() != 1700000000005 || b.ProducerID() != -1 || b.LastSequence() != -1 {
		t.Errorf("times and producer: %d %d %d", b.BaseTimestamp(), b.MaxTimestamp(), b.ProducerID())
	}
	r := b.Records(Limits{})
	defer r.Close()
	if !r.Next() || r.Record().Timestamp != 1700000000000 || string(r.Record().Key) != "k" || string(r.Record().Value) != "v" {
		t.Fatalf("first record %+v %v", r.Record(), r.Err())
	}
	if !r.Next() || r.Record().Offset != 1 || r.Record().Timestamp != 1700000000005 || r.Record().Key != nil {
		t.Fatalf("second record %+v %v", r.Record(), r.Err())
	}
	headers := r.Record().Headers.Decode()
	if string(r.Record().Value) != "abc" || len(headers) != 1 || headers[0].Key != "h" || string(headers[0].Value) != "12" {
		t.Fatalf("second record %q %+v", r.Record().Value, headers)
	}
	if r.Next() || r.Err() != nil {
		t.Fatalf("end: %v", r.Err())
	}
}

func TestGoldenBatchIsBuilt(t *testing.T) {
	builder := NewBuilder()
	builder.SetLeaderEpoch(7)
	if err := errors.Join(
		builder.Add(1700000000000, []byte("k"), []byte("v")),
		builder.Add(1700000000005, nil, []byte("abc"), Header{"h", []byte("12")}),
	); err != nil {
		t.Fatal(err)
	}
	got, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	if want := goldenBytes(t); !bytes.Equal(got, want) {
		t.Errorf("built\n%x\nwant\n%x", got, want)
	}
}

func TestSettersKeepTheBatchWhole(t *testing.T) {
	b := goldenBytes(t)
	b.SetBaseOffset(1 << 40)
	b.SetLeaderEpoch(9)
	if err := b.Check(); err != nil || b.BaseOffset() != 1<<40 || b.LeaderEpoch() != 9 {
		t.Fatalf("after offset and epoch: %v", err)
	}
	b.SetLogAppendTime(42)
	if err := b.Check(); err != nil || !b.LogAppendTime() || b.MaxTimestamp() != 42 {
		t.Fatalf("after log append time: %v", err)
	}
	r := b.Records(Limits{})
	defer r.Close()
	for r.Next() {
		if r.Record().Timestamp != 42 {
			t.Errorf("offset %d has timestamp %d", r.Record().Offset, r.Record().Timestamp)
		}
	}
	if b.CRC() != crcByHand(b[atAttributes:]) {
		t.Error("CRC was not computed again")
	}
}

func TestSplitTruncatedAtEveryByte(t *testing.T) {
	whole := goldenBytes(t)
	two := append(append([]byte{}, whole...), whole...)
	first, rest, err := Split(two)
	if err != nil || !bytes.Equal(first, whole) || !bytes.Equal(rest, whole) {
		t.Fatalf("Split: %v", err)
	}
	if cap(first) != len(first) {
		t.Error("appending to the first batch would overwrite the second")
	}
	for n := range len(whole) {
		if _, _, err := Split(whole[:n:n]); !errors.Is(err, ErrTruncated) || protocol.CodeOf(err) != protocol.CorruptMessage {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if err := whole[:n:n].Check(); err == nil {
			t.Fatalf("%d bytes: Check says they are whole", n)
		}
	}
}

func TestPeekLengthBounds(t *testing.T) {
	for length, ok := range map[int32]bool{
		math.MinInt32: false, -1: false, 0: false, 48: false, 49: true, math.MaxInt32 - 12: true, math.MaxInt32 - 11: false, math.MaxInt32: false,
	} {
		b := make(Batch, PrefixSize)
		b.putInt32(atLength, length)
		size, err := PeekLength(b)
		if (err == nil) != ok || ok && size != int(length)+12 {
			t.Errorf("length %d: %d %v", length, size, err)
		}
	}
}

// The base offset must be 0, the leader epoch is the broker's to set: every other bit is guarded.
func TestEveryBitFlipIsCaught(t *testing.T) {
	whole := goldenBytes(t)
	for bit := range len(whole) * 8 {
		at := bit / 8
		b := append(Batch{}, whole...)
		b[at] ^= 1 << (bit % 8)
		if err := b.Validate(Limits{}); (err == nil) != (at >= atLeaderEpoch && at < atMagic) {
			t.Errorf("bit %d of byte %d: %v", bit%8, at, err)
		}
	}
}
