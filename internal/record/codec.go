package record

import (
	"fmt"
	"strconv"
)

// Codec is how the records of a batch are compressed, as the low three bits of its attributes say it.
type Codec int8

// Kafka's codecs.
const (
	None   Codec = 0
	Gzip   Codec = 1 // RFC 1952
	Snappy Codec = 2 // in the framing of snappy-java, or one raw block
	Lz4    Codec = 3 // the LZ4 frame format
	Zstd   Codec = 4 // RFC 8878 (KIP-110)
)

var codecNames = [...]string{None: "none", Gzip: "gzip", Snappy: "snappy", Lz4: "lz4", Zstd: "zstd"}

// Codecs lists every codec that skein reads and writes, None first.
func Codecs() []Codec { return []Codec{None, Gzip, Snappy, Lz4, Zstd} }

// Known says whether skein reads and writes the codec.
func (c Codec) Known() bool { return c >= None && c <= Zstd }

// String is Kafka's name of the codec, such as zstd.
func (c Codec) String() string {
	if !c.Known() {
		return "codec-" + strconv.Itoa(int(c))
	}
	return codecNames[c]
}

// ParseCodec reads a name as it stands in compression.type: none or uncompressed, gzip, snappy, lz4, zstd. "producer"
// is no codec.
func ParseCodec(name string) (Codec, error) {
	for c, n := range codecNames {
		if n == name {
			return Codec(c), nil
		}
	}
	if name == "uncompressed" {
		return None, nil
	}
	return None, fmt.Errorf("compression codec %q: known are none, uncompressed, gzip, snappy, lz4, zstd", name)
}
