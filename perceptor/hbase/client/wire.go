package client

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Messages are appended to one buffer. The length of a message inside another stands before it and is known after it:
// begin leaves one byte for it, and end makes room if that is not enough.

func begin(b []byte, field protowire.Number) (_ []byte, at int) {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return append(b, 0), len(b) + 1
}

func end(b []byte, at int) []byte {
	size := len(b) - at
	if size < 0x80 {
		b[at-1] = byte(size)
		return b
	}
	more := protowire.SizeVarint(uint64(size)) - 1
	for range more {
		b = append(b, 0)
	}
	copy(b[at+more:], b[at:at+size])
	protowire.AppendVarint(b[:at-1], uint64(size))
	return b
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendString(b []byte, field protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func appendBool(b []byte, field protowire.Number, v bool) []byte {
	return appendUint(b, field, protowire.EncodeBool(v))
}

// field is one field of a message: a number, or bytes that point into the message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	num    uint64
	bytes  []byte
}

func (f *field) isBytes() bool { return f.kind == protowire.BytesType }
func (f *field) bool() bool    { return f.num != 0 }

var errMalformed = errors.New("the server sent a message that cannot be read")

// eachField calls f for every field of a message, in its order. Groups are not used by HBase and are refused.
func eachField(b []byte, f func(field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("%w: %w", errMalformed, protowire.ParseError(n))
		}
		b = b[n:]
		it := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			it.num, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			it.num, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			it.num = uint64(v)
		case protowire.BytesType:
			it.bytes, n = protowire.ConsumeBytes(b)
		default:
			return fmt.Errorf("%w: field %d has wire type %d", errMalformed, number, kind)
		}
		if n < 0 {
			return fmt.Errorf("%w: field %d: %w", errMalformed, number, protowire.ParseError(n))
		}
		b = b[n:]
		if err := f(it); err != nil {
			return err
		}
	}
	return nil
}

// delimited takes a message off the front that has its length before it.
func delimited(b []byte) (message, rest []byte, err error) {
	message, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return nil, nil, fmt.Errorf("%w: %w", errMalformed, protowire.ParseError(n))
	}
	return message, b[n:], nil
}
