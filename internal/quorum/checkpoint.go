package quorum

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/skein-io/skein/internal/metadata"
	"github.com/skein-io/skein/internal/record"
)

// A snapshot of the metadata log is the records that make the image, in a file named as Kafka names it: the offset after
// the last entry it contains, and that entry's epoch, as in 00000000000000000042-0000000003.checkpoint.
//
//	file:   "SKCP" | version u16 | frame: header | frame: records ... | frame: footer
//	frame:  kind u8 | length u32 | body, length bytes | crc u32: CRC-32C of kind, length and body
//	header: kind 1: index u64 | term u64 | cluster id: u8 and bytes |
//	        version 1: voters, learners: u16 and u64 each, raft ids
//	        version 2: members, see members.append
//	records: kind 2: see metadata.AppendRecords; about 1 MiB to a frame
//	footer: kind 3: number of records u64
//
// All numbers are big-endian. A file without its footer is not whole. Version 1 is written where one voter is the only
// member, so that earlier versions of skein read it.
const (
	checkpointMagic   = "SKCP"
	checkpointVersion = 2
	frameHeader       = 1
	frameRecords      = 2
	frameFooter       = 3
	frameBytes        = 1 << 20
	frameBytesMax     = 64 << 20
	checkpointSuffix  = ".checkpoint"
)

// checkpoint is what a snapshot says besides the records.
type checkpoint struct {
	index, term uint64
	clusterID   string
	members     members
}

func (c *checkpoint) version() uint16 {
	if len(c.members) == 1 && c.members[0].Voter {
		return 1
	}
	return checkpointVersion
}

func (c *checkpoint) fileName() string {
	return fmt.Sprintf("%020d-%010d%s", c.index, c.term, checkpointSuffix)
}

// parseCheckpointName takes a file name apart.
func parseCheckpointName(name string) (index, term uint64, ok bool) {
	var i, t uint64
	if n, err := fmt.Sscanf(name, "%020d-%010d.checkpoint", &i, &t); n != 2 || err != nil {
		return 0, 0, false
	}
	c := checkpoint{index: i, term: t}
	return i, t, c.fileName() == name
}

func appendFrame(dst []byte, kind byte, body []byte) []byte {
	from := len(dst)
	dst = append(dst, kind)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	dst = append(dst, body...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[from:], castagnoli))
}

func (c *checkpoint) appendHeader(dst []byte) []byte {
	dst = append(dst, checkpointMagic...)
	dst = binary.BigEndian.AppendUint16(dst, c.version())
	var body []byte
	body = binary.BigEndian.AppendUint64(body, c.index)
	body = binary.BigEndian.AppendUint64(body, c.term)
	body = append(append(body, byte(len(c.clusterID))), c.clusterID...)
	if c.version() == 1 {
		body = binary.BigEndian.AppendUint16(body, 1)
		body = binary.BigEndian.AppendUint64(body, raftID(c.members[0].ID))
		body = binary.BigEndian.AppendUint16(body, 0)
	} else {
		body = c.members.append(body)
	}
	return appendFrame(dst, frameHeader, body)
}

// encodeCheckpoint gives the file piece by piece to write, so that a large image is never in memory a second time.
func encodeCheckpoint(c checkpoint, image *metadata.Image, write func([]byte) error) error {
	out := c.appendHeader(nil)
	var body []byte
	count := uint64(0)
	flush := func() error {
		if len(body) > 0 {
			out = appendFrame(out, frameRecords, body)
			body = body[:0]
		}
		err := write(out)
		out = out[:0]
		return err
	}
	for r := range image.Records() {
		body = metadata.AppendRecords(body, r)
		count++
		if len(body) >= frameBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return write(appendFrame(out, frameFooter, binary.BigEndian.AppendUint64(nil, count)))
}

var errCheckpoint = errors.New("the snapshot is damaged")

// decodeCheckpoint reads a whole file. The image shares no memory with b.
func decodeCheckpoint(b []byte) (checkpoint, *metadata.Image, error) {
	var c checkpoint
	if len(b) < 6 || !bytes.HasPrefix(b, []byte(checkpointMagic)) {
		return c, nil, fmt.Errorf("%w: it does not begin with %s", errCheckpoint, checkpointMagic)
	}
	version := binary.BigEndian.Uint16(b[4:])
	if version < 1 || version > checkpointVersion {
		return c, nil, fmt.Errorf("the snapshot has version %d; this version of skein knows 1 to %d", version, checkpointVersion)
	}
	kind, body, rest, err := nextFrame(b[6:])
	if err != nil {
		return c, nil, err
	}
	if kind != frameHeader || !c.decodeHeader(body, version) {
		return c, nil, fmt.Errorf("%w: it has no header", errCheckpoint)
	}
	builder := metadata.NewBuilder(metadata.NewImage(c.clusterID))
	count := uint64(0)
	for {
		if kind, body, rest, err = nextFrame(rest); err != nil {
			return c, nil, err
		}
		if kind != frameRecords {
			break
		}
		n, err := applyRecords(builder, body)
		if err != nil {
			return c, nil, err
		}
		count += n
	}
	if kind != frameFooter || len(body) != 8 || len(rest) > 0 || binary.BigEndian.Uint64(body) != count {
		return c, nil, fmt.Errorf("%w: it does not end with the footer of %d records", errCheckpoint, count)
	}
	builder.At(offsetOf(c.index), record.LeaderEpoch(c.term))
	image, _ := builder.Done()
	return c, image, nil
}

func applyRecords(builder *metadata.Builder, body []byte) (uint64, error) {
	records, err := metadata.DecodeRecords(body)
	if err != nil {
		return 0, err
	}
	for _, r := range records {
		if err := builder.Apply(r); err != nil {
			return 0, err
		}
	}
	return uint64(len(records)), nil
}

func nextFrame(b []byte) (kind byte, body, rest []byte, err error) {
	if len(b) < 9 {
		return 0, nil, nil, fmt.Errorf("%w: it ends too early", errCheckpoint)
	}
	size := binary.BigEndian.Uint32(b[1:])
	if size > frameBytesMax || int(size) > len(b)-9 {
		return 0, nil, nil, fmt.Errorf("%w: a frame of %d bytes is longer than what is left", errCheckpoint, size)
	}
	end := 5 + int(size)
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return 0, nil, nil, fmt.Errorf("%w: a frame of %d bytes has another checksum", errCheckpoint, size)
	}
	return b[0], b[5:end], b[end+4:], nil
}

func (c *checkpoint) decodeHeader(b []byte, version uint16) (ok bool) {
	if len(b) < 17 {
		return false
	}
	c.index, c.term = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	n := int(b[16])
	b = b[17:]
	if len(b) < n || c.index > math.MaxInt64 || c.term > math.MaxInt32 {
		return false
	}
	c.clusterID, b = string(b[:n]), b[n:]
	if version > 1 {
		c.members, b, ok = readMembers(b)
		return ok && len(b) == 0
	}
	var lists [2][]uint64 // voters, learners
	for i := range lists {
		if len(b) < 2 {
			return false
		}
		count := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; len(b) < 8*count {
			return false
		}
		for range count {
			lists[i], b = append(lists[i], binary.BigEndian.Uint64(b)), b[8:]
		}
	}
	c.members, ok = membersOf(lists[0], lists[1])
	return ok && len(b) == 0
}
