package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// uncompress appends what MariaDB has compressed:
//
//	1 | algorithm 3 | unused 1 | n 3 (bits) | length n, big-endian | zlib
func uncompress(dst, b []byte, decompressedMax int) ([]byte, error) {
	c := cursor{rest: b}
	first := c.u8()
	n := int(first & 7)
	length := bigEndian(c.take(min(n, 8)))
	switch {
	case c.cut || n > 4:
		return dst, errCut
	case first&0x80 == 0 || first>>4&7 != 0:
		return dst, fmt.Errorf("it is compressed by an algorithm that is not known (%#x)", first)
	case length > uint64(decompressedMax):
		return dst, fmt.Errorf("it has %d bytes when decompressed, the limit is %d", length, decompressedMax)
	}
	r, err := zlib.NewReader(bytes.NewReader(c.rest))
	if err != nil {
		return dst, fmt.Errorf("decompress: %w", err)
	}
	// The length is not believed before the bytes are there.
	out := bytes.NewBuffer(dst)
	read, err := io.Copy(out, io.LimitReader(r, int64(length)+1))
	if err != nil {
		return dst, fmt.Errorf("decompress: %w", err)
	}
	if uint64(read) != length {
		return dst, fmt.Errorf("it says that it has %d bytes when decompressed, and has others", length)
	}
	return out.Bytes(), nil
}

// Payload is a whole transaction of MySQL, compressed. Its events are read one after the other, so that only one of them is
// in memory.
type Payload struct {
	in       io.Reader
	zstd     *zstd.Decoder
	event    []byte
	eventMax int
}

// ParsePayload reads the fields in front:
//
//	field | length | value, several times, all packed; field 0 ends them | payload
//	1 size of the payload | 2 algorithm (0 zstd, 255 none) | 3 size when decompressed
//
// eventMax is the bound of one event inside, in bytes. Close gives the decompressor's memory back.
func ParsePayload(h Header, body []byte, eventMax int) (*Payload, error) {
	const end, size, algorithm = 0, 1, 2
	const none, zstandard = 255, 0
	c := cursor{rest: body}
	kind, length := uint64(none), uint64(len(body))
	for !c.cut {
		field := c.packed()
		if field == end {
			break
		}
		value := cursor{rest: c.packedString()}
		switch field {
		case size:
			length = value.packed()
		case algorithm:
			kind = value.packed()
		}
		c.cut = c.cut || value.cut
	}
	if err := h.cutIf(&c, "a compressed transaction"); err != nil {
		return nil, err
	}
	if length > uint64(len(c.rest)) {
		return nil, fmt.Errorf("a compressed transaction that ends at %d: %w", h.End, errCut)
	}
	in := bytes.NewReader(c.take(int(length)))
	switch kind {
	case none:
		return &Payload{in: in, eventMax: eventMax}, nil
	case zstandard:
		const windowMax = 32 << 20
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(windowMax))
		if err != nil {
			return nil, fmt.Errorf("a compressed transaction that ends at %d: %w", h.End, err)
		}
		return &Payload{in: d, zstd: d, eventMax: eventMax}, nil
	}
	return nil, fmt.Errorf("a transaction that ends at %d is compressed by algorithm %d; only 0 (zstd) and 255 (none) are known", h.End, kind)
}

// Next returns the header of the next event inside and what follows it, which is valid until Next is called again; io.EOF
// after the last. Events inside have no checksum.
func (p *Payload) Next() (Header, []byte, error) {
	p.event = append(p.event[:0], make([]byte, HeaderSize)...)
	if n, err := io.ReadFull(p.in, p.event); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return Header{}, nil, io.EOF
		}
		return Header{}, nil, fmt.Errorf("a compressed transaction: %w", err)
	}
	h, err := parseHeader(p.event)
	if err != nil {
		return h, nil, err
	}
	if h.Size < HeaderSize || int64(h.Size) > int64(p.eventMax) {
		return h, nil, fmt.Errorf("a compressed transaction has an event of %d bytes, the limit is %d", h.Size, p.eventMax)
	}
	out := bytes.NewBuffer(p.event)
	if _, err := io.CopyN(out, p.in, int64(h.Size)-HeaderSize); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return h, nil, fmt.Errorf("a compressed transaction: %w", err)
	}
	p.event = out.Bytes()
	return h, p.event[HeaderSize:], nil
}

// Close ends reading.
func (p *Payload) Close() {
	if p.zstd != nil {
		p.zstd.Close()
		p.zstd = nil
	}
}
