package record

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/skein-io/skein/internal/protocol"
)

// allocated is how many bytes f allocates in all. Tests that use it do not run in parallel.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// bomb makes a batch whose records are times as many times size zeros when decompressed: so many frames in a row, which
// every codec reads as one.
func bomb(t testing.TB, codec Codec, size, times int) Batch {
	t.Helper()
	frame, err := Compress(nil, make([]byte, size), codec, DefaultLevel)
	if err != nil {
		t.Fatal(err)
	}
	return sealed(append(make([]byte, HeaderSize), bytes.Repeat(frame, times)...), codec, 1)
}

// sealed makes bytes, of which the first HeaderSize are free, a batch whose header is in order.
func sealed(b []byte, codec Codec, count int32) Batch {
	batch := Batch(b)
	batch.putInt32(atLength, int32(len(b)-PrefixSize))
	batch[atMagic] = Magic
	batch.putInt16(atAttributes, int16(codec))
	batch.putInt32(atLastOffsetDelta, count-1)
	batch.putInt64(atProducerID, NoProducerID)
	batch.putInt32(atCount, count)
	batch.sealCRC()
	return batch
}

func TestBombsAreRefused(t *testing.T) {
	const limit = 8 << 20
	for _, codec := range Codecs()[1:] {
		explode(t, bomb(t, codec, 9<<20, 1), limit)
		explode(t, bomb(t, codec, 1<<20, 256), limit)
	}
}

func explode(t *testing.T, b Batch, limit int) {
	t.Helper()
	codec := b.Codec()
	if err := b.Validate(Limits{}); err != nil {
		t.Fatal(err)
	}
	var err error
	spent := allocated(func() { _, err = b.ValidateRecords(Limits{DecompressedBytesMax: limit}, anyTime) })
	if protocol.CodeOf(err) != protocol.MessageTooLarge {
		t.Errorf("%v: %v", codec, err)
	}
	if spent > uint64(2*limit+1<<20) {
		t.Errorf("%v: %d bytes allocated to refuse a bomb of %d bytes; the limit is %d", codec, spent, len(b), limit)
	}
	if _, err := b.Recompress(None, 0, Limits{DecompressedBytesMax: limit}); protocol.CodeOf(err) != protocol.MessageTooLarge {
		t.Errorf("%v: Recompress: %v", codec, err)
	}
}

// Many small blocks make the upper bound useless: the limit must hold while they are decompressed.
func TestZstdLimitAmongSmallBlocks(t *testing.T) {
	small, err := compressZstd(nil, samples()["text 1000"], DefaultLevel)
	if err != nil {
		t.Fatal(err)
	}
	block := zstdOnlyBlock(t, small)
	runs := []byte{0x02, 0x00, 0x10, 'x'} // 128 KiB of one byte
	const size = 200*1000 + 30*zstdBlockMax
	for window, descriptor := range map[int]byte{2 << 20: 0x58, 128 << 20: 0x88} {
		frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, descriptor}
		frame = append(frame, bytes.Repeat(block, 200)...)
		frame = append(frame, bytes.Repeat(runs, 30)...)
		frame = append(frame, 0x01, 0x00, 0x00)
		for _, limit := range []int{size, size - 1, size - 200*1000 + 1, size + 1<<20} {
			if bound, err := zstdSizeMax(frame); err != nil || bound.least > int64(limit) || bound.most < int64(limit) || bound.window != int64(window) {
				t.Fatalf("window %d, limit %d: the size is obvious: %+v, %v", window, limit, bound, err)
			}
			var out []byte
			spent := allocated(func() { out, err = decompressZstd(nil, frame, limit) })
			if limit >= size && (err != nil || len(out) != size) || limit < size && err != errTooLarge {
				t.Errorf("window %d, limit %d: %d bytes, %v", window, limit, len(out), err)
			}
			if spent > uint64(2*limit) {
				t.Errorf("window %d, limit %d: %d bytes allocated", window, limit, spent)
			}
		}
	}
}

