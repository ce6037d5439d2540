package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/pierrec/lz4/v4"
)

// An LZ4 frame as Kafka has it since magic 2: blocks of at most 64 KiB that do not depend on each other, no checksums
// but the descriptor's. Numbers are little-endian. Read is what Kafka's own reader takes: larger blocks, checksums and
// a content size too.
//
//	+-------------+-----+----+--------------+----------+-----------------+-------+----+------------+
//	| 04 22 4d 18 | FLG | BD | content size | checksum | size, bit 31:   | block | .. | 00000000   |
//	|             |     |    | if FLG bit 3 | u8       | not compressed  |       |    | (checksum) |
//	+-------------+-----+----+--------------+----------+-----------------+-------+----+------------+
const (
	lz4Magic       = 0x184d2204
	lz4HeaderMin   = 7
	lz4Independent = 1 << 5 // of FLG
	lz4SizeStated  = 1 << 3 // of FLG
	lz4RatioMax    = 255

	// lz4DefaultLevel is Kafka's, at which it uses the fast compressor; every other level is LZ4 HC.
	lz4DefaultLevel = 9
)

var (
	lz4Readers sync.Pool
	lz4Writers [len(lz4Levels)]sync.Pool // by position in lz4Levels

	// lz4Levels are the library's: the fast compressor, then HC, of which it has fewer than Kafka's 17.
	lz4Levels = [...]lz4.CompressionLevel{
		lz4.Fast, lz4.Level1, lz4.Level2, lz4.Level3, lz4.Level4, lz4.Level5, lz4.Level6, lz4.Level7, lz4.Level8, lz4.Level9,
	}

	errLz4Magic     = errors.New("no LZ4 frame begins there")
	errLz4Dependent = errors.New("the blocks depend on each other, which Kafka's readers cannot read")
)

func compressLz4(dst, src []byte, level int) ([]byte, error) {
	at := lz4LevelIndex(level)
	out := appender{dst}
	w, _ := lz4Writers[at].Get().(*lz4.Writer)
	if w == nil {
		w = lz4.NewWriter(&out)
		if err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false), lz4.ConcurrencyOption(1), lz4.CompressionLevelOption(lz4Levels[at])); err != nil {
			return dst, err
		}
	} else {
		w.Reset(&out)
	}
	_, err := w.Write(src)
	if err == nil {
		err = w.Close()
	}
	w.Reset(nil)
	lz4Writers[at].Put(w)
	return out.b, err
}

func lz4LevelIndex(level int) int {
	if level == DefaultLevel || level == lz4DefaultLevel {
		return 0
	}
	return min(max(level, 1), len(lz4Levels)-1)
}

func decompressLz4(dst, src []byte, bytesMax int) ([]byte, error) {
	hint, err := lz4Hint(src)
	if err != nil {
		return dst, err
	}
	in := bytes.NewReader(src)
	r, _ := lz4Readers.Get().(*lz4.Reader)
	if r == nil {
		r = lz4.NewReader(in)
		if err := r.Apply(lz4.ConcurrencyOption(1)); err != nil {
			return dst, err
		}
	} else {
		r.Reset(in)
	}
	out, err := readAll(dst, r, hint, bytesMax)
	r.Reset(nil)
	lz4Readers.Put(r)
	return out, err
}

// lz4Hint guesses the decompressed size and refuses what only the library would read.
func lz4Hint(src []byte) (int, error) {
	if len(src) < lz4HeaderMin || binary.LittleEndian.Uint32(src) != lz4Magic {
		return 0, errLz4Magic
	}
	flags := src[4]
	if flags&lz4Independent == 0 {
		return 0, errLz4Dependent
	}
	if flags&lz4SizeStated != 0 && len(src) >= lz4HeaderMin+8 {
		if stated := binary.LittleEndian.Uint64(src[6:]); stated <= uint64(len(src))*lz4RatioMax {
			return int(stated), nil
		}
	}
	return min(4*len(src), lz4Bound(src[lz4HeaderMin:], src[5])), nil
}

// lz4Bound adds up the most that the blocks can become, as far as they can be made out.
func lz4Bound(blocks []byte, descriptor byte) int {
	blockMax := 1 << (8 + 2*(descriptor>>4&7)) // 4: 64 KiB, to 7: 4 MiB
	total := 0
	for len(blocks) >= 4 {
		header := binary.LittleEndian.Uint32(blocks)
		size := int(header &^ (1 << 31))
		if size == 0 || size > len(blocks)-4 {
			break
		}
		if header>>31 == 0 {
			total += min(blockMax, size*lz4RatioMax)
		} else {
			total += size
		}
		blocks = blocks[4+size:]
	}
	return total
}
