package logdump

import (
	"encoding/binary"
	"encoding/json"
	"reflect"

	"github.com/skein-io/skein/internal/protocol"
)

// A record of the metadata log: Kafka has one metadata record as the value. skein has an entry of the replicated log:
//
//	kind uint8 = 0 | version uint8 = 1 | sequence uvarint | per record: length uvarint, then the bytes that Kafka has
//
// Kafka's begin with 1. An entry of another kind, or an empty one, is the replication's own and is shown as it is.

// addMetadata adds the value of a record of the metadata log; false for one that it cannot read.
func addMetadata(r *row, value []byte) bool {
	if len(value) == 0 {
		return false
	}
	if value[0] == 1 {
		shown, ok := renderMetadata(nil, value)
		if ok {
			r.add("payload", json.RawMessage(shown))
		}
		return ok
	}
	if len(value) < 3 || value[0] != 0 || value[1] != 1 {
		return false
	}
	sequence, n := binary.Uvarint(value[2:])
	if n <= 0 {
		return false
	}
	shown, ok := renderProposal(value[2+n:])
	if ok {
		r.add("proposal", sequence)
		r.add("payload", json.RawMessage(shown))
	}
	return ok
}

// renderProposal shows the records of a proposal as a list.
func renderProposal(b []byte) (shown []byte, ok bool) {
	shown = []byte{'['}
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, false
		}
		if len(shown) > 1 {
			shown = append(shown, ',')
		}
		if shown, ok = renderMetadata(shown, b[n:n+int(size)]); !ok {
			return nil, false
		}
		b = b[n+int(size):]
	}
	return append(shown, ']'), true
}

// renderMetadata appends one metadata record with its type's name.
func renderMetadata(dst, b []byte) ([]byte, bool) {
	m, version, err := protocol.DecodeMetadataRecord(b)
	if err != nil {
		return dst, false
	}
	dst = appendJSON(append(dst, `{"type":`...), reflect.TypeOf(m).Elem().Name())
	dst = appendJSON(append(dst, `,"version":`...), version)
	dst = append(dst, `,"data":`...)
	return append(append(dst, render(m)...), '}'), true
}
