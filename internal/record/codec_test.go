package record

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skein-io/skein/internal/protocol"
)

// samples are bytes of every kind of compressibility around the codecs' block sizes.
func samples() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	text := bytes.Repeat([]byte(`{"user":17,"action":"click","at":1700000000000}`), 6_000)
	mixed := append(append([]byte{}, noise[:70_000]...), text[:70_000]...)
	s := map[string][]byte{"one byte": {7}, "mixed": mixed}
	for _, size := range []int{9, 1_000, 32<<10 - 1, 32 << 10, 32<<10 + 1, 64 << 10, 128<<10 + 1, len(text)} {
		s[fmt.Sprint("text ", size)] = text[:size]
		s[fmt.Sprint("noise ", size)] = noise[:size]
		s[fmt.Sprint("zeros ", size)] = make([]byte, size)
	}
	return s
}

func TestCodecsRoundTrip(t *testing.T) {
	for name, plain := range samples() {
		for _, codec := range Codecs()[1:] {
			packed, err := Compress([]byte("before"), plain, codec, DefaultLevel)
			if err != nil || string(packed[:6]) != "before" {
				t.Fatalf("%s, %v: %v", name, codec, err)
			}
			got, err := decompress(nil, packed[6:], codec, len(plain))
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s, %v: %d bytes, %v", name, codec, len(got), err)
			}
			if _, err := decompress(nil, packed[6:], codec, len(plain)-1); err != errTooLarge {
				t.Errorf("%s, %v: one byte over the limit: %v", name, codec, err)
			}
		}
	}
}

func TestLevels(t *testing.T) {
	plain := samples()["text 1000"]
	for _, codec := range Codecs() {
		for level := -3; level <= 23; level++ {
			packed, err := Compress(nil, plain, codec, level)
			if err != nil {
				t.Fatalf("%v level %d: %v", codec, level, err)
			}
			if codec == None {
				continue
			}
			if got, err := decompress(nil, packed, codec, 1<<20); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%v level %d: %v", codec, level, err)
			}
		}
	}
	for _, c := range []struct {
		codec Codec
		level int
		ok    bool
	}{
		{Gzip, -1, true}, {Gzip, 9, true}, {Gzip, 10, false}, {Lz4, 17, true}, {Lz4, 18, false}, {Lz4, -1, false},
		{Zstd, -131072, true}, {Zstd, 22, true}, {Zstd, 23, false}, {Snappy, 1, false}, {Snappy, DefaultLevel, true},
	} {
		if err := CheckLevel(c.codec, c.level); (err == nil) != c.ok {
			t.Errorf("CheckLevel(%v, %d): %v", c.codec, c.level, err)
		}
	}
}

func TestCodecNames(t *testing.T) {
	for _, codec := range Codecs() {
		if got, err := ParseCodec(codec.String()); err != nil || got != codec {
			t.Errorf("%v: %v %v", codec, got, err)
		}
	}
	if got, err := ParseCodec("uncompressed"); err != nil || got != None {
		t.Errorf("uncompressed: %v %v", got, err)
	}
	if _, err := ParseCodec("producer"); err == nil {
		t.Error("producer is no codec")
	}
}

// franzCodecs are franz-go's, which go their own way with snappy and zstd.
func franzCodec(codec Codec) kgo.CompressionCodec {
	return map[Codec]kgo.CompressionCodec{
		Gzip: kgo.GzipCompression(), Snappy: kgo.SnappyCompression(), Lz4: kgo.Lz4Compression(), Zstd: kgo.ZstdCompression(),
	}[codec]
}

