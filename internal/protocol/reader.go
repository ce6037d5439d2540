package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// Bounds on what one message may ask for, the same as Kafka 4.4's.
const (
	arrayElementsMax = 1_000_000
	tagsMax          = 10_000
	stringBytesMax   = math.MaxInt16
)

// Limits bounds what decoding may cost.
type Limits struct {
	// AllocBytesMax is the most memory that decoding may allocate, in bytes, rounding by the allocator included. Zero
	// means 8 times the input plus 1 MiB.
	AllocBytesMax int
}

// Reader decodes messages from bytes, and holds what the decoding may still cost. The first failure sticks: every
// later read gives zero at once, so that no loop goes on over input that is not there. A Reader belongs to one
// goroutine. The generated Decode methods are its users.
//
//	src  [ read already | pos -> unread ... ]
//	                                         ^ end; inside a tagged field, the end of that field
type Reader struct {
	src   []byte
	pos   int
	alloc int // bytes that may still be allocated
	err   error
	field string // the field that failed
	at    int    // where in the input it failed
}

// NewReader returns a Reader of b. Decoded byte fields are slices of b.
func NewReader(b []byte, limits Limits) *Reader {
	r := &Reader{}
	r.Reset(b, limits)
	return r
}

// Reset makes r a Reader of b as NewReader does, for use from a pool.
func (r *Reader) Reset(b []byte, limits Limits) {
	budget := limits.AllocBytesMax
	if budget == 0 {
		budget = 8*len(b) + 1<<20
	}
	*r = Reader{src: b, alloc: budget}
}

// Remaining returns the bytes that are not read yet. It is empty after a failure.
func (r *Reader) Remaining() []byte { return r.src[r.pos:] }

// AllocBytesLeft is what decoding may still allocate, in bytes; negative after a failure for want of it.
func (r *Reader) AllocBytesLeft() int { return r.alloc }

// Err returns the first failure, or nil. It names field and position; Decode's error names the message too.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return fmt.Errorf("%s at byte %d: %w", r.field, r.at, r.err)
}

var (
	errShort   = errors.New("the input ends too early")
	errNull    = errors.New("null where null is not allowed")
	errLong    = errors.New("a string is longer than 32767 bytes")
	errArray   = fmt.Errorf("an array has more than %d elements or more than the input can hold", arrayElementsMax)
	errTags    = fmt.Errorf("a section has more than %d tagged fields or more than the input can hold", tagsMax)
	errTagSize = errors.New("a tagged field's value is not as long as its size says")
	errVarint  = errors.New("a varint is longer than 32 bits")
	errBudget  = errors.New("decoding would allocate more than the limit allows")
)

func (r *Reader) fail(field string, err error) {
	if r.err == nil {
		r.err, r.field, r.at = err, field, r.pos
	}
	r.src, r.pos = nil, 0
}

// finish turns a failure into the error that Decode returns.
func (r *Reader) finish(message string, version int16) error {
	if r.err == nil {
		return nil
	}
	return Fail(InvalidRequest, "%s v%d: %w", message, version, r.Err())
}

func unsupported(message string, version, lowest, highest int16) error {
	return Fail(UnsupportedVersion, "%s v%d: the versions are %d to %d", message, version, lowest, highest)
}

// take returns the next n bytes, or nil after a failure. n is not negative.
func (r *Reader) take(field string, n int) []byte {
	if n > len(r.src)-r.pos {
		r.fail(field, errShort)
		return nil
	}
	b := r.src[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// charge takes n bytes, as the allocator rounds them, from the budget.
func (r *Reader) charge(field string, n int) bool {
	r.alloc -= allocated(n)
	if r.alloc < 0 {
		r.fail(field, errBudget)
		return false
	}
	return true
}

// allocated is an upper bound, over many allocations, of what the Go allocator spends on n bytes.
func allocated(n int) int {
	switch {
	case n <= 8:
		return 8
	case n <= 256:
		return (n + 15) &^ 15
	case n <= 512:
		return (n + 31) &^ 31
	case n <= 1024:
		return (n + 127) &^ 127
	case n <= 32<<10:
		return n + n/8 + 8
	}
	return (n + 8191) &^ 8191
}

func (r *Reader) int8(field string) int8 {
	b := r.take(field, 1)
	if b == nil {
		return 0
	}
	return int8(b[0])
}

func (r *Reader) bool(field string) bool { return r.int8(field) != 0 }

func (r *Reader) int16(field string) int16 { return int16(r.uint16(field)) }

func (r *Reader) uint16(field string) uint16 {
	b := r.take(field, 2)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

func (r *Reader) int32(field string) int32 { return int32(r.uint32(field)) }

func (r *Reader) uint32(field string) uint32 {
	b := r.take(field, 4)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func (r *Reader) int64(field string) int64 {
	b := r.take(field, 8)
	if b == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b))
}

func (r *Reader) float64(field string) float64 {
	return math.Float64frombits(uint64(r.int64(field)))
}

func (r *Reader) uuid(field string) UUID {
	b := r.take(field, 16)
	if b == nil {
		return UUID{}
	}
	return UUID(b)
}

// uvarint reads an unsigned varint of at most 32 bits.
func (r *Reader) uvarint(field string) uint32 {
	if r.pos < len(r.src) && r.src[r.pos] < 0x80 {
		v := r.src[r.pos]
		r.pos++
		return uint32(v)
	}
	return r.longUvarint(field)
}

func (r *Reader) longUvarint(field string) uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.take(field, 1)
		if b == nil {
			return 0
		}
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			if v > math.MaxUint32 {
				break
			}
			return uint32(v)
		}
	}
	r.fail(field, errVarint)
	return 0
}

