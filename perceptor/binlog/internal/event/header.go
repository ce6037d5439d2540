package event

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Type is the kind of an event. Which it is, is the number in its header.
type Type uint8

const (
	QueryType         Type = 2
	StopType          Type = 3
	RotateType        Type = 4
	FormatType        Type = 15
	XIDType           Type = 16
	TableMapType      Type = 19
	WriteRowsV1       Type = 23
	UpdateRowsV1      Type = 24
	DeleteRowsV1      Type = 25
	IncidentType      Type = 26
	HeartbeatType     Type = 27
	RowsQueryType     Type = 29
	WriteRowsV2       Type = 30
	UpdateRowsV2      Type = 31
	DeleteRowsV2      Type = 32
	GTIDType          Type = 33
	AnonymousGTIDType Type = 34
	PreviousGTIDsType Type = 35
	XAPrepareType     Type = 38
	PartialUpdateRows Type = 39
	PayloadType       Type = 40
	HeartbeatV2Type   Type = 41
	TaggedGTIDType    Type = 42

	AnnotateRowsType       Type = 160
	MariaGTIDType          Type = 162
	MariaGTIDListType      Type = 163
	StartEncryptionType    Type = 164
	QueryCompressedType    Type = 165
	WriteRowsCompressedV1  Type = 166
	UpdateRowsCompressedV1 Type = 167
	DeleteRowsCompressedV1 Type = 168
	WriteRowsCompressedV2  Type = 169
	UpdateRowsCompressedV2 Type = 170
	DeleteRowsCompressedV2 Type = 171
)

// HeaderSize is the length of the header that every event has, in bytes.
//
//	time 4 | type 1 | server id 4 | size 4 | end 4 | flags 2     all little-endian
const HeaderSize = 19

// ChecksumSize is the length of the CRC32 at the end of an event, in bytes, where there is one.
const ChecksumSize = 4

// Header is what all events have.
type Header struct {
	// Time is when the statement began, in seconds since 1970, by the clock of the server it was made at.
	Time     uint32
	Type     Type
	ServerID uint32
	// Size is the length of the event with its header and checksum, in bytes.
	Size uint32
	// End is where the event ends in its file, in bytes, modulo 2^32. It is 0 for what is in no file.
	End   uint32
	Flags uint16
}

const (
	flagInUse      = 0x1
	flagArtificial = 0x20
)

// Artificial: the server made the event for whoever reads, it is in no file.
func (h Header) Artificial() bool { return h.Flags&flagArtificial != 0 || h.End == 0 }

var (
	errCut = errors.New("it is cut")
	// ErrChecksum is wrapped by the error of an event that is not what the server has written.
	ErrChecksum = errors.New("the checksum is wrong")
)

// parseHeader reads a header.
func parseHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize {
		return Header{}, fmt.Errorf("an event of %d bytes has no header", len(b))
	}
	return Header{
		Time: binary.LittleEndian.Uint32(b), Type: Type(b[4]), ServerID: binary.LittleEndian.Uint32(b[5:]), Size: binary.LittleEndian.Uint32(b[9:]),
		End: binary.LittleEndian.Uint32(b[13:]), Flags: binary.LittleEndian.Uint16(b[17:]),
	}, nil
}

// Format is what a format description says of the events after it.
type Format struct {
	// MariaDB: the server is one, and not MySQL.
	MariaDB bool
	// Checksum: each event ends with a CRC32.
	Checksum bool
	// postHeaders are the lengths of the fixed parts of events, by type from 1 on.
	postHeaders []byte
}

// Open takes an event apart: its header and what is between that and the checksum, which is compared if there is one.
// The format description, and the rotate event that comes before the first one, tell by themselves whether they have a checksum.
func (f *Format) Open(b []byte) (Header, []byte, error) {
	h, err := parseHeader(b)
	if err != nil {
		return h, nil, err
	}
	if int64(h.Size) != int64(len(b)) {
		return h, nil, fmt.Errorf("an event of type %d is %d bytes long and says %d", h.Type, len(b), h.Size)
	}
	switch {
	case h.Type == FormatType:
		return h, b[HeaderSize:], nil
	case h.Type == RotateType && h.Artificial() && endsWithChecksum(b):
		return h, b[HeaderSize : len(b)-ChecksumSize], nil
	case h.Type == RotateType && h.Artificial() || !f.Checksum:
		return h, b[HeaderSize:], nil
	}
	if len(b) < HeaderSize+ChecksumSize {
		return h, nil, fmt.Errorf("an event of type %d: %w", h.Type, errCut)
	}
	if !endsWithChecksum(b) {
		return h, nil, fmt.Errorf("an event of type %d that ends at %d: %w", h.Type, h.End, ErrChecksum)
	}
	return h, b[HeaderSize : len(b)-ChecksumSize], nil
}

func endsWithChecksum(b []byte) bool {
	body := len(b) - ChecksumSize
	return body >= HeaderSize && crc32.ChecksumIEEE(b[:body]) == binary.LittleEndian.Uint32(b[body:])
}

// ParseFormat reads a format description.
//
//	version 2 | server version 50 | time 4 | header size 1 | post header sizes | checksum algorithm 1 | CRC32 4
func ParseFormat(h Header, body []byte) (Format, error) {
	c := cursor{rest: body}
	version := c.u16()
	server := c.take(50)
	c.take(4)
	header := c.u8()
	if c.cut || len(c.rest) < 1+ChecksumSize {
		return Format{}, fmt.Errorf("a format description of %d bytes: %w", len(body), errCut)
	}
	lengths := c.take(len(c.rest) - 1 - ChecksumSize)
	algorithm := c.u8()
	if version != 4 || header != HeaderSize {
		return Format{}, fmt.Errorf("the binlog has version %d and headers of %d bytes; only 4 and %d are known", version, header, HeaderSize)
	}
	if algorithm > 1 {
		return Format{}, fmt.Errorf("the binlog has checksums of algorithm %d; only 0 (none) and 1 (CRC32) are known", algorithm)
	}
	return Format{MariaDB: bytes.Contains(server, []byte("MariaDB")), Checksum: algorithm == 1, postHeaders: bytes.Clone(lengths)}, nil
}

// postHeader is the length of the fixed part of events of this type, in bytes; 0 if it is not told.
func (f *Format) postHeader(t Type) int {
	if t < 1 || int(t) > len(f.postHeaders) {
		return 0
	}
	return int(f.postHeaders[t-1])
}

func (h Header) cutIf(c *cursor, what string) error {
	if !c.cut {
		return nil
	}
	return fmt.Errorf("%s that ends at %d: %w", what, h.End, errCut)
}
