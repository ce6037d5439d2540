package member

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/skein-io/skein/internal/record"
)

// An entry of the metadata log is one znode, named by its offset in 20 digits:
//
//	version u8 = 1 | epoch uvarint | pieces uvarint | records, see metadata.AppendRecords | crc u32
//
// An entry that is larger than PartBytes has its records in pieces, of which the znode holds the first; the others are znodes of
// their own, beside it, written before it, without version, epoch and number. A part of a snapshot is
//
//	version u8 = 1 | records | crc u32
//
// crc is CRC-32C of what is before it, big-endian.
const (
	entryVersion = 1
	// PartBytes is how many bytes of records go into one znode: with what is around it, well below the 1,048,575 bytes that a
	// server takes in one request unless it is told otherwise (jute.maxbuffer).
	PartBytes = 512 << 10
	// EntryBytesMax is the greatest size of the records of one entry, in bytes.
	EntryBytesMax = 16 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sealed(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

var errChecksum = errors.New("its checksum is another")

func unsealed(b []byte) ([]byte, error) {
	if len(b) < 5 {
		return nil, errors.New("it is too short")
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(body):]) {
		return nil, errChecksum
	}
	if body[0] != entryVersion {
		return nil, fmt.Errorf("it has version %d; this version of skein knows %d", body[0], entryVersion)
	}
	return body[1:], nil
}

// pieces parts records into what goes into one znode each.
func pieces(records []byte) [][]byte {
	var all [][]byte
	for len(records) > PartBytes {
		all, records = append(all, records[:PartBytes]), records[PartBytes:]
	}
	return append(all, records)
}

func encodeEntry(epoch record.LeaderEpoch, pieces int, first []byte) []byte {
	b := binary.AppendUvarint([]byte{entryVersion}, uint64(epoch))
	b = binary.AppendUvarint(b, uint64(pieces))
	return sealed(append(b, first...))
}

// DecodeEntry reads the znode of an entry: in how many znodes its records are, and the first piece of them, which shares memory
// with b. The others are read with PartRecords.
func DecodeEntry(b []byte) (epoch record.LeaderEpoch, pieces int, first []byte, err error) {
	body, err := unsealed(b)
	if err != nil {
		return 0, 0, nil, err
	}
	e, n := binary.Uvarint(body)
	if n <= 0 || e > 1<<31-1 {
		return 0, 0, nil, errors.New("it has no epoch")
	}
	count, m := binary.Uvarint(body[n:])
	if m <= 0 || count == 0 || count > EntryBytesMax/PartBytes+1 {
		return 0, 0, nil, fmt.Errorf("it has %d pieces", count)
	}
	return record.LeaderEpoch(e), int(count), body[n+m:], nil
}

func encodePiece(records []byte) []byte { return sealed(append([]byte{entryVersion}, records...)) }

// AppendPart makes what one znode of a snapshot holds of records.
func AppendPart(records []byte) []byte { return encodePiece(records) }

// PartRecords is what AppendPart was given. It shares memory with b.
func PartRecords(b []byte) ([]byte, error) { return unsealed(b) }
