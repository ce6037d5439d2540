package protocol

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Writer encodes messages one after the other into memory that it keeps. Payloads that are not Bytes are not copied:
// the Writer notes their place, counts their length into every length in front of them, and gives them back from
// Segments. The zero Writer is ready; Reset makes it ready again. A Writer belongs to one goroutine.
//
//	Bytes  buf[0:p0]  Payload 0  buf[p0:p1]  Payload 1  ...  buf[pn:]
type Writer struct {
	buf          []byte
	placed       []placedPayload
	payloadBytes int
	segments     []Segment
}

// placedPayload is a payload that follows buf[:end].
type placedPayload struct {
	end     int
	payload Payload
}

// Segment is a run of bytes and the Payload that follows them, which is nil in the last one.
type Segment struct {
	Bytes   []byte
	Payload Payload
}

// NewWriter returns a Writer that appends to buf[:0] until that is full.
func NewWriter(buf []byte) *Writer { return &Writer{buf: buf[:0]} }

// Reset empties w and keeps its memory. What Bytes and Segments returned is overwritten by the next message.
func (w *Writer) Reset() {
	clear(w.placed)
	clear(w.segments)
	*w = Writer{buf: w.buf[:0], placed: w.placed[:0], segments: w.segments[:0]}
}

// Len is the number of bytes written so far, those of the Payloads included.
func (w *Writer) Len() int { return len(w.buf) + w.payloadBytes }

// Cap is the number of bytes of memory that w holds on to, for a pool that wants to let large Writers go.
func (w *Writer) Cap() int { return cap(w.buf) }

// Bytes returns all that was written. A Writer that holds Payloads has no such bytes: that is a programming error.
func (w *Writer) Bytes() []byte {
	if len(w.placed) > 0 {
		panic(fmt.Sprintf("protocol: Writer.Bytes with %d payloads of %d bytes in it; use Segments", len(w.placed), w.payloadBytes))
	}
	return w.buf
}

// Segments returns what was written, in order. It is valid until the next Reset or write.
func (w *Writer) Segments() []Segment {
	w.segments = w.segments[:0]
	from := 0
	for _, p := range w.placed {
		w.segments = append(w.segments, Segment{Bytes: w.buf[from:p.end:p.end], Payload: p.payload})
		from = p.end
	}
	if from < len(w.buf) || from == 0 {
		w.segments = append(w.segments, Segment{Bytes: w.buf[from:]})
	}
	return w.segments
}

// BeginFrame leaves room for a frame's length, an int32, and returns the place for EndFrame.
func (w *Writer) BeginFrame() (frame Frame) {
	w.int32(0)
	return Frame{at: len(w.buf) - 4, start: w.Len()}
}

// Frame is the place of a frame's length in a Writer.
type Frame struct {
	at    int // of the length's first byte in the Writer's memory
	start int // Len behind the length
}

// EndFrame sets the length of the frame that BeginFrame opened to all that was written since, Payloads included.
func (w *Writer) EndFrame(frame Frame) {
	binary.BigEndian.PutUint32(w.buf[frame.at:], uint32(w.Len()-frame.start))
}

// AppendMessage appends m in this version to dst. m holds no Payload but Bytes.
func AppendMessage(dst []byte, m Message, version int16) []byte {
	w := Writer{buf: dst}
	m.Encode(&w, version)
	return w.Bytes()
}

func (w *Writer) int8(v int8)     { w.buf = append(w.buf, byte(v)) }
func (w *Writer) int16(v int16)   { w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(v)) }
func (w *Writer) uint16(v uint16) { w.buf = binary.BigEndian.AppendUint16(w.buf, v) }
func (w *Writer) int32(v int32)   { w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(v)) }
func (w *Writer) int64(v int64)   { w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(v)) }
func (w *Writer) float64(v float64) {
	w.buf = binary.BigEndian.AppendUint64(w.buf, math.Float64bits(v))
}
func (w *Writer) uuid(v UUID)      { w.buf = append(w.buf, v[:]...) }
func (w *Writer) uvarint(v uint32) { w.buf = binary.AppendUvarint(w.buf, uint64(v)) }

func (w *Writer) bool(v bool) {
	if v {
		w.buf = append(w.buf, 1)
	} else {
		w.buf = append(w.buf, 0)
	}
}

// string writes a string, cut to the 32767 bytes that the protocol can carry.
func (w *Writer) string(s string, compact bool) {
	if len(s) > stringBytesMax {
		s = s[:stringBytesMax]
	}
	if compact {
		w.uvarint(uint32(len(s) + 1))
	} else {
		w.int16(int16(len(s)))
	}
	w.buf = append(w.buf, s...)
}

// nullableString writes nil as null, or as "" in a version that has no null.
func (w *Writer) nullableString(s *string, compact, nullable bool) {
	switch {
	case s != nil:
		w.string(*s, compact)
	case !nullable:
		w.string("", compact)
	case compact:
		w.buf = append(w.buf, 0)
	default:
		w.int16(-1)
	}
}

// length writes the length of a bytes, records or array field; null is written as empty in a version without null.
func (w *Writer) length(n int, null, compact, nullable bool) {
	switch {
	case null && nullable && compact:
		w.buf = append(w.buf, 0)
	case null && nullable:
		w.int32(-1)
	case compact:
		w.uvarint(uint32(n + 1))
	default:
		w.int32(int32(n))
	}
}

func (w *Writer) bytes(b []byte, compact, nullable bool) {
	w.length(len(b), b == nil, compact, nullable)
	w.buf = append(w.buf, b...)
}

// payload writes the length of p. Bytes are copied behind it; the place of any other Payload is noted.
func (w *Writer) payload(p Payload, compact, nullable bool) {
	if p == nil {
		w.length(0, true, compact, nullable)
		return
	}
	if b, ok := p.(Bytes); ok {
		w.bytes(b, compact, nullable)
		return
	}
	n := p.Len()
	w.length(n, false, compact, nullable)
	w.placed = append(w.placed, placedPayload{end: len(w.buf), payload: p})
	w.payloadBytes += n
}

// tags opens a tagged section of at most 127 known fields and returns the place of its count.
func (w *Writer) tags() (section int) {
	w.buf = append(w.buf, 0)
	return len(w.buf) - 1
}

// beginTag counts a field of the section and leaves one byte for its size.
func (w *Writer) beginTag(section int, tag uint32) (start int) {
	w.buf[section]++
	w.uvarint(tag)
	w.buf = append(w.buf, 0)
	return len(w.buf)
}

// endTag sets the size of the field that began at start, and moves the field if the size takes more than a byte. No
// tagged field of Kafka's holds records, so no Payload's place moves with it.
func (w *Writer) endTag(start int) {
	size := len(w.buf) - start
	if size < 0x80 {
		w.buf[start-1] = byte(size)
		return
	}
	var varint [binary.MaxVarintLen32]byte
	n := binary.PutUvarint(varint[:], uint64(size))
	w.buf = append(w.buf, varint[:n-1]...)
	copy(w.buf[start-1+n:], w.buf[start:start+size])
	copy(w.buf[start-1:], varint[:n])
}