// length reads the length of a bytes, records or array field; -1 is null.
//
//	classic:  int32, negative is null       compact:  uvarint of length+1, 0 is null
func (r *Reader) length(field string, compact, nullable bool) int {
	var n int
	if compact {
		n = int(min(r.uvarint(field), math.MaxInt32)) - 1
	} else {
		n = int(r.int32(field))
	}
	if n < 0 {
		if !nullable && r.err == nil {
			r.fail(field, errNull)
		}
		return -1
	}
	return n
}

// stringBytes reads a string's bytes without a copy; nil is null or a failure.
//
//	classic:  int16 length, negative is null       compact:  uvarint of length+1, 0 is null
func (r *Reader) stringBytes(field string, compact, nullable bool) []byte {
	var n int
	if compact {
		n = int(min(r.uvarint(field), math.MaxInt32)) - 1
	} else {
		n = int(r.int16(field))
	}
	switch {
	case n > stringBytesMax:
		r.fail(field, errLong)
		return nil
	case n >= 0:
		return r.take(field, n)
	case !nullable && r.err == nil:
		r.fail(field, errNull)
	}
	return nil
}

func (r *Reader) string(field string, compact bool) string {
	b := r.stringBytes(field, compact, false)
	if len(b) == 0 || !r.charge(field, len(b)) {
		return ""
	}
	return string(b)
}

func (r *Reader) nullableString(field string, compact, nullable bool) *string {
	b := r.stringBytes(field, compact, nullable)
	if b == nil || !r.charge(field, len(b)) || !r.charge(field, int(unsafe.Sizeof(""))) {
		return nil
	}
	s := string(b)
	return &s
}

// bytes reads a bytes field as a slice of the input; nil is null or a failure.
func (r *Reader) bytes(field string, compact, nullable bool) []byte {
	n := r.length(field, compact, nullable)
	if n < 0 {
		return nil
	}
	return r.take(field, n)
}

// payload reads the records of a Fetch response as Bytes, a slice of the input; nil is null or a failure.
func (r *Reader) payload(field string, compact, nullable bool) Payload {
	b := r.bytes(field, compact, nullable)
	if b == nil || !r.charge(field, int(unsafe.Sizeof(b))) {
		return nil
	}
	return Bytes(b)
}

// array reads an array's length and makes the slice for its elements, each of which takes at least elementBytesMin
// bytes of input. It refuses before it allocates; nil is null or a failure.
func array[T any](r *Reader, field string, compact, nullable bool, elementBytesMin int) []T {
	n := r.length(field, compact, nullable)
	if n < 0 || r.err != nil {
		return nil
	}
	if n > arrayElementsMax || n > (len(r.src)-r.pos)/elementBytesMin {
		r.fail(field, errArray)
		return nil
	}
	var element T
	if n > 0 && !r.charge(field, n*int(unsafe.Sizeof(element))) {
		return nil
	}
	return make([]T, n)
}

// present reads the marker in front of a nullable struct: negative is null.
func (r *Reader) present(field string) bool { return r.int8(field) >= 0 && r.err == nil }

// presentTagged reads the marker in front of a nullable struct inside a tagged field: 0 is null.
func (r *Reader) presentTagged(field string) bool { return r.uvarint(field) > 0 }

// structOf makes a nullable struct.
func structOf[T any](r *Reader, field string) *T {
	var zero T
	r.charge(field, int(unsafe.Sizeof(zero)))
	return new(T)
}

// tags reads the number of fields of a tagged section.
//
//	uvarint count, then for each field: uvarint tag | uvarint size | size bytes
func (r *Reader) tags() int {
	n := r.uvarint("tagged fields")
	if n > tagsMax || int(n) > (len(r.src)-r.pos)/2 {
		r.fail("tagged fields", errTags)
		return 0
	}
	return int(n)
}

// beginTag reads a tag and its size and ends the input behind its value until endTag or skipTag gets outer back.
func (r *Reader) beginTag() (tag uint32, outer []byte) {
	tag = r.uvarint("tagged fields")
	size := min(r.uvarint("tagged fields"), math.MaxInt32)
	if int(size) > len(r.src)-r.pos {
		r.fail("tagged fields", errShort)
		return 0, nil
	}
	outer = r.src
	r.src = r.src[:r.pos+int(size)]
	return tag, outer
}

func (r *Reader) endTag(field string, outer []byte) {
	if r.err != nil {
		return
	}
	if r.pos != len(r.src) {
		r.fail(field, errTagSize)
		return
	}
	r.src = outer
}

func (r *Reader) skipTag(outer []byte) {
	if r.err == nil {
		r.pos = len(r.src)
		r.src = outer
	}
}

// skipTags reads over a tagged section of which no field is known.
func (r *Reader) skipTags() {
	for n := r.tags(); n > 0 && r.err == nil; n-- {
		_, outer := r.beginTag()
		r.skipTag(outer)
	}
}
