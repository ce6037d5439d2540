package record

import (
	"math"
	"strings"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

func TestValidateRefusesByHeader(t *testing.T) {
	for _, c := range []struct {
		name   string
		break_ func(Batch)
		code   protocol.Code
		reason string
	}{
		{"base offset", func(b Batch) { b.SetBaseOffset(1) }, protocol.InvalidRecord, "base offset"},
		{"negative base offset", func(b Batch) { b.SetBaseOffset(-1) }, protocol.InvalidRecord, "impossible offsets"},
		{"length", func(b Batch) { b.putInt32(atLength, 48) }, protocol.CorruptMessage, "length"},
		{"length of more", func(b Batch) { b.putInt32(atLength, 500) }, protocol.CorruptMessage, "states a size"},
		{"magic 0", func(b Batch) { b[atMagic] = 0 }, protocol.InvalidRecord, "magic 0"},
		{"magic 1, short", func(b Batch) { b[atMagic] = 1; b.putInt32(atLength, 20) }, protocol.InvalidRecord, "magic 1"},
		{"magic 3", func(b Batch) { b[atMagic] = 3 }, protocol.InvalidRecord, "magic 3"},
		{"crc", func(b Batch) { b[atCRC]++ }, protocol.CorruptMessage, "CRC"},
		{"codec 5", func(b Batch) { b.putInt16(atAttributes, 5); b.sealCRC() }, protocol.UnsupportedCompressionType, "codec 5"},
		{"log append time", func(b Batch) { b.SetLogAppendTime(1) }, protocol.InvalidTimestamp, "LogAppendTime"},
		{"control", func(b Batch) { b.putInt16(atAttributes, 0x20); b.sealCRC() }, protocol.InvalidRecord, "control"},
		{"delete horizon", func(b Batch) { b.putInt16(atAttributes, 0x40); b.sealCRC() }, protocol.InvalidRecord, "delete horizon"},
		{"transactional without producer", func(b Batch) { b.putInt16(atAttributes, 0x10); b.sealCRC() }, protocol.InvalidRecord, "transactional"},
		{"last offset delta too large", func(b Batch) { b.putInt32(atLastOffsetDelta, 2); b.sealCRC() }, protocol.InvalidRecord, "last offset delta"},
		{"last offset delta too small", func(b Batch) { b.putInt32(atLastOffsetDelta, 0); b.sealCRC() }, protocol.InvalidRecord, "count"},
		{"last offset delta negative", func(b Batch) { b.putInt32(atLastOffsetDelta, -1); b.sealCRC() }, protocol.InvalidRecord, "impossible offsets"},
		{"no records", func(b Batch) { b.putInt32(atCount, 0); b.sealCRC() }, protocol.InvalidRecord, "no records"},
		{"negative count", func(b Batch) { b.putInt32(atCount, -1); b.sealCRC() }, protocol.InvalidRecord, "count"},
		{"more records than fit", func(b Batch) { b.putInt32(atCount, 100); b.putInt32(atLastOffsetDelta, 99); b.sealCRC() }, protocol.InvalidRecord, "count"},
		{"producer id -2", func(b Batch) { b.putInt64(atProducerID, -2); b.sealCRC() }, protocol.InvalidRecord, "producer id -2"},
		{"no sequence", func(b Batch) { b.putInt64(atProducerID, 5); b.putInt16(atProducerEpoch, 0); b.sealCRC() }, protocol.InvalidRecord, "sequence"},
		{"no epoch", func(b Batch) { b.putInt64(atProducerID, 5); b.putInt32(atBaseSequence, 0); b.sealCRC() }, protocol.InvalidRecord, "epoch"},
	} {
		b := goldenBytes(t)
		c.break_(b)
		err := b.Validate(Limits{})
		if protocol.CodeOf(err) != c.code || !strings.Contains(protocol.ReasonOf(err), c.reason) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestValidateAcceptsWhatClientsWrite(t *testing.T) {
	for name, change := range map[string]func(Batch){
		"as it is":                      func(Batch) {},
		"kafkajs: epoch and sequence 0": func(b Batch) { b.putInt16(atProducerEpoch, 0); b.putInt32(atBaseSequence, 0) },
		"any leader epoch":              func(b Batch) { b.SetLeaderEpoch(math.MinInt32) },
		"idempotent": func(b Batch) {
			b.putInt64(atProducerID, 0)
			b.putInt16(atProducerEpoch, 0)
			b.putInt32(atBaseSequence, math.MaxInt32)
		},
		"attributes that mean nothing":        func(b Batch) { b.putInt16(atAttributes, math.MinInt16|0x80) },
		"no time, as old librdkafka may send": func(b Batch) { b.putInt64(atBaseTimestamp, -1); b.putInt64(atMaxTimestamp, -1) },
	} {
		b := goldenBytes(t)
		change(b)
		b.sealCRC()
		if err := b.Validate(Limits{BatchBytesMax: len(b)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := goldenBytes(t)
	if err := b.Validate(Limits{BatchBytesMax: len(b) - 1}); protocol.CodeOf(err) != protocol.MessageTooLarge {
		t.Errorf("a byte too large: %v", err)
	}
}

func TestCheckAcceptsWhatCompactionLeaves(t *testing.T) {
	b := goldenBytes(t)
	b.SetBaseOffset(1000)
	b.putInt32(atLastOffsetDelta, 77)
	b.sealCRC()
	if err := b.Check(); err != nil {
		t.Errorf("gaps: %v", err)
	}
	empty := append(Batch{}, b[:HeaderSize]...)
	empty.putInt32(atLength, lengthMin)
	empty.putInt32(atCount, 0)
	empty.sealCRC()
	if err := empty.Check(); err != nil {
		t.Errorf("no records left: %v", err)
	}
	r := empty.Records(Limits{})
	defer r.Close()
	if r.Next() || r.Err() != nil {
		t.Errorf("records of an empty batch: %v", r.Err())
	}
	b.SetBaseOffset(MaxOffset - 76)
	if err := b.Check(); err == nil {
		t.Error("a last offset beyond the largest")
	}
}

func TestSequencesWrap(t *testing.T) {
	for _, c := range []struct{ sequence, n, want int32 }{
		{0, 0, 0}, {5, 3, 8}, {math.MaxInt32, 0, math.MaxInt32}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 1, 3, 1}, {math.MaxInt32, math.MaxInt32, math.MaxInt32 - 1},
	} {
		if got := AddSequence(c.sequence, c.n); got != c.want {
			t.Errorf("%d + %d = %d, want %d", c.sequence, c.n, got, c.want)
		}
	}
}