// A window above the limit keeps the library from being told the limit: it is lowered, for each frame that has one, and
// matches that reach back over blocks and beyond a small window are still found.
func TestZstdLimitBelowTheWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	far := make([]byte, 3<<20)
	for i := range far {
		far[i] = byte(random.Uint32())
	}
	plain := append(far, far...) // the second half is a match of 3 MiB back
	var streamed bytes.Buffer
	e, err := zstd.NewWriter(&streamed, zstd.WithWindowSize(64<<20), zstd.WithEncoderCRC(true))
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(plain, 100<<10) { // so that no size is stated
		if _, err := e.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	src := append([]byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3}, streamed.Bytes()...) // a skippable frame in front
	before := bytes.Clone(src)
	size := len(plain)
	for _, limit := range []int{size, size + 1, size + 100<<10, size - 1, size - 1<<20, 4 << 20, 3<<20 + 1<<19} {
		bound, err := zstdSizeMax(src)
		if err != nil || bound.window != 64<<20 {
			t.Fatalf("%+v, %v", bound, err)
		}
		var out []byte
		spent := allocated(func() { out, err = decompressZstdTight(nil, src, limit, bound.window) })
		if limit >= size && (err != nil || !bytes.Equal(out, plain)) || limit < size && err != errTooLarge {
			t.Errorf("limit %d: %d bytes, %v", limit, len(out), err)
		}
		if most := limit + limit/8 + len(src) + 1<<20; spent > uint64(most) {
			t.Errorf("limit %d: %d bytes allocated, want at most %d", limit, spent, most)
		}
	}
	if !bytes.Equal(src, before) {
		t.Error("the compressed bytes were changed")
	}
}

// A bomb of blocks that do not tell their size, in a frame with a large window: at most twice the limit.
func TestZstdBombWithLargeWindow(t *testing.T) {
	small, err := compressZstd(nil, samples()["text 1000"], DefaultLevel)
	if err != nil {
		t.Fatal(err)
	}
	frame := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88}, bytes.Repeat(zstdOnlyBlock(t, small), 40_000)...)
	frame = append(frame, 0x01, 0x00, 0x00)
	const limit = 32 << 20
	spent := allocated(func() { _, err = decompressZstd(nil, frame, limit) })
	if err != errTooLarge || spent > 2*limit {
		t.Errorf("%d bytes allocated, %v; the limit is %d", spent, err, limit)
	}
}

func TestZstdWindowFor(t *testing.T) {
	for _, size := range []int64{1, 1 << 10, 1<<10 + 1, 8 << 20, 9 << 20, 64 << 20, 64<<20 + 1, 100_000_000} {
		if d, w := zstdWindowFor(size); w < size || w != zstdWindow(d) || d > 0 && zstdWindow(d-1) >= size || size >= 1<<10 && w > size+size/8 {
			t.Errorf("%d: descriptor %#x is %d", size, d, w)
		}
	}
}

// zstdOnlyBlock takes the one block out of a frame and makes it one of many.
func zstdOnlyBlock(t *testing.T, frame []byte) []byte {
	t.Helper()
	for at := 5; at < len(frame)-3; at++ { // behind magic, descriptor and the fields it announces
		header := int(frame[at]) | int(frame[at+1])<<8 | int(frame[at+2])<<16
		if header&1 == 1 && header>>1&3 == 2 && at+3+header>>3 == len(frame) {
			block := append([]byte{}, frame[at:]...)
			block[0] &^= 1
			return block
		}
	}
	t.Fatalf("no compressed block in %x", frame)
	return nil
}

func TestSnappyClaimsAreRefusedBeforeAllocating(t *testing.T) {
	framed := append(append([]byte{}, snappyMagic...), 0, 0, 0, 1, 0, 0, 0, 1)
	framed = binary.BigEndian.AppendUint32(framed, 5)
	for name, packed := range map[string][]byte{
		"raw, 2 GiB":     {0xff, 0xff, 0xff, 0xff, 0x07},
		"raw, 60 MiB":    {0x80, 0x80, 0x80, 0x1e, 0x00},
		"framed, 2 GiB":  append(framed[:len(framed):len(framed)], 0xff, 0xff, 0xff, 0xff, 0x07),
		"framed, 60 MiB": append(framed[:len(framed):len(framed)], 0x80, 0x80, 0x80, 0x1e, 0x00),
	} {
		var err error
		spent := allocated(func() { _, err = decompressSnappy(nil, packed, DecompressedBytesMaxDefault) })
		if err == nil || spent > 64<<10 {
			t.Errorf("%s: %d bytes allocated, %v", name, spent, err)
		}
	}
}

func TestPooledReadersKeepNoHugeBuffers(t *testing.T) {
	b := bomb(t, Zstd, 16<<20, 1)
	r := b.Records(Limits{})
	r.Next()
	if cap(r.buffer.b) < 16<<20 {
		t.Fatalf("the buffer has %d bytes", cap(r.buffer.b))
	}
	r.Close()
	if cap(r.buffer.b) > bufferKeptMax {
		t.Errorf("the pool keeps a buffer of %d bytes", cap(r.buffer.b))
	}
}