func TestCodecsAgreeWithFranz(t *testing.T) {
	theirs := kgo.DefaultDecompressor()
	for _, codec := range Codecs()[1:] {
		compressor, err := kgo.DefaultCompressor(franzCodec(codec))
		if err != nil {
			t.Fatal(err)
		}
		for name, plain := range samples() {
			packed, kind := compressor.Compress(new(bytes.Buffer), plain)
			if Codec(kind) != codec {
				t.Fatalf("%s: franz-go chose %d for %v", name, kind, codec)
			}
			got, err := decompress(nil, packed, codec, len(plain))
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s: reading franz-go's %v: %v", name, codec, err)
			}
			packed, err = Compress(nil, plain, codec, DefaultLevel)
			if err != nil {
				t.Fatal(err)
			}
			got, err = theirs.Decompress(packed, kgo.CompressionCodecType(codec))
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s: franz-go reading our %v: %v", name, codec, err)
			}
		}
	}
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes are what the formats' definitions say; for snappy, what snappy-java writes.
func TestGoldenCodecs(t *testing.T) {
	for _, c := range []struct {
		name, packed, plain string
		codec               Codec
		bad                 bool
	}{
		{name: "snappy-java's framing", codec: Snappy, packed: "82534e4150505900" + "00000001" + "00000001" + "00000009" + "0718" + "666f6f6261720a", plain: "foobar\n"},
		{name: "two blocks, header again", codec: Snappy, packed: "82534e41505059000000000100000001" + "00000003" + "010061" + "82534e41505059000000000100000001" + "00000003" + "010062", plain: "ab"},
		{name: "raw snappy", codec: Snappy, packed: "0718666f6f6261720a", plain: "foobar\n"},
		{name: "framing without blocks", codec: Snappy, packed: "82534e41505059000000000100000001", plain: ""},
		{name: "a length without its block", codec: Snappy, packed: "82534e4150505900000000010000000100000009", bad: true},
		{name: "five bytes that claim 2 GiB", codec: Snappy, packed: "ffffffff07", bad: true},
		{name: "lz4, block as it is", codec: Lz4, packed: "04224d18" + "6040" + "82" + "03000080" + "616263" + "00000000", plain: "abc"},
		{name: "lz4, wrong descriptor checksum", codec: Lz4, packed: "04224d18" + "6040" + "83" + "03000080" + "616263" + "00000000", bad: true},
		{name: "lz4, dependent blocks", codec: Lz4, packed: "04224d18" + "4040" + "c0" + "03000080" + "616263" + "00000000", bad: true},
		{name: "lz4, no end mark", codec: Lz4, packed: "04224d18" + "6040" + "82" + "03000080" + "616263", bad: true},
		{name: "lz4, the legacy format", codec: Lz4, packed: "02214c18" + "04000000" + "30616263", bad: true},
		{name: "zstd, no content size, raw block", codec: Zstd, packed: "28b52ffd" + "00" + "58" + "190000" + "616263", plain: "abc"},
		{name: "zstd, two frames", codec: Zstd, packed: "28b52ffd00580900006128b52ffd005809000062", plain: "ab"},
		{name: "zstd, repeated byte", codec: Zstd, packed: "28b52ffd" + "00" + "58" + "230000" + "61", plain: "aaaa"},
		{name: "zstd, a skippable frame", codec: Zstd, packed: "502a4d18" + "02000000" + "ffff" + "28b52ffd005809000061", plain: "a"},
		{name: "zstd, reserved block type", codec: Zstd, packed: "28b52ffd" + "00" + "58" + "0f0000" + "61", bad: true},
		{name: "zstd, a lie about the size", codec: Zstd, packed: "28b52ffd" + "20" + "ff" + "190000" + "616263", bad: true},
	} {
		got, err := decompress(nil, unhex(t, c.packed), c.codec, 1<<20)
		if (err != nil) != c.bad || !c.bad && string(got) != c.plain {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func TestNothingToDecompress(t *testing.T) {
	for _, codec := range Codecs()[1:] {
		if got, err := decompress(nil, nil, codec, 100); len(got) > 0 || codec != Zstd && err == nil {
			t.Errorf("%v of no bytes: %d bytes, %v", codec, len(got), err)
		}
	}
	if _, err := Compress(nil, nil, 5, 0); protocol.CodeOf(err) != protocol.UnsupportedCompressionType {
		t.Errorf("codec 5: %v", err)
	}
}
