package rows

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"

	"github.com/skein-io/skein/perceptor/binlog/internal/event"
	"github.com/skein-io/skein/perceptor/change"
	"github.com/skein-io/skein/perceptor/internal/arena"
)

// content takes the bytes of a string or blob, and tells how long they are with their length in front.
func (c *column) content(b []byte) ([]byte, int, error) {
	switch c.wire {
	case event.Blob, event.TinyBlob, event.MediumBlob, event.LongBlob, event.BlobCompressed, event.Geometry:
		return blob(b, c.meta)
	}
	width := 1
	if c.meta > 255 {
		width = 2
	}
	return blob(b, width)
}

// blob is a length of so many bytes, and the content.
func blob(b []byte, width int) ([]byte, int, error) {
	if width > len(b) {
		return nil, 0, errCut
	}
	n := littleEndian(b[:width])
	if n > uint64(len(b)-width) {
		return nil, 0, errCut
	}
	end := width + int(n)
	return b[width:end:end], end, nil
}

// characters makes a value of the bytes of a string or a blob.
func (c *column) characters(b []byte, a *arena.Arena) (change.Value, error) {
	if c.wire == event.BlobCompressed || c.wire == event.VarCharCompressed {
		var err error
		if b, err = inflate(b); err != nil {
			return change.Value{}, err
		}
	}
	switch c.as {
	case change.Binary:
		if len(b) >= c.width {
			return change.BytesValue(a.Copy(b)), nil
		}
		// Zeros at the end are not written.
		return change.BytesValue(a.Keep(append(append(a.Buffer(c.width), b...), make([]byte, c.width-len(b))...))), nil
	case change.UUID:
		return c.uuid(b, a)
	case change.INET4, change.INET6:
		return c.address(b, a)
	case change.JSONType:
		text, err := c.charset.Append(a.Buffer(len(b)), b)
		return change.JSONValue(a.Keep(text)), err
	}
	if c.charset.IsBinary() {
		return change.BytesValue(a.Copy(b)), nil
	}
	room := len(b)
	if !c.charset.IsUTF8() {
		room = 3 * len(b)
	}
	text, err := c.charset.Append(a.Buffer(room), b)
	if err != nil {
		return change.Value{}, err
	}
	return change.TextValue(a.Keep(text)), nil
}

// padded is the whole of a value of fixed size: zeros at the end are not written.
func padded(b []byte, size int, t change.Type) ([16]byte, error) {
	var full [16]byte
	if len(b) > size {
		return full, fmt.Errorf("a %s of %d bytes", t, len(b))
	}
	copy(full[:], b)
	return full, nil
}

// uuid writes the bytes in their groups. MariaDB keeps the parts in another order, but not in its binlog.
func (c *column) uuid(b []byte, a *arena.Arena) (change.Value, error) {
	id, err := padded(b, 16, c.as)
	if err != nil {
		return change.Value{}, err
	}
	text := a.Buffer(36)
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, part)
	}
	return change.TextValue(a.Keep(text)), nil
}

// address writes an address as MariaDB does: as RFC 5952 has it, but the last part of what begins with exactly 96 bits of zeros as an
// IPv4 address.
func (c *column) address(b []byte, a *arena.Arena) (change.Value, error) {
	size := 16
	if c.as == change.INET4 {
		size = 4
	}
	full, err := padded(b, size, c.as)
	if err != nil {
		return change.Value{}, err
	}
	const zeros = 12
	text := a.Buffer(48)
	switch {
	case size == 4:
		text = netip.AddrFrom4([4]byte(full[:4])).AppendTo(text)
	case [zeros]byte(full[:zeros]) == [zeros]byte{} && (full[zeros] != 0 || full[zeros+1] != 0):
		text = netip.AddrFrom4([4]byte(full[zeros:])).AppendTo(append(text, "::"...))
	default:
		text = netip.AddrFrom16(full).AppendTo(text)
	}
	return change.TextValue(a.Keep(text)), nil
}

// inflatedMax bounds what a value can be when it is decompressed, in bytes: MariaDB's largest packet.
const inflatedMax = 1 << 30

// inflate takes apart what a COMPRESSED column of MariaDB holds: nothing, if the value is empty; 0 and the value; or
//
//	1, method 3, raw 1, n 3 (bits) | length n, big-endian | zlib, or deflate if raw is set
func inflate(b []byte) ([]byte, error) {
	const compressed, methods, raw, lengthBits, lengthMax = 0x80, 0x70, 8, 7, 4
	if len(b) == 0 || b[0] == 0 {
		return b[min(1, len(b)):], nil
	}
	n := int(b[0] & lengthBits)
	if b[0]&compressed == 0 || b[0]&methods != 0 || n > lengthMax || n >= len(b) {
		return nil, fmt.Errorf("a compressed value begins with %#x", b[0])
	}
	length := int64(bigEndian(b[1 : 1+n]))
	if length > inflatedMax {
		return nil, fmt.Errorf("a compressed value of %d bytes, the limit is %d", length, int64(inflatedMax))
	}
	in := bytes.NewReader(b[1+n:])
	var r io.Reader = flate.NewReader(in)
	if b[0]&raw == 0 {
		var err error
		if r, err = zlib.NewReader(in); err != nil {
			return nil, fmt.Errorf("a compressed value: %w", err)
		}
	}
	// The length is not believed before the bytes are there.
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.LimitReader(r, length+1)); err != nil {
		return nil, fmt.Errorf("a compressed value: %w", err)
	}
	if int64(out.Len()) != length {
		return nil, fmt.Errorf("a compressed value says that it has %d bytes, and has others", length)
	}
	return out.Bytes(), nil
}
