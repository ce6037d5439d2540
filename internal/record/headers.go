package record

import (
	"encoding/binary"
	"iter"
)

// Header is one header of a record. The same key may occur again.
type Header struct {
	Key   string
	Value []byte // nil is Kafka's null
}

// Headers are the headers of a record, still encoded: a header takes 2 bytes on the wire and 40 decoded, so they are
// decoded one by one where somebody looks. The zero value has none.
type Headers struct {
	count int32
	raw   []byte // count headers and nothing else
}

// MakeHeaders encodes headers.
func MakeHeaders(headers ...Header) Headers {
	h := Headers{count: int32(len(headers))}
	for _, header := range headers {
		h.raw = binary.AppendVarint(h.raw, int64(len(header.Key)))
		h.raw = append(h.raw, header.Key...)
		h.raw = appendNullable(h.raw, header.Value)
	}
	return h
}

// Len is the number of headers.
func (h Headers) Len() int { return int(h.count) }

// All yields key and value of each header in order, without a copy.
func (h Headers) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		var key, value []byte
		for i, n := 0, h.count; n > 0; n-- {
			key, i = nullable(h.raw, i)
			value, i = nullable(h.raw, i)
			if !yield(key, value) {
				return
			}
		}
	}
}

// Decode copies the headers out: nil for none.
func (h Headers) Decode() []Header {
	if h.count == 0 {
		return nil
	}
	decoded := make([]Header, 0, h.count)
	for key, value := range h.All() {
		header := Header{Key: string(key)}
		if value != nil {
			header.Value = append([]byte{}, value...)
		}
		decoded = append(decoded, header)
	}
	return decoded
}

// check makes sure that raw holds count headers and nothing else, which All relies on.
func (h Headers) check() flaw {
	if int(h.count) > len(h.raw)/2 {
		return flawHeaders
	}
	var key []byte
	i := 0
	for n := h.count; n > 0; n-- {
		if key, i = nullable(h.raw, i); i == 0 || key == nil {
			return flawHeaders
		}
		if _, i = nullable(h.raw, i); i == 0 {
			return flawHeaders
		}
	}
	if i != len(h.raw) {
		return flawRest
	}
	return ""
}

func appendNullable(dst, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(dst, -1)
	}
	dst = binary.AppendVarint(dst, int64(len(v)))
	return append(dst, v...)
}
