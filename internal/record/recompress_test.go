package record

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/skein-io/skein/internal/protocol"
)

func TestRecompressKeepsTheRecords(t *testing.T) {
	for seed := range seedCount(t, 20) {
		p := randomPlan(rand.New(rand.NewPCG(seed, 1)))
		b := p.build(t)
		b.SetLeaderEpoch(3)
		kept := append(Batch{}, b...)
		for _, codec := range Codecs() {
			made, err := b.Recompress(codec, DefaultLevel, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if err := made.Validate(Limits{}); err != nil || made.Codec() != codec || !bytes.Equal(b, kept) {
				t.Fatalf("seed %d, %v to %v: %v", seed, p.codec, codec, err)
			}
			// What stands in front of and behind length, crc and attributes is as it was.
			if !bytes.Equal(made[atLeaderEpoch:atCRC], b[atLeaderEpoch:atCRC]) || !bytes.Equal(made[atLastOffsetDelta:HeaderSize], b[atLastOffsetDelta:HeaderSize]) {
				t.Fatalf("seed %d, %v to %v: header\n%x\nwas\n%x", seed, p.codec, codec, made[:HeaderSize], b[:HeaderSize])
			}
			if made.Attributes()&^codecMask != b.Attributes()&^codecMask {
				t.Fatalf("attributes %x were %x", made.Attributes(), b.Attributes())
			}
			p.compare(t, made)
		}
	}
}

func TestRecompressRefuses(t *testing.T) {
	rubbish := sealed(append(make([]byte, HeaderSize), "rubbish"...), Lz4, 1)
	if _, err := rubbish.Recompress(Zstd, 0, Limits{}); protocol.CodeOf(err) != protocol.InvalidRecord {
		t.Errorf("rubbish: %v", err)
	}
	zeros := bomb(t, Zstd, 1<<20, 1)
	if _, err := zeros.Recompress(None, 0, Limits{BatchBytesMax: 1 << 20}); protocol.CodeOf(err) != protocol.MessageTooLarge {
		t.Errorf("larger than max.message.bytes: %v", err)
	}
}
